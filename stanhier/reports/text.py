"""Models as lines of text: what `print(model)` shows."""

from stanhier.engines.regression import Regression

__all__ = ["model_text"]


def model_text(model: Regression) -> str:
    """Give the formula, the size of the data, the priors, and what else is known of a model, a line each."""
    rows = f"  {model.design.n_rows:,} rows"
    sizes = {one.name: len(one.levels) for one in model.design.groupings}
    if sizes:
        counts = [f"{n:,} {'group' if n == 1 else 'groups'} of '{name}'" for name, n in sizes.items()]
        rows += f" in {' and '.join(counts)}"
    lines = [f"{type(model).__name__}({model.formula!r})", rows]
    lines += [f"  {name} ~ {prior!r}" for name, prior in model.chosen.by_scalar.items()]
    if model.noise.kind == "known":
        lines.append("  standard errors known")
    elif model.noise.fixed is not None:
        lines.append(f"  sigma = {model.noise.fixed:g}")
    lines += [f"  {sentence}" for sentence in model.around_zero]
    return "\n".join(lines)
