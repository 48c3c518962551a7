"""Models of rows that are never all in memory: learnt, encoded and compressed block by block."""

from stanhier.design.streamed import StreamedDesign, StreamedGrouping, design_from, design_of

__all__ = ["StreamedDesign", "StreamedGrouping", "design_from", "design_of"]
