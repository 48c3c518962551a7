"""Models as text: what a prompt shows of them."""

from stanhier.engines.regression import Regression

__all__ = ["model_text"]


def model_text(model: Regression) -> str:
    """Give formula, rows and groups, and every prior as it will be used."""
    lines = [f"{type(model).__name__}({model.formula!r})", f"  {model.design.n_rows:,} rows"]
    counts = [f"{len(one.levels):,} groups of '{one.name}'" for one in model.design.groupings]
    if counts:
        lines[-1] += f" in {' and '.join(counts)}"
    lines += [f"  {name} ~ {prior!r}" for name, prior in model.chosen.by_scalar.items()]
    if model.noise.kind == "known":
        lines.append("  standard errors known")
    elif model.noise.fixed is not None:
        lines.append(f"  sigma = {model.noise.fixed:g}")
    lines += [f"  {sentence}" for sentence in model.around_zero]
    return "\n".join(lines)
