"""Lists of the user's own as temporary tables, which a query can join.

They are made in both sessions of a query; the rows go to the one that reads the result.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

import polars as pl
import polars.selectors as cs
import psycopg
from adbc_driver_postgresql import dbapi
from psycopg import sql

from specprod_copy.errors import ConfigurationError, DatabaseError, InputError
from specprod_copy.postgres.connection import one_line, translated_errors
from specprod_copy.reader import FORMATS, read_table
from specprod_copy.results.session import Sessions, translated

_TYPES: Final[dict[pl.DataType, str]] = {
    pl.Boolean(): "boolean",
    pl.Int8(): "smallint",
    pl.Int16(): "smallint",
    pl.Int32(): "integer",
    pl.Int64(): "bigint",
    pl.UInt8(): "smallint",
    pl.UInt16(): "integer",
    pl.UInt32(): "bigint",
    pl.Float32(): "real",
    pl.Float64(): "double precision",
    pl.String(): "text",
    pl.Date(): "date",
}

_TAKEN_AS: Final = {
    pl.UInt8(): pl.Int16(),
    pl.UInt16(): pl.Int32(),
    pl.UInt32(): pl.Int64(),
    pl.Null(): pl.String(),  # no value tells what it is
}

_NAME: Final = re.compile(r"[a-z_][a-z0-9_]*")


def parse_list(text: str) -> tuple[str, Path]:
    """Return name and file of a list, ``mine=targets.fits``.

    Raises
    ------
    ValueError
    """
    name, equals, path = text.partition("=")
    if not equals or not path or not _NAME.fullmatch(name):
        raise ValueError(f"{text!r}: wanted is NAME=FILE, the name in small letters")
    return name, Path(path)


def read_list(path: Path) -> pl.DataFrame:
    """Return the rows of a FITS, CSV, ECSV, Parquet or VOTable file; names in small letters.

    Raises
    ------
    InputError
        If it cannot be read, or has a column that a table cannot have.
    """
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        frame = _parquet(path)
    elif suffix in (".vot", ".votable", ".xml"):
        frame = _votable(path)
    elif any(path.name.lower().endswith(known) for known in FORMATS):
        frame = read_table(path)
    else:
        known = ", ".join([*FORMATS, ".parquet", ".vot"])
        raise InputError(f"unknown kind of list; known suffixes are {known}", path=path)
    names = [name.lower() for name in frame.columns]
    if double := {name for name in names if names.count(name) > 1}:
        raise InputError("several columns of this name", path=path, column=min(double))
    frame = frame.rename(dict(zip(frame.columns, names, strict=True)))
    frame = frame.cast({cs.by_dtype(old): new for old, new in _TAKEN_AS.items()})
    for name, kind in frame.schema.items():
        if _type(kind) is None:
            raise InputError(
                f"values of type {kind} cannot be joined; leave the column out",
                path=path,
                column=name,
            )
    return frame


def _type(kind: pl.DataType) -> str | None:
    if isinstance(kind, pl.Decimal):  # as the 128-bit ids in our own results
        return f"numeric({kind.precision}, {kind.scale})"
    return _TYPES.get(kind)


def _parquet(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path, glob=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"cannot be read: {reason}", path=path) from error


def _votable(path: Path) -> pl.DataFrame:
    from astropy.io import votable

    try:
        table = votable.parse_single_table(path).to_table(use_names_over_ids=True)
    except (OSError, ValueError, IndexError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"cannot be read: {reason}", path=path) from error
    return pl.DataFrame({name: pl.Series(table[name].tolist()) for name in table.colnames})


def make_lists(
    sessions: Sessions, lists: Mapping[str, Path], path: str, *, shown: bool = False
) -> dict[str, pl.DataFrame]:
    """Make temporary tables of lists, and return their rows by name.

    Parameters
    ----------
    sessions : Sessions
        Before the read-only transaction.
    lists : mapping of str to pathlib.Path
        Name to file.
    path : str
        The search_path of the query: a table there must not have the name of a list.
    shown : bool
        Whether the session that asks reads the result as well.

    Raises
    ------
    SpecprodCopyError
        If a list cannot be read, its name is taken, or there is no right to make tables.
    """
    frames = {name: read_list(file) for name, file in lists.items()}
    if frames:  # a role may have it on; the query itself is read-only in any case
        sessions.both("SET default_transaction_read_only = off")
    for name, frame in frames.items():
        _refuse_taken(sessions.asking, name, path)
        columns = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(_type(kind) or ""))
            for column, kind in frame.schema.items()
        )
        create = sql.SQL("CREATE TEMPORARY TABLE {} ({})").format(sql.Identifier(name), columns)
        with translated_errors(f"list {name}"):
            try:
                sessions.both(create.as_string(sessions.asking))
            except psycopg.errors.InsufficientPrivilege as error:
                raise DatabaseError(
                    f"list {name}: {one_line(error)}. Let an administrator run GRANT TEMPORARY ON "
                    "DATABASE for this role"
                ) from error
        if shown:
            _copy(sessions.asking, name, frame)
        elif len(frame):
            _ingest(sessions, name, frame)
        sessions.both(sql.SQL("ANALYZE {}").format(sql.Identifier("pg_temp", name)).as_string())
    return frames


def _copy(connection: psycopg.Connection, name: str, frame: pl.DataFrame) -> None:
    statement = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier("pg_temp", name))
    with translated_errors(f"list {name}"), connection.cursor().copy(statement) as copy:
        for row in frame.iter_rows():
            copy.write_row(row)


def _ingest(sessions: Sessions, name: str, frame: pl.DataFrame) -> None:
    try:
        with closing(sessions.cursor(copies=True)) as cursor:
            cursor.adbc_ingest(name, frame.to_arrow(), mode="append", temporary=True)
    except (dbapi.Error, OSError) as error:
        raise translated(error) from error


def _refuse_taken(connection: psycopg.Connection, name: str, path: str) -> None:
    with connection.transaction(force_rollback=True):
        connection.execute(f"SET LOCAL search_path = {path}".encode())
        [(taken,)] = connection.execute("SELECT to_regclass(%s)", (name,)).fetchall()
    if taken is not None:
        raise ConfigurationError(f"a table is called {name} already: give the list another name")
