"""SQL as tokens, and expressions in one form: ours and the server's can then be compared."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from specprod_copy.errors import ConfigurationError

_TOKEN = re.compile(
    r"""\s+|--[^\n]*
    |([A-Za-z_]\w*|"(?:[^"]|"")*"|\d[\w.]*|'(?:[^']|'')*'|::|<>|<=|>=|!=|.)""",
    re.VERBOSE,
)
_PLAIN = re.compile(r'"([a-z_][a-z0-9_]*)"')
QUOTE = '"'
_LONG_TYPES = {
    "double": ("precision",),
    "character": ("varying",),
    "bit": ("varying",),
    "time": ("with", "without", "time", "zone"),
    "timestamp": ("with", "without", "time", "zone"),
}


def tokens_of(text: str) -> list[str]:
    """Return the tokens of SQL, without white space and comments; bare names in lower case."""
    found = filter(None, _TOKEN.findall(text))
    return [token if token[0] in "\"'" else token.lower() for token in found]


def is_name(token: str) -> bool:
    """Say whether a token is a name, or a key word."""
    return token[:1] == '"' or token[:1].isalpha() or token[:1] == "_"


def name_of(token: str) -> str:
    """Return the name that a token stands for, as in the catalog.

    Raises
    ------
    ConfigurationError
        If it is no name.
    """
    if not is_name(token):
        raise ConfigurationError(f"a name is wanted, not {token or 'the end'}")
    return token[1:-1].replace('""', '"') if token[0] == '"' else token


def column_expression(column: str) -> str:
    """Return the name of a column in the form of `one_form`."""
    return one_form([f'"{column.replace(QUOTE, QUOTE * 2)}"'])


def take_type(tokens: Sequence[str], position: int) -> tuple[str, list[str], int]:
    """Read the name of a type.

    Returns
    -------
    str
        Its name, with one space between words and ``[]`` for an array.
    list of str
        What stands in brackets behind it.
    int
        Position behind all that.
    """
    words = [name_of(tokens[position])]
    more = _LONG_TYPES.get(words[0], ())
    position += 1
    sizes: list[str] = []
    while position < len(tokens):
        if tokens[position] in more:
            words.append(tokens[position])
            position += 1
        elif tokens[position] == "(" and not sizes:
            end = tokens.index(")", position)
            sizes = [word for word in tokens[position + 1 : end] if word != ","]
            position = end + 1
        elif [*tokens[position : position + 2]] == ["[", "]"]:
            words[-1] += "[]"
            position += 2
        else:
            break
    return " ".join(words), sizes, position


def one_form(tokens: str | Iterable[str]) -> str:
    """Return an expression without what the server adds or leaves out as it likes.

    That is: casts, the schemas of functions, quotes around names that need none, and brackets
    around the whole or a single name.
    """
    parts = [
        _PLAIN.sub(r"\1", token)
        for token in (tokens_of(tokens) if isinstance(tokens, str) else tokens)
    ]
    parts = _without_brackets(_without_schemas(_without_casts(parts)))
    text = ""
    for before, part in zip(["", *parts], parts, strict=False):
        tight = not text or part in ",)." or before in "(." or (part == "(" and is_name(before))
        text += part if tight else f" {part}"
    return text


def _without_casts(tokens: Sequence[str]) -> list[str]:
    found: list[str] = []
    position = 0
    while position < len(tokens):
        if tokens[position] == "::":
            *_, position = take_type(tokens, position + 1)
        else:
            found.append(tokens[position])
            position += 1
    return found


def _without_schemas(tokens: Sequence[str]) -> list[str]:
    found: list[str] = []
    for word in tokens:
        if word == "(" and len(found) > 2 and found[-2] == "." and is_name(found[-1]):
            del found[-3:-1]
        found.append(word)
    return found


def _without_brackets(tokens: Sequence[str]) -> list[str]:
    found = [*tokens]
    for n in range(len(found) - 3, -1, -1):
        called = n > 0 and is_name(found[n - 1])
        if found[n] == "(" and found[n + 2] == ")" and not called:
            found[n : n + 3] = [found[n + 1]]
    while _encloses(found):
        found = found[1:-1]
    return found


def _encloses(tokens: Sequence[str]) -> bool:
    """Say whether the first bracket is closed by the last token."""
    depth = 0
    for n, word in enumerate(tokens):
        depth += (word == "(") - (word == ")")
        if depth == 0:
            return n == len(tokens) - 1 and n > 0
    return False
