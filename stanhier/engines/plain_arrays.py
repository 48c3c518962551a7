"""Arrays of sufficient statistics as a file gives them."""

from collections.abc import Mapping

import numpy as np

__all__ = ["check_arrays"]


def check_arrays(arrays: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse arrays that are not of finite numbers of double precision, or of another shape.

    Raises
    ------
    ValueError
    """
    for name, shape in shapes.items():
        found = arrays[name]
        if found.dtype != np.float64 or found.shape != shape or not np.isfinite(found).all():
            raise ValueError(f"{name} of the rows is {found.dtype} of shape {found.shape}, or not finite")
