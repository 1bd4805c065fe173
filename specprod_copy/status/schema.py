"""What is loaded, what is missing, who is at work: from ledger, catalog and files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import psycopg
from psycopg import sql

from specprod_copy.errors import ChangedFileError, DatabaseError
from specprod_copy.plan import ledger, ledger_format
from specprod_copy.plan.existing_tables import layout_there
from specprod_copy.plan.failures import Failure, failures
from specprod_copy.plan.known_tiles import with_tiles
from specprod_copy.plan.ledger import Ledger
from specprod_copy.plan.loaded_tiles import tables_of_tiles
from specprod_copy.plan.looks import Looks
from specprod_copy.plan.lost_tables import lost_tables
from specprod_copy.plan.planning import Planner
from specprod_copy.plan.procedures import recorded
from specprod_copy.plan.production_catalogue import production_layout
from specprod_copy.postgres import locks
from specprod_copy.postgres.catalog import require_schema
from specprod_copy.postgres.late_steps import missing_steps
from specprod_copy.postgres.names import parametrized
from specprod_copy.postgres.schema import Schema
from specprod_copy.postgres.schema_differences import own_columns, table_differences
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.postgres.schema_upgrade import plan_upgrade
from specprod_copy.postgres.search_path import q3c_schema
from specprod_copy.rows.units import Unit
from specprod_copy.status.stages import StageStatus
from specprod_copy.status.tiles import TilesStatus, tile_progress, tiles_status
from specprod_copy.tables import (
    Catalogue,
    Inputs,
    TableSource,
    specprod_catalogue,
    with_light_curves,
)
from specprod_copy.vac.stored import catalogue_in


@dataclass(frozen=True)
class Status:
    """State of a schema.

    Parameters
    ----------
    schema : str
    at_work : list of str
        Loaders that hold the schema's lock.
    progress : list of StageStatus
    steps_done, steps_missing : dict of str to list of str
        Table to its keys and indexes.
    conflicts : dict of str to list of str
        Table to what is not as it is defined, so that a load refuses it.
    own_columns : dict of str to list of str
        Table to the columns that its users added.
    partial : dict of str to list of str
        Table to the columns that refer to rows which may be missing: it has no foreign key there.
    lost : dict of str to str
        Table that is not what the ledger says, to what is wrong and what mends it.
    upgrades : dict of str to list of str
        Table to what it lacks of today's definition, and `upgrade` gives it.
    unfinished : list of str
        Those of them that lack only what a load makes after the rows, as an interrupted one does.
    tiles : TilesStatus or None
        None if tiles were never loaded one by one.
    derived : dict of str to list of str
        Table to the procedures that have derived columns of it.
    failed : list of Failure
        What the last load could not fill or complete, but for single tiles, and why.
    changed : list of str
        Sources whose files changed since they were loaded: the first such file of each.
    """

    schema: str
    at_work: list[str]
    progress: list[StageStatus]
    steps_done: dict[str, list[str]] = field(default_factory=dict)
    steps_missing: dict[str, list[str]] = field(default_factory=dict)
    conflicts: dict[str, list[str]] = field(default_factory=dict)
    own_columns: dict[str, list[str]] = field(default_factory=dict)
    partial: dict[str, list[str]] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    upgrades: dict[str, list[str]] = field(default_factory=dict)
    unfinished: list[str] = field(default_factory=list)
    tiles: TilesStatus | None = None
    derived: dict[str, list[str]] = field(default_factory=dict)
    failed: list[Failure] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    catalogues: list[str] = field(default_factory=list)
    """Value-added catalogues, each with its version and tables."""


def schema_status(
    connection: psycopg.Connection,
    schema: str,
    inputs: Inputs | None = None,
    catalogue: Catalogue | None = None,
) -> Status:
    """Find out how far a schema is.

    Parameters
    ----------
    connection : psycopg.Connection
    schema : str
    inputs : Inputs, optional
        The production's files, to tell what is missing. They are opened, not read.
    catalogue : Catalogue, optional
        The tables and their sources; those of a production without it.

    Raises
    ------
    DatabaseError
        If the schema has no ledger.
    InputError
        If a file cannot be opened or lacks columns.
    """
    found = read_schema(connection, schema)
    if ledger.TABLE not in found.tables:
        require_schema(connection, schema)
        raise ledger_format.no_ledger(schema)
    layout = None
    if catalogue is None:
        layout = with_light_curves(production_layout(inputs), found) if inputs else None
        catalogue = specprod_catalogue(layout) if layout else catalogue_in(connection, found)
    ledger_format.require_format(connection, schema)
    # A ledger without a column cannot be asked.
    readable = ledger.TABLE not in _against_definition(catalogue.definition, found)[0]
    lost = {one.table: str(one) for one in lost_tables(connection, schema)} if readable else {}
    known = {*found.tables, *lost}
    by_tiles = tables_of_tiles(connection, schema) if readable else set[str]()
    if layout and inputs:
        catalogue = specprod_catalogue(layout_there(layout, inputs, found, by_tiles))
    conflicts, own = _against_definition(catalogue.definition, found)
    sources = [
        s for s in catalogue.sources.values() if s.table in known and s.table not in by_tiles
    ]
    units: dict[str, list[Unit]] = {}
    changed: list[str] = []
    if inputs and readable:
        units, changed = _remaining(catalogue, connection, found, sources, inputs)
    present = [table for table in catalogue.definition.tables if table in found.tables]
    staged = {source.table for source in sources}
    present = [table for table in present if table in staged or table in by_tiles]
    upgrade = plan_upgrade(catalogue.definition, found, q3c_schema(connection))
    done, missing = _steps(catalogue.definition, found, present)
    return Status(
        schema,
        locks.holders(connection, schema),
        [
            *(tile_progress(connection, schema, table) for table in present if table in by_tiles),
            *(_progress(connection, schema, s, units.get(s.name)) for s in sources if readable),
        ],
        done,
        missing,
        conflicts,
        own,
        {
            name: [f"{', '.join(reference.columns)} in {reference.where}"]
            for name, reference in catalogue.partial
            if name in found.tables
        },
        lost,
        {table: [*words] for table, words in upgrade.lacks.items()},
        [table for table, parts in upgrade.parts.items() if {*parts} <= {*missing.get(table, ())}],
        tiles_status(connection, found, inputs) if readable else None,
        _derived(connection, schema) if readable else {},
        [one for one in failures(connection, schema) if one.stage != ledger.TILES]
        if readable
        else [],
        changed,
    )


def _remaining(
    catalogue: Catalogue,
    connection: psycopg.Connection,
    found: Schema,
    sources: Sequence[TableSource],
    inputs: Inputs,
) -> tuple[dict[str, list[Unit]], list[str]]:
    """Return what is to be loaded of each source, and why not for those whose files changed."""
    columns = {s.table: catalogue.definition.columns_of(s.table) for s in sources}
    looks = Looks(catalogue.keywords)
    planner = Planner(with_tiles(inputs, sources, connection, found, looks), looks=looks)
    units: dict[str, list[Unit]] = {source.name: [] for source in sources}
    changed: list[str] = []
    loaded = Ledger(connection, found.name)
    for source in (source for source in sources if source.applies(inputs)):
        try:
            units[source.name] = planner.plan([source], columns, loaded).units
        except ChangedFileError as error:
            del units[source.name]
            changed.append(f"{source.table}, stage {source.stage}: {error}")
    return units, changed


def _derived(connection: psycopg.Connection, schema: str) -> dict[str, list[str]]:
    derived: dict[str, list[str]] = {}
    for record in recorded(connection, schema):
        derived.setdefault(record.table, []).append(record.name)
    return derived


def _progress(
    connection: psycopg.Connection, schema: str, source: TableSource, units: list[Unit] | None
) -> StageStatus:
    query = sql.SQL(
        """SELECT count(DISTINCT entry), count(*), coalesce(sum(rows_kept), 0)::bigint,
                  coalesce(sum(rows_quarantined), 0)::bigint, coalesce(sum(seconds), 0),
                  sum(rows_read) / nullif(sum(seconds), 0), min(loaded_at), max(loaded_at),
                  coalesce(array_agg(DISTINCT loaded_by) FILTER (WHERE loaded_by <> ''), '{{}}')
           FROM {} WHERE table_name = %s AND stage = %s AND failure IS NULL"""
    ).format(parametrized(schema, ledger.TABLE))
    row = connection.execute(query, (source.table, source.stage)).fetchone()
    if row is None:
        raise DatabaseError(f"the ledger of schema {schema} cannot be read")
    progress = StageStatus(source.table, source.stage, *row)
    if units is None:
        return progress
    return replace(
        progress,
        files_missing=len({unit.place for unit in units}),
        units_missing=len(units),
        rows_missing=sum(unit.n_rows for unit in units),
    )


def _against_definition(
    defined: Schema, found: Schema
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return what is in conflict with the definition, and columns of users."""
    conflicts: dict[str, list[str]] = {}
    own: dict[str, list[str]] = {}
    for name in (name for name in defined.tables if name in found.tables):
        wanted, there = defined.tables[name], found.tables[name]
        if bad := [str(d) for d in table_differences(wanted, there) if d.is_conflict]:
            conflicts[name] = bad
        if columns := own_columns(wanted, there):
            own[name] = columns
    return conflicts, own


def _steps(
    defined: Schema, found: Schema, tables: Sequence[str]
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return the keys and indexes that tables have, and those they lack."""
    every = missing_steps(defined, Schema(found.name), tables)
    missing = missing_steps(defined, found, tables)
    return {
        table: [name for name in names if name not in missing.get(table, [])]
        for table, names in every.items()
    }, missing
