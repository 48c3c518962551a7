"""The models by name: what a user writes."""

from stanhier.basics.errors import FormulaError
from stanhier.basics.words import listed, quoted, shortened
from stanhier.families.family import Family
from stanhier.families.known import GAUSSIAN
from stanhier.formula.parse import ParsedFormula
from stanhier.model import Model

__all__ = ["LinearRegression", "VaryingIntercept", "class_of"]


class LinearRegression(Model):
    """Linear regression: y_i ~ normal(alpha + x_i beta, sigma).

    Parameters
    ----------
    formula : str
        For example `"y ~ x"`; `0 +` removes the intercept.
    data : data frame, mapping of arrays, path or lazy frame
        One row per observation: a frame of pandas, Polars or PyArrow, or a dict of arrays, in memory; or rows that are
        not: Parquet files by path or pattern, a lazy frame of Polars, a DuckDB relation, an Ibis table, a data frame of
        Dask or PySpark. Never changed, and not copied: leave arrays as they are while the model is in use.
    priors : mapping, optional
        Priors of `alpha`, `beta` (one for all, or a mapping by predictor) and `sigma`. The rest get rstanarm's
        defaults: alpha normal(mean(y), 2.5 sd(y)) at the mean of the predictors, beta_k
        normal(0, 2.5 sd(y) / sd(x_k)), sigma exponential(1 / sd(y)). A prior that you give on `alpha` applies at x = 0,
        unless it has `centered=True`, which puts it at the mean of the predictors.
    sigma : float, optional
        Fixes the residual standard deviation, in units of y; then `sigma` is not in the posterior.
    se : str or array of shape (N,), optional
        Known standard error of each observation, in units of y, as a column name or as values; sigma is then those.
    weights : str or array of shape (N,), optional
        Precision weights, positive: observations have the standard deviation sigma / sqrt(w_i), as in `Model`.
    missing : {"error", "drop"}
        Whether rows with missing values are an error, or left out with a warning that counts them, as in `Model`.
    context : mapping of functions by name, optional
        Functions of your own, which the formula may call: `context={"f": f}` for `"y ~ f(x)"`. They work row by row, or
        keep what they learn with formulaic's `stateful_transform`. A saved fit is loaded with the same functions.

    Raises
    ------
    FormulaError
        If the formula cannot be read or evaluated, or has a grouping term.
    DataError
        If a column is missing, has missing values or cannot be used; if columns are collinear with flat priors.
    PriorError
        If a prior does not fit its parameter.
    StanhierError
        If an argument is not one of these.

    Warns
    -----
    PriorWarning
        If your prior on `alpha` at x = 0 is a strong one on the slope of a predictor too, which lies more than 5 of
        its standard deviations from 0; `centered=True` is the remedy.
    MissingWarning
        If `missing="drop"` leaves out rows.

    References
    ----------
    Goodrich, Gabry, Ali & Brilleman, rstanarm: vignette "Prior Distributions for rstanarm Models".
    """

    _own_intercepts = True

    @classmethod
    def _check_formula(cls, formula: ParsedFormula) -> None:
        _refuse_beyond_intercept(formula)
        if formula.group is not None:
            raise FormulaError(
                f"{quoted(formula.text)} has a grouping term; use VaryingIntercept for "
                f"(1 | {shortened(formula.group)})."
            )


class VaryingIntercept(Model):
    """Varying intercepts: y_i ~ normal(alpha[g_i] + x_i beta, sigma), alpha[g] ~ normal(mu_alpha, sigma_alpha).

    Parameters
    ----------
    formula : str
        For example `"log_radon ~ floor + (1 | county)"`.
    data : data frame, mapping of arrays, path or lazy frame
        One row per observation: a frame of pandas, Polars or PyArrow, or a dict of arrays, in memory; or rows that are
        not: Parquet files by path or pattern, a lazy frame of Polars, a DuckDB relation, an Ibis table, a data frame of
        Dask or PySpark. Never changed, and not copied: leave arrays as they are while the model is in use.
    priors : mapping, optional
        Priors of `mu_alpha`, `sigma_alpha`, `beta` (one for all, or a mapping by predictor) and `sigma`. The rest get
        rstanarm's defaults: mu_alpha normal(mean(y), 2.5 sd(y)) at the mean of the predictors, beta_k
        normal(0, 2.5 sd(y) / sd(x_k)), sigma and sigma_alpha exponential(1 / sd(y)). A prior that you give on
        `mu_alpha` applies at x = 0, unless it has `centered=True`, which puts it at the mean of the predictors.
    sigma : float, optional
        Fixes the residual standard deviation, in units of y; then `sigma` is not in the posterior.
    se : str or array of shape (N,), optional
        Known standard error of each observation, in units of y, as a column name or as values; sigma is then those.
    weights : str or array of shape (N,), optional
        Precision weights, positive: observations have the standard deviation sigma / sqrt(w_i), as in `Model`.
    missing : {"error", "drop"}
        Whether rows with missing values are an error, or left out with a warning that counts them, as in `Model`.
    context : mapping of functions by name, optional
        Functions of your own, which the formula may call: `context={"f": f}` for `"y ~ f(x)"`. They work row by row, or
        keep what they learn with formulaic's `stateful_transform`. A saved fit is loaded with the same functions.

    Raises
    ------
    FormulaError
        If the formula cannot be read or evaluated, or has no grouping term, or more than one `(1 | g)`.
    DataError
        If a column is missing, has missing values or cannot be used; if columns are collinear with flat priors.
    PriorError
        If a prior does not fit its parameter.
    StanhierError
        If an argument is not one of these.

    Warns
    -----
    PriorWarning
        If your prior on `mu_alpha` at x = 0 is a strong one on the slope of a predictor too, which lies more than 5 of
        its standard deviations from 0; `centered=True` is the remedy.
        If each group is a single row and nothing is known of the noise: the priors share out what varies.
    MissingWarning
        If `missing="drop"` leaves out rows.

    References
    ----------
    Goodrich, Gabry, Ali & Brilleman, rstanarm: vignette "Prior Distributions for rstanarm Models".
    Gelman & Hill (2007), Data Analysis Using Regression and Multilevel/Hierarchical Models, chapter 12.
    """

    _own_intercepts = True

    @classmethod
    def _check_formula(cls, formula: ParsedFormula) -> None:
        text = formula.text
        _refuse_beyond_intercept(formula)
        if formula.group is None:
            raise FormulaError(
                f"{quoted(text)} has no grouping term; add one such as (1 | county), or use LinearRegression."
            )
        if not formula.has_intercept:
            raise FormulaError(
                f"{quoted(text)}: the intercept cannot be removed, the groups vary around it (mu_alpha)."
            )


def class_of(formula: ParsedFormula, family: Family = GAUSSIAN) -> type[Model]:
    """Tell which model a formula is of: the special case that it is, else the general one, as of other families."""
    if not family.is_gaussian:
        return Model
    if not formula.terms:
        return LinearRegression
    return VaryingIntercept if formula.group is not None and formula.has_intercept else Model


def _refuse_beyond_intercept(formula: ParsedFormula) -> None:
    """Refuse grouping terms that are more than one intercept by one column."""
    beyond = _beyond_intercept(formula)
    if beyond is not None:
        raise FormulaError(f"{quoted(formula.text)}: {beyond}; use Model.")


def _beyond_intercept(formula: ParsedFormula) -> str | None:
    """Say what a formula has beyond one intercept that varies by one column, None if there is nothing."""
    slopes = next((term for term in formula.terms if not term.is_intercept), None)
    if slopes is not None:
        more = "more" if slopes.has_intercept else "something else"
        return f"({shortened(slopes.text)}) varies by {more} than an intercept"
    names = tuple(dict.fromkeys(term.name for term in formula.terms))
    if len(names) > 1:
        texts = [term.text for term in formula.terms]
        nested = next((f"({shortened(text)}) nests groups: " for text in texts if texts.count(text) > 1), "")
        return f"{nested}intercepts vary by several grouping factors, {listed(names, 5)}"
    if names and formula.group is None:
        return f"({shortened(formula.terms[0].text)}) groups by a combination of columns"
    return None
