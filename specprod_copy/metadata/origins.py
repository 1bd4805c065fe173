"""Where a column of a file, or of a result, comes from: which columns of tables it stands for."""

from __future__ import annotations

import re

import polars as pl

from specprod_copy.tables import TableSource
from specprod_copy.tables.source import in_words


def source_column(source: TableSource, column: str) -> str:
    """Return what of a file a table column is made of, for people.

    Parameters
    ----------
    source : TableSource
    column : str
        Column of its table.

    Returns
    -------
    str
        The column as the file has it, ``COEFF[3]`` for an element of a vector; of what is computed,
        the columns that it is computed from, or the value itself. Null is left out.
    """
    ways = source.derived.get(column)
    if ways is None:
        return _in_file(source, column.upper())
    found = [_way(source, way) for way in ways]
    return " or ".join(dict.fromkeys(filter(None, found)))


def _way(source: TableSource, way: pl.Expr) -> str:
    """Return what one way of making a column takes; nothing if it gives null."""
    roots = sorted({*way.meta.root_names()})
    names = [name for name in roots if not name.endswith("?")]
    if roots and not names:
        return ", ".join(map(in_words, roots))
    if not names:
        value = pl.select(way).item()
        return "" if value is None else str(value)
    shown = ", ".join(_in_file(source, name) for name in names)
    return shown if way.meta.is_column() else f"computed from {shown}"


def _in_file(source: TableSource, name: str) -> str:
    name = _renamed(source, name)
    found = re.fullmatch(r"(\w+)_(\d+)", name)
    if found is not None and found[1] in source.vectors:
        return f"{found[1]}[{found[2]}]"
    return name


def name_in_files(source: TableSource, column: str) -> str:
    """Return what files call a table column: of one that is computed, its name in capitals.

    Parameters
    ----------
    source : TableSource
    column : str
        Column of its table.
    """
    copied = [
        name
        for way in source.derived.get(column, ())
        if way.meta.is_column()
        for name in way.meta.root_names()
        if not name.endswith("?")
    ]
    return _renamed(source, copied[0] if copied else column.upper())


def _renamed(source: TableSource, name: str) -> str:
    """Return what the file calls a column that is seen under another name."""
    for view in source.views:
        for old, new in view.rename:
            if new == name:
                return old
    # Without the files: whoever gives a prefix keeps other HDUs free of it.
    for view in source.views:
        if view.prefix and name.startswith(view.prefix) and name not in view.kept:
            return name.removeprefix(view.prefix)
    return name
