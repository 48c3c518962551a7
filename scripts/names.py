"""Look for names that tests, scripts, pages and examples take from modules of this project, and that are not there.

A merge of two sound branches may leave one: the one removed the name, the other began to use it. mypy checks the
package; tests, which nothing imports, would fail when they run, many minutes later.
"""

import ast
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

__all__ = ["missing"]

ROOT = Path(__file__).resolve().parents[1]
USERS = ("tests", "scripts", "examples")
OURS = ("stanhier", "tests", "scripts")

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def main() -> int:
    sys.path.insert(0, str(ROOT))
    wrong = [line for user in USERS for path in sorted((ROOT / user).rglob("*.py")) for line in missing(path)]
    print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
    return 1 if wrong else 0


def missing(path: Path, root: Path = ROOT) -> list[str]:
    """Say for each name that is not there where it is used.

    Parameters
    ----------
    path : Path
        A Python file.
    root : Path
        The folder from which packages are counted.

    Returns
    -------
    list of str
        Lines such as "tests/test_public.py:18: stanhier has no nothing".
    """
    tree = ast.parse(path.read_text(encoding="utf-8"), path)
    package = ".".join(path.relative_to(root).parent.parts)
    found, modules = [], {}
    for node in ast.walk(tree):
        for name, module, wanted in _imports(node, package):
            value = _value(module, wanted)
            if value is None:
                found.append((node.lineno, f"{module} has no {wanted}" if wanted else f"there is no {module}"))
            elif isinstance(value, ModuleType):
                modules[name] = value
    found += [(node.lineno, f"{module.__name__} has no {node.attr}") for node, module in _asked(tree, modules)]
    return [f"{path.relative_to(root)}:{line}: {words}" for line, words in sorted(found)]


def _imports(node: ast.AST, package: str) -> Iterator[tuple[str, str, str]]:
    """Give the name that an import binds here, the module, and what is wanted of it, if not itself."""
    if isinstance(node, ast.ImportFrom):
        module = (
            importlib.util.resolve_name("." * node.level + (node.module or ""), package) if node.level else node.module
        )
        if module.partition(".")[0] in OURS:
            for alias in node.names:
                yield alias.asname or alias.name, module, alias.name
    elif isinstance(node, ast.Import):
        for alias in node.names:
            first = alias.name.partition(".")[0]
            if first in OURS:
                yield (alias.asname, alias.name, "") if alias.asname else (first, first, "")


def _value(module: str, name: str) -> object | None:
    try:
        found = importlib.import_module(module)
        if not name or hasattr(found, name):
            return getattr(found, name) if name else found
        return importlib.import_module(f"{module}.{name}")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in OURS:
            return None
        return error  # a library that is not installed here, which benchmarks and some tests can do without


def _asked(tree: ast.AST, modules: dict[str, ModuleType]) -> Iterator[tuple[ast.Attribute, ModuleType]]:
    """Give the attributes of modules that are not there; a function's own variable of the same name is no module."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.With) and any(_is_about_names(item.context_expr) for item in node.items):
            continue
        inside = modules
        if isinstance(node, FUNCTIONS):
            inside = {name: module for name, module in modules.items() if name not in _bound(node)}
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            module = _module(node.value, inside)
            if module is not None and not hasattr(module, node.attr):
                yield node, module
        yield from _asked(node, inside)


def _is_about_names(context: ast.expr) -> bool:
    """Whether it is `pytest.raises(AttributeError, ...)`: names that are not there are what it is for."""
    return isinstance(context, ast.Call) and any("AttributeError" in ast.unparse(one) for one in context.args)


def _bound(function: ast.AST) -> set[str]:
    names = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
    return names | {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}


def _module(node: ast.expr, modules: dict[str, ModuleType]) -> ModuleType | None:
    """Give the module that a dotted name stands for."""
    if isinstance(node, ast.Name):
        return modules.get(node.id)
    above = _module(node.value, modules) if isinstance(node, ast.Attribute) else None
    found = getattr(above, node.attr, None) if isinstance(node, ast.Attribute) else None
    return found if isinstance(found, ModuleType) and found.__name__.partition(".")[0] in OURS else None


if __name__ == "__main__":
    sys.exit(main())
