"""What an entry of the ledger says of rows that were loaded, as it is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, LiteralString

from psycopg import sql

import specprod_copy
from specprod_copy.errors import DatabaseError
from specprod_copy.reader.look import Stamp, check_stamps
from specprod_copy.rows.units import Input, Unit, UnitResult, entry_name


def as_json(made_of: Input) -> dict[str, object]:
    """Return an input as the ledger writes it.

    Raises
    ------
    UnicodeEncodeError
        If the name of the file is no UTF-8.
    """
    made_of.file.encode()  # Within JSON it would reach the server, and its message names no file.
    return {
        "file": made_of.file,
        "hdu": made_of.hdu,
        "size": made_of.stamp.size,
        "mtime_ns": made_of.stamp.mtime_ns,
        "digest": made_of.digest,
    }


def from_json(entry: Mapping[str, Any]) -> Input:
    """Return an input that the ledger has."""
    stamp = Stamp(entry["size"], entry["mtime_ns"])
    return Input(entry["file"], entry["hdu"], stamp, entry["digest"])


def table_ids(schema: str, tables: LiteralString = "%s::text[]") -> sql.Composed:
    """Return the SQL of column ``tables`` for an array of tables of a schema; a parameter."""
    return sql.SQL(
        """(SELECT jsonb_object_agg(relname, oid::bigint) FROM pg_class
            WHERE relnamespace = {}::regnamespace AND relname = ANY({}))"""
    ).format(
        sql.SQL(sql.Literal(sql.Identifier(schema).as_string()).as_string().replace("%", "%%")),
        sql.SQL(tables),
    )


RECORDED = (
    *("table_name", "entry", "first_row", "last_row", "stage", "inputs"),
    *("rows_read", "rows_kept", "rows_quarantined", "quarantine", "values_changed"),
    *("bytes_sent", "seconds", "loaded_by"),
)
"""Columns that `recorded` has values of."""


def refuse_changed_meanwhile(results: Iterable[UnitResult]) -> None:
    """Check that files are still those that the load was planned for."""
    parts = (part for result in results for part in result.unit.parts)
    check_stamps(((part.path, part.stamp) for part in parts), "loaded")


def loaded_meanwhile(unit: Unit) -> DatabaseError:
    """Return the error for rows that are in the table already, though not as they were planned."""
    return DatabaseError(
        f"rows of {unit.path} were loaded by another process meanwhile; run the command again: it "
        "goes on with the rest"
    )


def recorded(result: UnitResult) -> tuple[object, ...]:
    """Return what the ledger says of a unit that is loaded, in the order of `RECORDED`."""
    unit = result.unit
    return (
        unit.table,
        entry_name(*unit.place),
        unit.first,
        unit.last,
        unit.stage,
        [
            as_json(Input(part.file, part.hdu, part.stamp, digest))
            for part, digest in zip(unit.parts, result.digests, strict=True)
        ],
        result.rows_read,
        result.rows_kept,
        len(result.quarantine),
        [asdict(refusal) for refusal in result.quarantine],
        result.values_changed,
        result.bytes_sent,
        result.seconds,
        f"specprod-copy {specprod_copy.__version__}",
    )
