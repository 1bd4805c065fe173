"""Load patches beside the tables that they are for, each under the name of its production."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psycopg

from specprod_copy.coeff_patch.kinds import SOURCES, kind_of, open_catalog, stamps_of
from specprod_copy.coeff_patch.patches import Patch
from specprod_copy.errors import ConfigurationError, DatabaseError
from specprod_copy.loading import copying, old_tables, post_data
from specprod_copy.loading.key_errors import explain
from specprod_copy.loading.prepare import make_tables
from specprod_copy.plan.ledger_entries import refuse_changed_meanwhile
from specprod_copy.postgres import locks, rights, statements
from specprod_copy.postgres.broken_keys import DuplicateKey
from specprod_copy.postgres.connection import connect, translated_errors
from specprod_copy.postgres.copy import ServerTable
from specprod_copy.postgres.patience import Patience, with_patience
from specprod_copy.postgres.rights import grant_each, making_schema
from specprod_copy.postgres.schema_conflicts import refuse_own_columns
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.postgres.waits import watched
from specprod_copy.progress import ProgressListener
from specprod_copy.reader.joined import parts_of
from specprod_copy.rows.units import Intake, Part, Unit
from specprod_copy.tables import specprod_catalogue


@dataclass
class LoadedPatch:
    """A patch that was loaded.

    Parameters
    ----------
    patch : Patch
    rows_read, rows_kept, values_changed : int
        Rows of the files, rows loaded, and NaN and infinite values that were replaced.
    notes : list of str
        What keeps roles from reading it, and what is gone with the table that it replaced.
    """

    patch: Patch
    rows_read: int = 0
    rows_kept: int = 0
    values_changed: int = 0
    notes: list[str] = field(default_factory=list)


def load(
    conninfo: str,
    patches: Sequence[Patch],
    files: Sequence[Path],
    *,
    overwrite: bool = False,
    roles: Sequence[str] = (),
    listener: ProgressListener | None = None,
) -> list[LoadedPatch]:
    """Load patch files, or catalogs, into the tables of patches; each table in one transaction.

    Parameters
    ----------
    conninfo : str
        For libpq.
    patches : sequence of Patch
        The patches that files may be for.
    files : sequence of pathlib.Path
        Patch files, zall-pix or zall-tilecumulative catalogs. All for the same patch go into one
        table.
    overwrite : bool
        Whether to replace existing tables.
    roles : sequence of str
        Roles that may read.
    listener : ProgressListener, optional
        Receives progress events.

    Raises
    ------
    InputError
        If a file cannot be read, is of no known kind or holds values that its table cannot have.
    ConfigurationError
        If a file is for none of the patches.
    DatabaseError
        If a table exists and is not to be replaced, rows are not unique, or the server refuses.
    """
    listener = listener or ProgressListener()
    units = [_unit(path) for path in files]
    given = {unit.table for unit in units}
    if unwanted := given - {patch.plain for patch in patches}:
        raise ConfigurationError(f"no table for the files of {', '.join(sorted(unwanted))}")
    wanted = [patch for patch in patches if patch.plain in given]
    with (
        watched(conninfo, listener) as conninfo,
        connect(conninfo) as connection,
        translated_errors("cannot load patches"),
        ExitStack() as held,
    ):
        for own in dict.fromkeys(patch.own_schema for patch in wanted):
            held.enter_context(locks.hold_schema_lock(connection, own, shared=False))
        for patch in wanted:
            _refuse_in_the_way(connection, patch)
            _refuse_existing(connection, patch, overwrite=overwrite)
        listener.begin(
            sum(unit.n_rows for unit in units), sum(unit.n_rows * unit.row_bytes for unit in units)
        )
        try:
            return [
                _load(
                    connection,
                    patch,
                    [unit for unit in units if unit.table == patch.plain],
                    roles,
                    listener,
                    overwrite=overwrite,
                )
                for patch in wanted
            ]
        finally:
            listener.end()


def check_files(files: Sequence[Path]) -> None:
    """Check that files can be opened and are patch files or catalogs.

    Raises
    ------
    InputError
    """
    for path in files:
        with open_catalog(path) as table:
            kind_of(table)


def _unit(path: Path) -> Unit:
    stamps = stamps_of(path)
    with open_catalog(path) as table:
        source = kind_of(table).source
        return Unit(
            source=source.name,
            table=source.table,
            stage=source.stage,
            path=path,
            file=str(path),
            hdu=table.hdu,
            first=0,
            last=table.n_rows,
            row_bytes=table.row_bytes,
            stamp=stamps[path],
            packed=table.packed,
            beside=tuple(
                Part(one.path, str(one.path), one.hdu, stamps[one.path])
                for one in parts_of(table)[1:]
            ),
        )


def _refuse_in_the_way(connection: psycopg.Connection, patch: Patch) -> None:
    """Raise an error if something is where the patch has to be made."""
    if patch.plain in read_schema(connection, patch.own_schema).tables:
        raise DatabaseError(
            f"table {patch.own_schema}.{patch.plain} is in the way; it is moved to its place by "
            "the procedure that render-ddl --coeff-patch prints, or drop it"
        )


def _refuse_existing(connection: psycopg.Connection, patch: Patch, *, overwrite: bool) -> None:
    """Raise an error if the patch exists and may not be replaced."""
    found = read_schema(connection, patch.patch_schema)
    if patch.patch in found.tables and not overwrite:
        raise DatabaseError(
            f"table {patch.patch_schema}.{patch.patch} exists; --overwrite replaces it"
        )
    refuse_own_columns(patch.definition, found, [patch.patch])


def _load(
    connection: psycopg.Connection,
    patch: Patch,
    units: Sequence[Unit],
    roles: Sequence[str],
    listener: ProgressListener,
    *,
    overwrite: bool,
) -> LoadedPatch:
    """Make a patch in a schema of its own, where names of indexes are free, and move it."""
    loaded = LoadedPatch(patch)
    defined = specprod_catalogue().definition
    with connection.transaction():
        temporary = not read_schema(connection, patch.own_schema).exists
        columns = make_tables(
            connection, defined, patch.own_schema, [patch.plain]
        ).schema.columns_of(patch.plain)
        table = ServerTable(connection, patch.own_schema, patch.plain)
        intake = Intake(units, SOURCES, columns)
        results = copying.copy_units(table, intake, listener.advance, digests=False)
        refuse_changed_meanwhile(results)
        for result in results:
            loaded.rows_read += result.rows_read
            loaded.rows_kept += result.rows_kept
            loaded.values_changed += result.values_changed
        try:
            post_data.finish(
                connection,
                defined,
                patch.own_schema,
                [patch.plain],
                post_data.PostData(None, changed=[patch.plain]),
                Patience(listener),
            )
        except DuplicateKey as error:
            raise explain(error, connection, patch.own_schema, SOURCES, columns, units) from error
        rights.grant(connection, defined, patch.own_schema, [patch.plain], roles)
        places = [(patch.own_schema, patch.plain), (patch.patch_schema, patch.patch)]
        work = partial(_move, connection, patch, overwrite=overwrite)
        loaded.notes = with_patience(connection, work, places, Patience(listener))
        loaded.notes += grant_each(connection, patch.patch_schema, [patch.patch], roles).notes
        if temporary:
            statements.run(connection, patch.render("drop_schema", schema=patch.own_schema))
    return loaded


def _move(connection: psycopg.Connection, patch: Patch, *, overwrite: bool) -> list[str]:
    """Give a patch its names, and the place of an older one; return what is gone with that."""
    own, shared = patch.own_schema, patch.patch_schema
    _create_schema(connection, patch, shared)
    # Again: since the rows began to come, another session may have loaded it.
    _refuse_existing(connection, patch, overwrite=overwrite)
    old: old_tables.OldTables | None = None
    if overwrite:
        way_out = "Drop these objects first"
        old = old_tables.drop(connection, patch.definition, shared, [patch.patch], way_out=way_out)
    for script in (
        patch.render(
            "rename", schema=own, indexes=patch.indexes, table=patch.plain, new=patch.patch
        ),
        patch.render("move", schema=own, table=patch.patch, new=shared),
    ):
        statements.run(connection, script)
    return old.hand_on(connection, [patch.patch]) if old else []


def _create_schema(connection: psycopg.Connection, patch: Patch, schema: str) -> None:
    # To make a schema "if not exists" takes the right to make one, even if it exists.
    if not read_schema(connection, schema).exists:
        with making_schema(connection, schema):
            statements.run(connection, patch.render("create_schema", schema=schema))
