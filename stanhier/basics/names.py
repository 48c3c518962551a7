"""Names of columns as they stand in formulas."""

__all__ = ["formula_name"]


def formula_name(name: str) -> str:
    """Write a column's name as a formula takes it: in backticks, unless it is a plain word."""
    return name if name.isidentifier() else f"`{name}`"
