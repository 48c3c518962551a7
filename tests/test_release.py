"""What stands against a release: versions that differ, an open changelog, a tree or a tag that does not fit."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.wheels import release, trial
from scripts.wheels.release import notes, problems
from scripts.wheels.tools import run

CHANGES = "# Changes\n\n## Unreleased\n\n## 1.2.0 - 2026-01-31\n\n- Much.\n\n## 1.1.0 - 2025-12-01\n\n- Little.\n"


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that could be released as 1.2.0."""
    folder = tmp_path / "checkout"
    (folder / "stanhier" / "basics").mkdir(parents=True)
    (folder / "pyproject.toml").write_text('[project]\nname = "stanhier"\nversion = "1.2.0"\n')
    (folder / "stanhier" / "basics" / "version.py").write_text('VERSION = "1.2.0"\n')
    (folder / "CITATION.cff").write_text("cff-version: 1.2.0\nversion: 1.2.0\n")
    (folder / "CHANGELOG.md").write_text(CHANGES)
    git(folder, "init", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--message=All")
    return folder


def changed(folder: Path, name: str, old: str, new: str) -> list[str]:
    """Give the problems after a change that is committed."""
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))
    git(folder, "commit", "--all", "--message=Change")
    return problems(folder)


def test_nothing_stands_against_a_release_that_is_ready(checkout: Path) -> None:
    assert problems(checkout) == []
    git(checkout, "tag", "v1.2.0")
    assert problems(checkout) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("stanhier/basics/version.py", "1.2.0", "1.1.0", "stanhier.__version__ is 1.1.0, pyproject.toml says 1.2.0."),
        (
            "stanhier/basics/version.py",
            "VERSION =",
            "V =",
            "stanhier.__version__ is nowhere, pyproject",
        ),
        ("CITATION.cff", "\nversion: 1.2.0", "\nversion: 1.3.0", "CITATION.cff is 1.3.0, pyproject.toml says 1.2.0."),
        (
            "CHANGELOG.md",
            "## 1.2.0 - 2026-01-31",
            "## 1.2.0",
            'CHANGELOG.md has no newest heading "## 1.2.0 - YYYY-MM-DD"; its newest dated one is the one of 1.1.0.',
        ),
        (
            "CHANGELOG.md",
            CHANGES,
            "# Changes\n\n## Unreleased\n\n- Much.\n",
            'CHANGELOG.md has no newest heading "## 1.2.0 - YYYY-MM-DD"; its newest dated one is none.',
        ),
        (
            "CHANGELOG.md",
            "## Unreleased\n",
            "## Unreleased\n\n- More.\n",
            "CHANGELOG.md has changes under Unreleased, above 1.2.0.",
        ),
    ],
)
def test_what_differs_is_named(checkout: Path, name: str, old: str, new: str, said: str) -> None:
    (wrong,) = changed(checkout, name, old, new)
    assert wrong.startswith(said)


def test_another_version_of_the_project_differs_from_all(checkout: Path) -> None:
    wrong = changed(checkout, "pyproject.toml", "1.2.0", "2.0.0")
    assert len(wrong) == 3
    assert all("2.0.0" in sentence for sentence in wrong)


def test_a_changelog_needs_no_empty_section(checkout: Path) -> None:
    assert changed(checkout, "CHANGELOG.md", "## Unreleased\n\n", "") == []


def test_the_tree_has_to_be_clean(checkout: Path, tmp_path: Path) -> None:
    (checkout / "new.py").write_text("")
    assert problems(checkout) == ["The tree is not clean: new.py."]
    (checkout / ".git").rename(tmp_path / "elsewhere")
    assert "is no git checkout" in problems(checkout)[0]


def test_tags_have_to_fit(checkout: Path) -> None:
    git(checkout, "tag", "v1.1.0")
    assert problems(checkout) == ["This commit has the tag v1.1.0, pyproject.toml says 1.2.0."]
    git(checkout, "tag", "--delete", "v1.1.0")
    git(checkout, "tag", "v1.2.0")
    git(checkout, "commit", "--allow-empty", "--message=More")
    assert problems(checkout) == ["The tag v1.2.0 is on another commit: 1.2.0 has been released before."]


def test_what_should_be_known_is_noted(checkout: Path) -> None:
    assert notes(checkout) == [
        "pyproject.toml has no [project.urls]: nobody will find the sources.",
        "There is no tag v1.2.0 yet.",
    ]
    git(checkout, "tag", "v1.2.0")
    (checkout / "pyproject.toml").write_text('[project]\nversion = "1.2.0"\nurls = {Source = "https://example.org"}\n')
    assert notes(checkout) == []


@pytest.fixture
def steps(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Release the checkout, with a build and a trial that take no time; what was done, in order."""
    done: list[str] = []

    def build(folder: Path) -> list[Path]:
        done.append("build")
        (folder / "stanhier-1.2.0.tar.gz").write_bytes(b"all of it")
        return [folder / "stanhier-1.2.0.tar.gz"]

    def try_out(file: Path, version: str) -> str:
        done.append(f"try {file.name} {version}")
        return "works"

    monkeypatch.setattr(release, "ROOT", checkout)
    monkeypatch.setattr(release, "build", build)
    monkeypatch.setattr(release, "try_out", try_out)

    def released() -> list[str]:
        done.append(f"exit code {release.main(tmp_path)}")
        return done

    return released


def test_files_are_built_and_tried_and_their_checksums_printed(
    steps: Callable[[], list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert steps() == ["build", "try stanhier-1.2.0.tar.gz 1.2.0", "exit code 0"]
    said = capsys.readouterr().out
    checksum = run("sha256sum", tmp_path / "stanhier-1.2.0.tar.gz").split()[0]
    assert f"{checksum}  {tmp_path / 'stanhier-1.2.0.tar.gz'}  0.00 MB" in said
    assert "works" in said


def test_nothing_is_built_of_what_is_not_ready(
    steps: Callable[[], list[str]], checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "new.py").write_text("")
    assert steps() == ["exit code 1"]
    assert capsys.readouterr().err == "scripts/release: The tree is not clean: new.py.\n"


def test_wheels_of_a_platform_are_tried_on_a_bare_machine(tmp_path: Path) -> None:
    assert trial._has_programs(Path("stanhier-1.2.0-py3-none-manylinux_2_34_x86_64.whl"))
    assert not trial._has_programs(Path("stanhier-1.2.0-py3-none-any.whl"))
    assert not trial._has_programs(Path("stanhier-1.2.0.tar.gz"))
    assert run("/bin/sh", "-c", "echo $PATH $HOME", environment=trial._bare(tmp_path)).split() == [
        str(tmp_path / "PATH"),
        str(tmp_path / "HOME"),
    ]


def test_a_tool_that_fails_says_why() -> None:
    with pytest.raises(RuntimeError, match=r"(?s)^`sh -c .* failed:\nall but out of it"):
        run("sh", "-c", "echo all but out of it >&2; exit 3")
    with pytest.raises(RuntimeError, match="no-such-tool does not run"):
        run("no-such-tool")
