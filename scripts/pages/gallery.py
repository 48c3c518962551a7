"""The gallery: every example is run, and becomes a page with what it says, its pictures and its code."""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

__all__ = ["write_gallery"]

PAGE = """# {title}

{words}

## What it says

```text
{said}
```

## Its pictures

{pictures}

## Its code

```{{literalinclude}} {script}
:language: python
```

It is run with {{download}}`this file <{script}>` in the folder `examples` of the repository.
"""

INDEX = """# Gallery

Whole analyses, as they were run when these pages were made. Where data are real, the first lines say where they are
from.

:::{{container}} cards
{cards}
:::

```{{toctree}}
:hidden:

{pages}
```
"""


def write_gallery(examples: Path, folder: Path, *, keep: bool = False) -> None:
    """Run the examples, as many at a time as there are processors, and write their pages.

    Parameters
    ----------
    examples : Path
        The folder of the examples.
    folder : Path
        Where pages and pictures go.
    keep : bool
        Whether an example that is not newer than its page is not run again.

    Raises
    ------
    RuntimeError
        If an example fails or draws nothing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    scripts = sorted(examples.glob("[!_]*.py"))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        cards = list(pool.map(lambda script: write_example(script, folder, keep=keep), scripts))
    pages = "\n".join(script.stem for script in scripts)
    (folder / "index.md").write_text(
        INDEX.format(cards="\n".join(cards), pages=pages), encoding="utf-8"
    )


def write_example(script: Path, folder: Path, *, keep: bool) -> str:
    """Run one, write its page, and give its entry in the index."""
    page, pictures = folder / f"{script.stem}.md", folder / script.stem
    docstring = script.read_text(encoding="utf-8").split('"""')[1].strip()
    title, _, rest = docstring.partition("\n")[0].rstrip(".").partition(": ")
    words = f"{rest[:1].upper()}{rest[1:]}{'.' if rest else ''}\n{docstring.partition('\n')[2]}".strip()
    if not (keep and page.exists() and page.stat().st_mtime > script.stat().st_mtime):
        said = run(script, pictures)
        drawn = re.findall(r"^Picture: .*/([^/\n]+\.png)$", said, flags=re.MULTILINE)
        if not drawn:
            raise RuntimeError(f"{script} has drawn nothing.")
        said = re.sub(r"^(Picture|Report): .*\n?", "", said, flags=re.MULTILINE).strip()
        shown = "\n\n".join(f"![{name}]({script.stem}/{name})" for name in drawn)
        text = PAGE.format(
            title=title,
            words=words,
            said=said,
            pictures=shown,
            script=os.path.relpath(script, folder),
        )
        page.write_text(text, encoding="utf-8")
    first = re.search(r"!\[[^\]]*\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    assert first is not None
    more = f": {rest}" if rest else ""
    return f"[![{title}]({first[1]})]({script.stem}.md) [{title}]({script.stem}.md){more}\n"


def run(script: Path, pictures: Path) -> str:
    """Run an example with the package of this checkout, and give what it prints."""
    places = [str(script.parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, script, "--folder", pictures],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "110", "PYTHONPATH": os.pathsep.join(places)},
    )
    if done.returncode != 0:
        raise RuntimeError(f"{script} fails:\n{done.stdout}{done.stderr}")
    return done.stdout
