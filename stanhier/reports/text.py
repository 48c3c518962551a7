"""Models as lines of text: what `print(model)` shows."""

from stanhier.design.design import Design
from stanhier.engines.regression import Regression

__all__ = ["model_text", "said_of_response"]


def model_text(model: Regression) -> str:
    """Give the formula, the size of the data, the priors, and what else is known of a model, a line each."""
    rows = f"  {model.design.n_rows:,} rows"
    sizes = {one.name: len(one.levels) for one in model.design.groupings}
    if sizes:
        counts = [f"{n:,} {'group' if n == 1 else 'groups'} of '{name}'" for name, n in sizes.items()]
        rows += f" in {' and '.join(counts)}"
    lines = [f"{type(model).__name__}({model.formula!r})", rows]
    lines += [f"  {line}" for line in said_of_response(model.design)]
    lines += [f"  {name} ~ {prior!r}" for name, prior in model.chosen.by_scalar.items()]
    if model.noise.fixed is not None:
        lines.append(f"  sigma = {model.noise.fixed:g}")
    lines += [f"  {sentence}" for sentence in model.around_zero]
    return "\n".join(lines)


def said_of_response(design: Design) -> list[str]:
    """Say what the family of responses is, unless Gaussian, what stands beside the formula, and what is left out."""
    lines = [] if design.left_out is None else [str(design.left_out)]
    if not design.family.is_gaussian:
        fixed = "".join(f"; {name} = {value:g}" for name, value in design.family.fixed.items())
        event = "" if design.categories is None else f"; the event is {design.categories[1]!r}"
        lines.append(f"{design.formula.response} is {design.family.name}, {design.family.link} link{event}{fixed}")
    if design.trials_constant is not None:
        lines.append(f"{design.trials_constant:,} {'trial' if design.trials_constant == 1 else 'trials'} in each row")
    elif design.family.takes_trials:
        lines.append(f"trials {f"'{design.trials_name}'" if design.trials_name is not None else 'given by row'}")
    if design.row_noise is not None:
        lines.append(design.row_noise.said)
    if design.has_offset:
        lines.append(f"offset {f"'{design.offset_name}'" if design.offset_name is not None else 'given by row'}")
    return lines
