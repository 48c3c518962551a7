"""What the examples share: where pictures go, and the command line."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl

OUTPUT = Path(__file__).resolve().parent / "output"

mpl.use("Agg")


def save(picture: Any, path: Path) -> None:
    """Save a picture as a PNG file, and say so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.savefig(path, dpi=120)
    print(f"Picture: {path}")


def run(main: Callable[..., Any], description: str | None) -> None:
    """Run an example with the seed and folder of the command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seed", type=int, default=1, help="seed of the sampler (default: 1)")
    parser.add_argument("--folder", type=Path, default=OUTPUT, help="where pictures go (default: examples/output)")
    arguments = parser.parse_args()
    main(seed=arguments.seed, folder=arguments.folder)
