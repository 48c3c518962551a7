"""Names that Python cannot read, such as `my col` or `class`, under names that it can.

Within calls formulaic makes a Python name of a quoted one by itself, but not of `class`, and where `my col` stands
beside `my_col` it draws the name at random, so that what `center(...)` has learnt is not found again. So the package
does it, always in the same way: formulaic sees identifiers alone.
"""

import keyword
import re
import unicodedata

__all__ = ["alias_of", "shown", "with_aliases"]

_ALIAS = re.compile(r"_quoted_((?:[0-9a-f]{2})+)_")
# As formulaic takes quotation marks and backticks apart: what is checked must be what it evaluates.
_PARTS = re.compile(r"(\\\"|\"(?:\\\"|[^\"])*\"|\\'|'(?:\\'|[^'])*'|`)")
_WORDS = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|(?P<word>(?<![\w.])[^\W\d]\w*)")
_CONSTANTS = frozenset(["None", "True", "False"])


def alias_of(name: str) -> str:
    """Give the name under which Python finds a column: its own, or one made of the bytes of its own.

    Parameters
    ----------
    name : str
        Of a column.
    """
    if name.isidentifier() and not keyword.iskeyword(name) and _is_normal(name) and not _ALIAS.fullmatch(name):
        return name
    return f"_quoted_{name.encode().hex()}_"


def shown(text: str) -> str:
    """Give a text of formulaic's back with the users' own names, in backticks.

    Parameters
    ----------
    text : str
        A name of a column of the design, an expression or a message.
    """
    return _ALIAS.sub(lambda match: f"`{bytes.fromhex(match[1]).decode(errors='replace')}`", text)


def with_aliases(expression: str) -> str:
    """Replace the names in an expression that Python cannot read.

    These are names in backticks, and those of columns called like a Python keyword where only a value can stand, as in
    `log(lambda)`.

    Parameters
    ----------
    expression : str
        Python, for example "log(`my col`)".

    Raises
    ------
    ValueError
        If a backtick is never closed, or there is nothing between two.
    """
    written = []
    parts = iter(_PARTS.split(expression))
    for part in parts:
        if part != "`":
            written.append(part)
            continue
        name = []
        while (inner := next(parts, None)) != "`":
            if inner is None:
                raise ValueError("a backtick is never closed")
            name.append(inner)
        if not any(name):
            raise ValueError("a name between backticks is empty")
        written.append(f" {alias_of(''.join(name))} ")
    text = "".join(written)
    return _WORDS.sub(lambda match: _word(match, text), text).strip()


def _word(match: re.Match[str], text: str) -> str:
    word = match["word"]
    if word is None or word in _CONSTANTS or (_is_normal(word) and not keyword.iskeyword(word)):
        return match[0]
    if unicodedata.normalize("NFKC", word).startswith("__"):
        return word  # in other letters a name that no formula may use
    before, after = text[: match.start()].rstrip()[-1:], text[match.end() :].lstrip()[:2]
    is_operand = (before == "" or before in "([,+-*/%<>=!") and (
        after == "" or after[0] in ")],+-*/%<>!" or after == "=="
    )
    return alias_of(word) if is_operand else word


def _is_normal(name: str) -> bool:
    """Tell whether Python leaves a name as it is: it makes one letter of those that look alike, such as two of µ."""
    return name.isascii() or unicodedata.normalize("NFKC", name) == name
