"""Whether tables can be matched row by row, by their shape and headers."""

from __future__ import annotations

from collections.abc import Sequence

from specprod_copy.errors import InputError
from specprod_copy.reader import Described


def refuse_unmatched(
    tables: Sequence[Described],
    keys: Sequence[str],
    keywords: Sequence[str] = (),
    *,
    by_number: bool = False,
) -> None:
    """Check by their shape whether tables can be matched row by row.

    Parameters
    ----------
    tables : sequence of Described
    keys : sequence of str
        Columns that are to agree; the first one must be in each table.
    keywords : sequence of str
        What has to be the same in all headers that have it.
    by_number : bool
        Whether the number of the row is enough. Then each key must be in two of the tables, and no
        other column in more than one.

    Raises
    ------
    InputError
        If a table has no key, another number of rows than the first one, or another keyword.
    """
    first, *others = tables
    if by_number:
        _refuse_repeated(tables, keys)
    for other in others:
        for table in () if by_number else (first, other):
            if not keys or keys[0] not in table.schema:
                column = keys[0] if keys else None
                message = "it is joined row by row to other tables, and lacks the key"
                raise InputError(message, path=table.path, hdu=table.hdu, column=column)
        if first.n_rows != other.n_rows:
            raise InputError(
                f"has {other.n_rows:,} rows, and {name_of(first)}, to which it is joined row by "
                f"row, has {first.n_rows:,}: one of them is of another version, or not complete",
                path=other.path,
                hdu=other.hdu,
            )
        for key in keywords:
            if {key} <= first.header.keys() & other.header.keys():
                own, its = (str(table.header[key]).strip() for table in (first, other))
                if own != its:
                    raise InputError(
                        f"{key} is {its!r} in its header, and {own!r} in that of {name_of(first)}, "
                        "to which it is joined row by row",
                        path=other.path,
                        hdu=other.hdu,
                    )


def _refuse_repeated(tables: Sequence[Described], keys: Sequence[str]) -> None:
    """Check that columns of the same name are those that have to agree."""
    seen: dict[str, Described] = {}
    for table in tables:
        for name in table.schema:
            if name in seen and name not in keys:
                raise InputError(
                    f"{name_of(seen[name])}, to which it is joined, has this column as well: name "
                    "it in same, drop it, or give it another name",
                    path=table.path,
                    hdu=table.hdu,
                    column=name,
                )
            seen.setdefault(name, table)
    for key in keys:
        if sum(key in table.schema for table in tables) < 2:
            message = "is to be the same in tables that are joined, and is not in two of them"
            raise InputError(message, path=tables[-1].path, hdu=tables[-1].hdu, column=key)


def name_of(table: Described) -> str:
    """Return how errors name a table."""
    return f"{table.path}[{table.hdu}]" if table.hdu else str(table.path)
