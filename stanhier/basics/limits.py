"""Limits that the system sets this process, and with it all that it starts."""

import importlib.util

__all__ = ["time_is_limited"]


def time_is_limited() -> bool:
    """Tell whether the processor's time is limited (ulimit -t): at the limit the system kills as if memory were out."""
    if importlib.util.find_spec("resource") is None:  # Windows
        return False
    import resource

    return resource.getrlimit(resource.RLIMIT_CPU)[1] != resource.RLIM_INFINITY
