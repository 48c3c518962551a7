"""What a formula may hold of Python: a closed list, and the walk over a syntax tree that keeps to it."""

import ast
from typing import Any

from stanhier.basics.words import listed, quoted, shortened
from stanhier.formula.aliases import shown
from stanhier.formula.bases import BASES, RefusedError, width_of
from stanhier.formula.elementary import ELEMENTARY, N_ARGUMENTS
from stanhier.formula.habits import advice_for_call, advice_for_name

__all__ = ["CONTRASTS", "FUNCTIONS", "TreeReader"]

FUNCTIONS = frozenset("C I Treatment Poly Sum Helmert Diff bs cc center cr cs poly scale standardize".split())
"""Functions that a formula may call by name beside the elementary ones: formulaic's transforms and contrasts."""

CONTRASTS = frozenset("treatment sum helmert diff poly custom".split())

_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.UAdd, ast.USub)
_COMPARISONS = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_GREATEST_POWER = 100
_DEEPEST = 100
_PASS_ON = frozenset("I center scale standardize".split())
_TAKE_LISTS = frozenset("C Treatment Poly Sum Helmert Diff bs cc cr cs".split())


class TreeReader:
    """Walks a syntax tree, lets through what is allowed, and notes what it is made of.

    Parameters
    ----------
    own : frozenset of str
        Names of the user's own functions.

    Attributes
    ----------
    columns, labels, functions : set of str
        As those of an `Expression`, with names as they stand in the tree.
    categories : list of str
        What stands in each `C(...)`.
    width : int
        Columns that it makes at most.
    """

    def __init__(self, own: frozenset[str]) -> None:
        self._own = own
        self._depth = 0
        self.columns: set[str] = set()
        self.labels: set[str] = set()
        self.functions: set[str] = set()
        self.categories: list[str] = []
        self.width = 1

    def check(self, node: ast.expr, *, wide: bool = False, lists: bool = False) -> None:
        """Check one node and all below it.

        Parameters
        ----------
        node : ast.expr
        wide : bool
            Whether several columns may come of it.
        lists : bool
            Whether a list may stand there.

        Raises
        ------
        RefusedError
            If something in it is not allowed.
        """
        self._depth += 1
        if self._depth > _DEEPEST:
            raise RefusedError("is nested too deeply")
        match node:
            case ast.Name():
                if node.id.startswith("__"):
                    raise RefusedError(f"uses {node.id!r}, which no formula may")
                self.columns.add(node.id)
            case ast.Constant():
                _check_constant(node.value)
            case ast.BinOp():
                self._check_arithmetic(node)
            case ast.UnaryOp(op=ast.UAdd() | ast.USub()):
                self._check_operand(node.operand)
            case ast.Compare():
                if not all(isinstance(op, _COMPARISONS) for op in node.ops):
                    raise RefusedError("compares by other than ==, !=, <, <=, > or >=")
                for part in (node.left, *node.comparators):
                    self.check(part)
            case ast.List() | ast.Tuple():
                if not lists:
                    raise RefusedError("calculates with a list")
                for part in node.elts:
                    self.check(part, lists=True)
            case ast.Call():
                self._check_call(node, wide=wide)
            case ast.Attribute():
                name = ast.unparse(node)
                advice = advice_for_name(name)
                if advice is None and name.replace(".", "").isidentifier():
                    advice = f"a column with a dot in its name stands in backticks within a call, `{name}`"
                raise RefusedError(f"takes the attribute '.{node.attr}'" + (f": {advice}" if advice else ""))
            case ast.Subscript():
                raise RefusedError(f"picks with brackets: {_instead_of(node)}")
            case _:
                raise RefusedError(f"holds Python that no formula may ({type(node).__name__})")
        self._depth -= 1

    def _check_arithmetic(self, node: ast.BinOp) -> None:
        if isinstance(node.op, ast.BitXor):
            raise RefusedError("has '^', which is '**' here: write a square as x**2")
        if not isinstance(node.op, _ARITHMETIC):
            raise RefusedError(f"uses the operator {type(node.op).__name__}")
        self._check_operand(node.left)
        self._check_operand(node.right)
        if isinstance(node.op, ast.Pow):
            # Whole-number powers of constants could take for ever.
            power = node.right.operand if isinstance(node.right, ast.UnaryOp) else node.right
            if not isinstance(power, ast.Constant) or not isinstance(power.value, int | float):
                raise RefusedError("raises to a power that is not a number")
            if abs(power.value) > _GREATEST_POWER:
                raise RefusedError(f"raises to the power {quoted(power.value)}")
            if not any(isinstance(part, ast.Name) for part in ast.walk(node.left)):
                raise RefusedError("raises a number to a power: write the result")

    def _check_operand(self, node: ast.expr) -> None:
        if isinstance(node, ast.Constant) and not isinstance(node.value, int | float):
            raise RefusedError(f"calculates with {quoted(node.value)}")
        self.check(node)

    def _check_call(self, node: ast.Call, *, wide: bool) -> None:
        name = _called(node, self._own)
        self.functions.add(name)
        if any(given.arg is None for given in node.keywords):
            raise RefusedError("unpacks arguments with **")
        hidden = next((given.arg for given in node.keywords if str(given.arg).startswith("_")), None)
        if hidden is not None:
            raise RefusedError(f"gives {name} an argument {quoted(hidden)}, which is not for formulas")
        if name == "np" or name in ELEMENTARY:
            _check_numpy_arguments(node)
        if name in BASES:
            if not wide:
                raise RefusedError(f"calculates with {name}(...), which stands for several columns; let it stand alone")
            self.width = max(self.width, width_of(name, node))
        lists = name in _TAKE_LISTS or name == "contr" or name in self._own
        first = True
        for part in (*node.args, *(given.value for given in node.keywords)):
            if name == "C" and not first:
                _check_option(part)
            self.check(part, wide=wide and first and name in _PASS_ON, lists=lists and not (name == "C" and first))
            first = False
        if name == "C":
            self._note_categories(node)

    def _note_categories(self, node: ast.Call) -> None:
        named = [given.value for given in node.keywords if given.arg == "data"]
        first = [*node.args[:1], *named]
        if first:
            self.categories.append(ast.unparse(first[0]))
        match first:
            case [ast.Name(id=column), *_]:
                self.labels.add(column)


def _instead_of(node: ast.Subscript) -> str:
    """Say what stands for brackets: Bambi's y["yes"] picks the event, pandas' data["x"] a column."""
    whole, part = ast.unparse(node.value), ast.unparse(node.slice)
    if whole in ("data", "df"):
        return "write the name of the column alone"
    return f"whether a row has one of the values of a column is I({shortened(whole)} == {shortened(part)})"


def _called(node: ast.Call, own: frozenset[str]) -> str:
    match node.func:
        case ast.Name(id=name) if name in FUNCTIONS or name in ELEMENTARY or name in own:
            return name
        case ast.Attribute(value=ast.Name(id="np")) if node.func.attr in ELEMENTARY:
            return "np"
        case ast.Attribute(value=ast.Name(id="contr")) if node.func.attr in CONTRASTS:
            return "contr"
    name = ast.unparse(node.func)
    advice = advice_for_call(name)
    if advice is None and name.startswith(("np.", "numpy.")):
        advice = f"of numpy there are {listed(ELEMENTARY, 40)}, with np. before them or without"
    raise RefusedError(
        f"calls {quoted(shown(name))}, which is not among the functions that it may" + (f": {advice}" if advice else "")
    )


def _check_numpy_arguments(node: ast.Call) -> None:
    """Refuse what numpy's functions take beyond columns."""
    written = ast.unparse(node.func)
    number = N_ARGUMENTS[written.removeprefix("np.")]
    if len(node.args) != number or node.keywords:
        base = "; a logarithm to another base is log(x) / log(10)" if "log" in written else ""
        raise RefusedError(f"gives {written} other than {number} argument{'s' if number > 1 else ''}{base}")


def _check_option(node: ast.expr) -> None:
    """Refuse columns among the options of C(...), where R and patsy have the names of codings."""
    called = {id(part.func) for part in ast.walk(node) if isinstance(part, ast.Call)}
    for part in ast.walk(node):
        name = ast.unparse(part) if isinstance(part, ast.Name | ast.Attribute) and id(part) not in called else None
        if name is not None and name not in ("np", "contr"):
            advice = advice_for_name(name) or 'its options are texts, numbers and codings, as in C(x, Treatment("a"))'
            raise RefusedError(f"gives C(...) {quoted(shown(name))}: {advice}")


def _check_constant(value: Any) -> None:
    if not isinstance(value, int | float | str | type(None)):
        raise RefusedError(f"holds {quoted(value)}, which is no number or text")
    # formulaic pastes such text into Python again, where it must not end before its end.
    if isinstance(value, str) and (not value.isprintable() or any(mark in value for mark in "'\"\\`")):
        raise RefusedError(
            f"holds the text {quoted(value)}, with quotation marks, backslashes or unprintable characters"
        )
