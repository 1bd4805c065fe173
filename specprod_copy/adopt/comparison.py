"""The rows of a table against those that its files give, compared by the server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from specprod_copy.postgres import ddl, statements
from specprod_copy.postgres.merge import Merge

NAMES: Final = ("desiname",)
"""Columns with names of positions, which desiutil before 3.5 wrote with fewer digits."""


@dataclass
class Comparison:
    """How a table differs from its files."""

    problems: list[str] = field(default_factory=list)
    """What is wrong: rows and values that are other ones."""
    harmless: list[str] = field(default_factory=list)
    """Values that mean the same: 0.0 where the files have -0.0, and earlier names of a position."""


def compare_rows(merge: Merge, computed: Sequence[str]) -> Comparison:
    """Compare a table with the rows that are staged for it, bit by bit.

    Parameters
    ----------
    merge : Merge
        All rows of the files are staged.
    computed : sequence of str
        Columns that are computed in the database, and not compared.

    Raises
    ------
    DatabaseError
        If the files have a key twice.
    """
    merge.refuse_twice()
    result = Comparison()
    table, staged = (merge.schema, merge.table), (merge.room.schema, merge.staged)
    result.problems += _unmatched(merge, staged, table, "missing from the table")
    result.problems += _unmatched(merge, table, staged, "in the table, but in no file")
    left_out = {*merge.key, *computed}
    values = [column.name for column in merge.columns if column.name not in left_out]
    names = [name for name in values if name in NAMES]
    given = {"schema": merge.schema, "table": merge.table, "staged": merge.staged}
    given |= {"room": merge.room.schema}
    query = ddl.render_template(
        "adopt/differing", key=merge.key, values=values, names=names, **given
    )
    [counts] = statements.rows(merge.connection, query)
    harmless = {}
    for name, differing, other in zip(values, counts[::2], counts[1::2], strict=True):
        if other:
            query = ddl.render_template(
                "adopt/other_values", key=merge.key, column=name, names=names, **given
            )
            examples = [
                f"{_place(merge.key, row)}: file {row[-2]!r}, table {row[-1]!r}"
                for row in statements.rows(merge.connection, query)
            ]
            result.problems.append(f"{name}: {_counted(other, 'value', examples)}")
        elif differing:
            harmless[name] = int(differing)
    result.harmless = [
        f"{name}: {harmless.pop(name):,} names as desiutil before 3.5 wrote them"
        for name in names
        if name in harmless
    ]
    if harmless:
        columns = f"{len(harmless)} column{'' if len(harmless) == 1 else 's'}"
        result.harmless.append(f"0.0 for -0.0 in {sum(harmless.values()):,} values of {columns}")
    return result


def _unmatched(merge: Merge, one: tuple[str, str], other: tuple[str, str], what: str) -> list[str]:
    query = ddl.render_template(
        "adopt/unmatched",
        key=merge.key,
        one_schema=one[0],
        one=one[1],
        other_schema=other[0],
        other=other[1],
    )
    rows = statements.rows(merge.connection, query)
    examples = [_place(merge.key, row) for row in rows]
    return [_counted(rows[0][-1], "row", examples, what)] if rows else []


def _place(key: Sequence[str], row: Sequence[object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in zip(key, row, strict=False))


def _counted(number: int, noun: str, examples: Sequence[str], what: str = "") -> str:
    more = f"; and {number - len(examples):,} more" if number > len(examples) else ""
    noun, verb = (noun, "differs") if number == 1 else (f"{noun}s", "differ")
    return f"{number:,} {noun} {what or verb} ({'; '.join(examples)}{more})"
