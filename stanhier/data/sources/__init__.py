"""Where data live: one small adapter per engine, all with the same face."""

from stanhier.data.sources.opening import open_source
from stanhier.data.sources.parts import CompleteRows
from stanhier.data.sources.source import OrderedSource, Source, Task, in_order, needed

__all__ = ["CompleteRows", "OrderedSource", "Source", "Task", "in_order", "needed", "open_source"]
