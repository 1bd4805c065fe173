"""Verify the value-added catalogues of a schema, by the descriptions that it keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from pathlib import Path

import psycopg

from specprod_copy.errors import DatabaseError, InputError
from specprod_copy.executors.executor import Workers
from specprod_copy.postgres.catalog import require_schema
from specprod_copy.postgres.connection import connect, translated_errors
from specprod_copy.progress import ProgressListener
from specprod_copy.vac.files import inputs_of
from specprod_copy.vac.stored import Stored, merged, stored
from specprod_copy.verification.options import VerifyOptions
from specprod_copy.verification.results import Result
from specprod_copy.verification.run import verify


def catalogues_at(conninfo: str, schema: str) -> list[Stored]:
    """Ask a server which catalogues a schema has.

    Raises
    ------
    DatabaseError
        If there is no such schema; or as `stored`.
    """
    with connect(conninfo) as connection, translated_errors(f"cannot look at schema {schema}"):
        require_schema(connection, schema)
        return stored(connection, schema)


def verify_catalogues(
    conninfo: str,
    catalogues: Sequence[Stored],
    options: VerifyOptions,
    listener: ProgressListener | None = None,
    *,
    root: Path | None = None,
    workers: Workers | None = None,
) -> list[Result]:
    """Read the files of catalogues again and compare them with the database; see `verify`.

    Parameters
    ----------
    conninfo : str
        For libpq.
    catalogues : sequence of Stored
        Of one schema.
    options : VerifyOptions
        All stages.
    listener : ProgressListener, optional
        Receives progress events.
    root : pathlib.Path, optional
        Folder that the files lie below now, if not where they were.
    workers : Workers, optional
        As for `verify`.

    Returns
    -------
    list of Result
        Table by table.

    Raises
    ------
    SpecprodCopyError
        As `verify`; if the folder of the files is not there any more, or the catalogues were
        replaced meanwhile.
    """
    results: list[Result] = []
    ordered = sorted(catalogues, key=lambda one: str(one.root))
    for before, group in groupby(ordered, key=lambda one: one.root):
        several = [*group]
        now = root or before
        if not now.is_dir():
            raise InputError(
                f"{several[0].description.name} was loaded from there, and it is no folder any "
                "more: name the one that has its files by --root",
                path=now,
            )
        inputs = inputs_of(several[0].description, now)
        catalogue = merged([replace(one, root=inputs.files.root) for one in several])
        results += verify(
            conninfo,
            inputs,
            options,
            listener,
            catalogue=catalogue,
            workers=workers,
            check=partial(_refuse_replaced, several, options.schema),
        )
    return results


def _refuse_replaced(
    catalogues: Sequence[Stored], schema: str, connection: psycopg.Connection
) -> None:
    """Check that tables are still those that catalogues were loaded into."""
    # NaN does not equal itself, its text does.
    now = [*map(repr, stored(connection, schema))]
    for one in catalogues:
        if repr(one) not in now:
            raise DatabaseError(
                f"schema {schema}: {one} was replaced or loaded again just now; verify it again"
            )
