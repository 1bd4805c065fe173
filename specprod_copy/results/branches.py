"""Views with UNION and its like: the queries that the server puts together in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from specprod_copy.results.stream import PARTS

_SET_OPERATIONS: Final = ("UNION", "INTERSECT", "EXCEPT")

_SELECT: Final = re.compile(r"\s*SELECT\s+(?:(?:ALL|DISTINCT)\s+)?")

_NULL: Final = re.compile(r"NULL::(?:real|double precision)(?: AS .+)?", re.DOTALL)
"""A float of the select list that is nothing but null."""


def branches(definition: str) -> list[str]:
    """Return the queries whose rows a view puts together; its definition, if that is one query.

    Parameters
    ----------
    definition : str
        As the server writes it. With a WITH in front it counts as one query: the names that a WITH
        gives are known to all of its branches, and may be those of tables.
    """
    text = definition.removesuffix(";")
    pieces = [*_pieces(text)]
    if pieces[0][0] == "WITH":
        return [text]
    found, begin = list[str](), 0
    for n, (piece, start) in enumerate(pieces):
        if piece in _SET_OPERATIONS:
            found.append(text[begin:start])
            begin = pieces[n + 2 if pieces[n + 1][0] == "ALL" else n + 1][1]
    if not found and (inside := pieces[0][0]).startswith("("):
        return branches(inside[1:-1])  # behind it come ORDER BY and LIMIT
    return [*found, text[begin:]]


def null_columns(query: str, count: int) -> set[int]:
    """Return the numbers of the floats in the result of a branch that are null in all rows.

    Parameters
    ----------
    query : str
        As the server writes it.
    count : int
        How many columns the server finds in it. If it does not look so here, none is said to be
        null.
    """
    first = _SELECT.match(query)
    if first is None:  # with a WITH, commas mean something else
        return set()
    text, begin, items = query[first.end() :], 0, list[str]()
    for piece, start in _pieces(text):
        if piece in (",", "FROM"):
            items.append(text[begin:start].strip())
            begin = start + 1
        if piece == "FROM":
            break
    else:
        items.append(text[begin:].strip())
    if len(items) != count:
        return set()
    return {n for n, item in enumerate(items) if _NULL.fullmatch(item)}


def _pieces(text: str) -> Iterator[tuple[str, int]]:
    """Yield words, names and signs, and where they begin; what is in brackets is one of them."""
    depth = position = opened = 0
    while position < len(text):
        part = PARTS.match(text, position)
        assert part is not None
        position = part.end()
        if part[0] in ("(", "["):
            opened = opened if depth else part.start()
            depth += 1
        elif part[0] in (")", "]"):
            depth -= 1
            if depth == 0:
                yield text[opened:position], opened
        elif depth == 0 and not part[0].isspace():
            yield part[0], part.start()
