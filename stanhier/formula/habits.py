"""What people write who come from R, lme4, brms, Bambi, statsmodels or patsy: our spelling, or that there is none."""

import re

from stanhier.formula.elementary import ELEMENTARY

__all__ = [
    "BACKTICKS",
    "advice_for_bar",
    "advice_for_call",
    "advice_for_grouping",
    "advice_for_name",
    "advice_for_text",
]

BACKTICKS = "A name with blanks, dashes or other signs in it stands in backticks: `my column`."

_NO_SMOOTHS = "there are no penalised smooths or Gaussian processes; write a spline with bs(x, df=5) or cr(x, df=5)"
_AS_COLUMN = "make a column of it in the data, and use that"
_ONE_RESPONSE = "a model has one response, a column or a calculation from columns"
_NO_SUCH_TERM = "brms' special terms have no counterpart here"
_TRIALS = (
    "successes out of trials are a column of successes on the left of '~', with family=\"binomial\" and "
    'trials="column" beside the formula'
)
_WEIGHTS = "weights are given beside the formula, as precisions of Gaussian responses"
_OTHER_RESPONSES = (
    "the response is one column without additions behind a bar; censoring and truncation are not supported"
)
_GROUPINGS = ("gr", "mm")
_GROUPING = "a grouping term is (1 | g) with the names of columns; groups have no weights, covariances or memberships"
_CALLS = {
    **dict.fromkeys("factor as.factor as_factor asfactor Categorical category categorical".split(), "write C(x)"),
    **dict.fromkeys("ordered as.ordered".split(), "write C(x), and give the column ordered categories in the data"),
    **dict.fromkeys("relevel fct_relevel".split(), 'write C(x, Treatment("a")) with the reference level "a"'),
    **dict.fromkeys("s te ti t2 gp hsgp smooth lo gam Smooth".split(), _NO_SMOOTHS),
    **dict.fromkeys("ns rcs rcspline".split(), "write cr(x, df=4) for a natural cubic spline"),
    "bspline": "write bs(x, df=4)",
    "offset": (
        'an offset stands beside the formula: offset="log_days", a column that new data have too, made with '
        'data["log_days"] = np.log(data["days"])'
    ),
    "Q": "quoting is done with backticks: `my column` stands for Q('my column')",
    **{f"{module}.{name}": f"write {name}(...)" for name in ELEMENTARY for module in ("numpy", "math")},
    "ln": "write log(x)",
    **dict.fromkeys("fabs math.fabs np.fabs np.absolute".split(), "write abs(x)"),
    **dict.fromkeys("asinh math.asinh np.asinh".split(), "write arcsinh(x)"),
    **dict.fromkeys("ceiling trunc fix".split(), "write ceil(x) or floor(x)"),
    "cbind": f"{_ONE_RESPONSE}; {_TRIALS}",
    "c": "a list is written [1, 2], and a model has one response",
    **dict.fromkeys("mvbind bf brmsformula set_rescor mvbf".split(), _ONE_RESPONSE),
    **dict.fromkeys("p prop proportion binomial trials".split(), _TRIALS),
    **dict.fromkeys("mo me mi mmc ar ma arma car sar fcor cosy unstr cens trunc dec vint vreal".split(), _NO_SUCH_TERM),
    **dict.fromkeys("cat thres subset rate truncated censored".split(), _OTHER_RESPONSES),
    **dict.fromkeys("weights weighted w".split(), f'{_WEIGHTS}, with weights="column"'),
    "se": 'known standard errors are given beside the formula, with se="column"',
    **dict.fromkeys(_GROUPINGS, _GROUPING),
    **dict.fromkeys("z zscore standardise rescale std scale2".split(), "write standardize(x)"),
    **dict.fromkeys("centre demean c_".split(), "write center(x)"),
    **dict.fromkeys("mean sd var min max median sum".split(), "write center(x) or scale(x), or " + _AS_COLUMN),
    **dict.fromkeys("lag lead shift diff rank cut ntile quantile ifelse case_when".split(), _AS_COLUMN),
    **dict.fromkeys("logit inv_logit expit qlogis plogis probit boxcox".split(), _AS_COLUMN),
    "interaction": "write a:b for the interaction of a and b, a*b with their own terms",
    **dict.fromkeys("pow math.pow np.pow".split(), "write power(x, 2) or I(x**2)"),
    **dict.fromkeys("as.numeric as.integer float int str as.character bool".split(), _AS_COLUMN),
    "exp10": "write I(10.0**x) as a column of the data",
    "hashed": _AS_COLUMN,
}
_CODINGS = {
    "sum": "Sum()",
    "treatment": 'Treatment("a")',
    "SAS": 'Treatment("a")',
    "helmert": "Helmert()",
    "poly": "Poly()",
    "diff": "Diff()",
    "sdif": "Diff()",
}
_NAMES = {
    **{name: f"a coding is called: C(x, {name}())" for name in "Sum Helmert Diff Poly".split()},
    "Treatment": 'a coding is called: C(x, Treatment("a")) with the reference level "a"',
    **dict.fromkeys(["TRUE"], "write True"),
    **dict.fromkeys(["FALSE"], "write False"),
    **dict.fromkeys(["NULL", "NA"], "write None"),
    "pi": "write 3.141592653589793",
}
_TEXTS = {
    r"<(?!-)|(?<!-)>|[=!]=|[≤≥≠]": "a comparison stands within I(...): write I(x < 1), or I(x == z)",
    r"[\u2212\u2013\u2014]": "a minus is the '-' of the keyboard; a difference of columns is I(a - b)",
    r"[\u00d7\u00b7]": "an interaction is a:b, and a*b with the terms of a and b themselves",
    r"[\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb]": f"text between quotation marks is no column. {BACKTICKS}",
    r"\$": "write the name of the column alone: data$x is x",
    r"\w\[\s*x*['\"]": "write the name of the column alone: data['x'] is x",
    r",": "predictors are added with '+': y ~ x + z",
    r"&|%\*%": "an interaction is a:b, and a*b with the terms of a and b themselves",
    r";": "write one formula",
    r"(?<![=<>!])=(?!=)|<-|->": "the response and its predictors stand around '~': y ~ x",
    r"%[^%]*%": "of signs between per cents there is a %in% b alone; an interaction is a:b",
    r"[@?!\\#]": BACKTICKS,
}


def advice_for_call(name: str) -> str | None:
    """Give the advice for a function that formulas do not have, None if there is no special one.

    Parameters
    ----------
    name : str
        As it is called, for example "factor".
    """
    return _CALLS.get(name)


def advice_for_grouping(name: str) -> str:
    """Give the advice for a function around the name of a grouping column.

    Parameters
    ----------
    name : str
        As it is called, for example "gr".
    """
    return _GROUPING if name in _GROUPINGS else "groups are the values of columns as they are, numbers or text: (1 | g)"


def advice_for_name(name: str) -> str | None:
    """Give the advice for a name that is a word elsewhere, and would be a column here; None if there is no special one.

    Parameters
    ----------
    name : str
        For example "contr.sum" or "TRUE".
    """
    base, _, coding = name.partition(".")
    if base == "contr":
        return f"a coding is called, and has a name of its own: C(x, {_CODINGS.get(coding, 'Sum()')})"
    return _NAMES.get(name)


def advice_for_bar(left: str) -> str:
    """Give the advice for a bar on the left of '~', as brms has it.

    Parameters
    ----------
    left : str
        What stands on the left.
    """
    if re.search(r"\|\s*(resp_)?se\s*\(", left):
        return 'known standard errors are given beside the formula: se="column", and the response stands alone'
    if re.search(r"\|\s*(resp_)?weights\s*\(", left):
        return (
            f'{_WEIGHTS}: weights="column", and the response stands alone; rows that count several times are repeated'
        )
    if re.search(r"\|\s*(resp_)?trials\s*\(", left):
        return f"the response stands alone: {_TRIALS}"
    return f"the response stands alone on the left of '~': {_OTHER_RESPONSES}"


def advice_for_text(text: str) -> str | None:
    """Give the advice for signs that formulas do not have; None if there are none.

    Parameters
    ----------
    text : str
        A formula that cannot be read.
    """
    plain = re.sub(r"`[^`]*`", "x", text)
    if re.search(r"[~+]\s*(['\"])", plain):
        return f"text between quotation marks is no column. {BACKTICKS}"
    plain = re.sub(r"'[^']*'|\"[^\"]*\"", lambda match: match[0][0], plain)
    outside = _without_calls(plain)
    for sign, advice in _TEXTS.items():
        if re.search(sign, plain if "'" in sign else outside):
            return f"{advice[0].upper()}{advice[1:].rstrip('.')}."
    return None


def _without_calls(text: str) -> str:
    """Leave out what stands within calls, where a comma and the like have a meaning."""
    kept, depth, last = [], 0, ""
    for sign in text:
        if sign in "([" and (depth or re.match(r"[\w.]", last)):
            depth += 1
        elif depth and sign in ")]":
            depth -= 1
        elif not depth:
            kept.append(sign)
        last = sign
    return "".join(kept)
