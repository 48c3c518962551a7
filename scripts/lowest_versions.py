"""Print the lowest allowed version of each package that the tests need, as requirements for pip."""

import tomllib
from pathlib import Path

from packaging.requirements import Requirement

__all__ = ["lowest"]

NOT_TESTED = {"ruff", "mypy", "pandas-stubs", "types-psutil", "scipy-stubs"}
"""What checks the code without running it."""


def lowest(pyproject: str) -> list[str]:
    """Give the lowest versions of the dependencies and of those of the tests.

    Parameters
    ----------
    pyproject : str
        The contents of pyproject.toml.

    Returns
    -------
    list of str
        Requirements, sorted.

    Raises
    ------
    ValueError
        If a package has no lower bound or something else beside it, or different ones in different places.
    """
    project = tomllib.loads(pyproject)["project"]
    extras = project["optional-dependencies"]
    bounds: dict[str, str] = {}
    wanted = set()
    for line in [*project["dependencies"], *(line for lines in extras.values() for line in lines)]:
        requirement = Requirement(line)
        specifiers = list(requirement.specifier)
        if [specifier.operator for specifier in specifiers] != [">="]:
            raise ValueError(f"{line!r} in pyproject.toml: one lower bound, >=, is wanted")
        version = specifiers[0].version
        if bounds.setdefault(requirement.name, version) != version:
            raise ValueError(f"{requirement.name} has the lower bounds {bounds[requirement.name]} and {version}")
        if line in [*project["dependencies"], *extras["dev"]] and requirement.name not in NOT_TESTED:
            features = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
            wanted.add(f"{requirement.name}{features}=={version}")
    return sorted(wanted)


if __name__ == "__main__":
    print("\n".join(lowest(Path("pyproject.toml").read_text(encoding="utf-8"))))
