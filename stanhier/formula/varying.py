"""Grouping terms with what varies in them: their effects read as the common part is, their factors one by one."""

from collections.abc import Iterable
from dataclasses import dataclass

from formulaic.formula import SimpleFormula

from stanhier.basics.errors import FormulaError
from stanhier.basics.words import quoted, shortened
from stanhier.formula.factors import MOST_FACTORS, expanded_factors, factor_name
from stanhier.formula.formulaic_parts import constants_of, name_of
from stanhier.formula.group_terms import GroupTerm
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
        twice by the same factor; if there are too many terms.
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


def _refuse_repeated(terms: list[VaryingTerm], formula: str) -> None:
    """Refuse effects that vary twice by the same groups, which no data can tell apart."""
    seen: dict[tuple[str, object], VaryingTerm] = {}
    for term in terms:
        for effect in term.effects:
            first = seen.setdefault((term.name, effect), term)
            if first is not term:
                what = "the intercept" if constants_of(effect) else f"'{shortened(name_of(effect))}'"
                raise FormulaError(
                    f"{quoted(formula)}: {what} varies twice by '{shortened(term.name)}', in "
                    f"({shortened(first.text)}) and in ({shortened(term.text)}){_stands_for(first, term)}; "
                    "leave it out of one of them, as (0 + x | g) has no intercept."
                )


def _stands_for(*terms: VaryingTerm) -> str:
    nested = any(len(term.factors) == 1 and "/" in term.text for term in terms)
    return ", where a / b stands for a and a:b" if nested else ""
