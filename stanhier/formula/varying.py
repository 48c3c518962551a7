"""Grouping terms with what varies in them: their effects read as the common part is, their factors one by one."""

from collections.abc import Iterable
from dataclasses import dataclass

from formulaic.formula import SimpleFormula

from stanhier.basics.errors import FormulaError
from stanhier.basics.words import quoted, shortened, some_of
from stanhier.formula.factors import expanded_factors, factor_name
from stanhier.formula.formulaic_parts import columns_of_terms, constants_of, name_of
from stanhier.formula.group_terms import MOST_FACTORS, GroupTerm
from stanhier.formula.reading import read_terms

__all__ = ["VaryingTerm", "factor_columns", "varying_terms"]

_MOST_EFFECTS = 100


@dataclass(frozen=True)
class VaryingTerm:
    """What varies by the groups of one factor.

    Attributes
    ----------
    text : str
        What stands between the parentheses; the same for all factors of `a / b`.
    factors : tuple of str
        Columns of the groups; of several, the groups are their combinations.
    effects : formulaic.formula.SimpleFormula
        What varies, as the right-hand side of a formula.
    has_intercept : bool
        Whether the intercept varies: False after `0 +` or `- 1`.
    correlated : bool
        False after two bars.
    """

    text: str
    factors: tuple[str, ...]
    effects: SimpleFormula
    has_intercept: bool
    correlated: bool

    @property
    def name(self) -> str:
        """Of the factor: "g", or "a:b"."""
        return factor_name(self.factors)

    @property
    def is_intercept(self) -> bool:
        """Whether an intercept is all that varies."""
        return self.has_intercept and len(self.effects) == 1


def varying_terms(terms: Iterable[GroupTerm], formula: str) -> tuple[VaryingTerm, ...]:
    """Read the grouping terms of a formula.

    Parameters
    ----------
    terms : iterable of GroupTerm
        As they were cut out.
    formula : str
        The whole formula, for messages.

    Returns
    -------
    tuple of VaryingTerm
        In the order written, `(x | a / b)` as `(x | a)` and `(x | a:b)`. Factors of the same columns have them in the
        same order.

    Raises
    ------
    FormulaError
        If the effects cannot be read, or are none or too many; if a factor is not made of columns; if an effect varies
        twice by the same factor, or two factors have one name; if there are too many terms.
    """
    read: list[VaryingTerm] = []
    orders: dict[frozenset[str], tuple[str, ...]] = {}
    for term in terms:
        effects = _effects(term, formula)
        for columns in expanded_factors(term, formula):
            factors = orders.setdefault(frozenset(columns), columns)
            has_intercept = any(constants_of(effect) for effect in effects)
            read.append(VaryingTerm(term.text, factors, effects, has_intercept, term.correlated))
        if len(read) > MOST_FACTORS:
            raise FormulaError(
                f"{quoted(formula)} has more than {MOST_FACTORS} grouping terms, those that '/' stands for counted; "
                "write fewer."
            )
    _refuse_one_name(read, formula)
    _refuse_repeated(read, formula)
    return tuple(read)


def factor_columns(terms: Iterable[VaryingTerm]) -> tuple[str, ...]:
    """Give the columns of all groups in their order, each once."""
    return tuple(dict.fromkeys(column for term in terms for column in term.factors))


def _effects(term: GroupTerm, formula: str) -> SimpleFormula:
    said = f"{quoted(formula)}: ({shortened(term.text)})"
    rule = "write (1 | g) for an intercept, (1 + x | g) for an intercept and a slope, (0 + x | g) for a slope alone"
    if not term.effects:
        raise FormulaError(f"{said} does not say what varies; {rule}.")
    effects = read_terms(term.effects, formula, most_terms=_MOST_EFFECTS)
    if not isinstance(effects, SimpleFormula):
        raise FormulaError(f"{said}: the left of the bar is one sum of terms; {rule}.")
    if len(effects) > _MOST_EFFECTS:
        raise FormulaError(f"{said} lets {len(effects):,} terms vary, and {_MOST_EFFECTS} are the most; take fewer.")
    if not len(effects):
        raise FormulaError(f"{said} lets nothing vary; {rule}.")
    return effects


def _refuse_one_name(terms: list[VaryingTerm], formula: str) -> None:
    """Refuse a column called `a:b` beside the combinations of `a` and `b`."""
    named: dict[str, tuple[str, ...]] = {}
    for term in terms:
        if named.setdefault(term.name, term.factors) != term.factors:
            raise FormulaError(
                f"{quoted(formula)}: two grouping factors are called '{shortened(term.name)}', one of them by the name "
                "of a column that has ':' in it; rename the column."
            )


def _refuse_repeated(terms: list[VaryingTerm], formula: str) -> None:
    """Refuse effects that vary twice by the same groups, which no data can tell apart."""
    by_factor: dict[str, list[VaryingTerm]] = {}
    texts = [term.text for term in terms]
    for term in terms:
        for first in by_factor.setdefault(term.name, []):
            twice = _twice(first, term)
            if twice is not None:
                nested = first.text != term.text and any(texts.count(one.text) > 1 for one in (first, term))
                raise FormulaError(
                    f"{quoted(formula)}: {twice} in ({shortened(first.text)}) and in ({shortened(term.text)})"
                    f"{', where a / b stands for a and a:b' if nested else ''}; leave it out of one of them. "
                    "(0 + x | g) has no intercept."
                )
        by_factor[term.name].append(term)


def _twice(first: VaryingTerm, second: VaryingTerm) -> str | None:
    """Say which effects two terms of the same groups share, None if none."""
    effects = _named(second)
    twice = [effects[effect] for effect in _named(first) if effect in effects]
    if not twice:
        return None
    names = some_of(twice) if len(twice) > 2 else " and ".join(twice)
    return f"{names} {'varies' if len(twice) == 1 else 'vary'} twice by '{shortened(first.name)}',"


def _named(term: VaryingTerm) -> dict[frozenset[tuple[str, bool]], str]:
    """Give the names of effects for messages, by the columns and expressions that each multiplies."""
    return {
        frozenset(parts): f"'{shortened(name_of(effect))}'" if parts else "the intercept"
        for effect, parts in zip(term.effects, columns_of_terms(term.effects), strict=True)
    }
