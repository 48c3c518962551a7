"""Where data live: one small adapter per engine, all with the same face."""

from stanhier.data.sources.opening import open_source
from stanhier.data.sources.source import Source, Task

__all__ = ["Source", "Task", "open_source"]
