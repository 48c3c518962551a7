"""How to read the pictures of a report that depend on the family of responses."""

from stanhier.families.family import Family

__all__ = ["check_caption", "prediction_caption", "shrinkage_caption"]


def prediction_caption(family: Family, *, by_group: bool = False, new: bool = True) -> str:
    """Say how to read the regression along a predictor, or that of each group; `new` if it has new observations."""
    own = "each group's own" if by_group else "the"
    if not family.is_discrete:
        line = f"{own} {'line' if by_group else 'mean'}"
        more = ", and the 90 % interval of new observations" if new else ""
        return f"Data (points), {line} and its 90 % interval{more}."
    if family.link == "log":
        return (
            f"Counts (points, spread where they hide each other), {own} expected count and its 90 % interval, and the "
            "90 % interval of new observations."
        )
    return f"Proportions observed (points, whose areas say of how many), {own} probability and its 90 % interval."


def check_caption(family: Family, *, grouped: bool) -> str:
    """Say how to read the posterior predictive check."""
    if not family.is_discrete:
        how = "Data that the fitted model draws (blue), beside the observed data (black): they should look alike."
    elif family.name == "bernoulli":
        how = (
            "How often the event occurs among rows for which so much is predicted (black), and how often in data that "
            "the fitted model draws (blue): the line should stay in the band."
        )
    else:
        how = (
            "How often each count occurs in data that the fitted model draws (blue), and observed (black): most points "
            "should be in their intervals."
        )
    what = "proportions" if family.is_discrete and family.link != "log" else "means"
    groups = (
        f"About nine of ten {what} of groups (black) should be where the other groups lead one to expect them (blue)."
    )
    return f"{how} {groups}" if grouped else how


def shrinkage_caption(family: Family, *, one_effect: bool) -> str:
    """Say how to read what pooling did to groups, of one effect or several."""
    if family.is_gaussian:
        how = "own mean, and its estimate" if one_effect else "least squares, and its estimates"
    else:
        how = f"estimate{'' if one_effect else 's'} by its own rows, and with those of the others"
    return f"Each group's {how}: the smaller the group, the more it moves towards the others."
