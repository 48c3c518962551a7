"""Some of many: positions at even distances."""

import numpy as np

__all__ = ["evenly"]


def evenly(number: int, most: int) -> np.ndarray:
    """Choose positions among `number`, first and last included, evenly where there are more than `most`."""
    return np.linspace(0, number - 1, min(number, most)).round().astype(int)
