"""Which tables are verified, and what each should be made of."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import psycopg

from specprod_copy.errors import ConfigurationError, DatabaseError, InputError
from specprod_copy.plan import procedures
from specprod_copy.plan.existing_tables import layout_there
from specprod_copy.plan.known_tiles import with_tiles
from specprod_copy.plan.ledger import Ledger, NothingLoaded
from specprod_copy.plan.loaded_tiles import LoadedTile, loaded_tiles, tables_of_tiles
from specprod_copy.plan.looks import Looks
from specprod_copy.plan.moved_files import moved
from specprod_copy.plan.planning import Planner
from specprod_copy.plan.procedures import Recorded
from specprod_copy.plan.tile_states import TileState, Verdict
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.schema import Reference, Schema, Table
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.rows.units import Unit
from specprod_copy.tables import (
    Catalogue,
    Inputs,
    Layout,
    TableSource,
    specprod_catalogue,
    with_light_curves,
)
from specprod_copy.tables.procedures import OF_TILES, PROCEDURES
from specprod_copy.tiles.read import TABLES
from specprod_copy.verification.definition import check_columns
from specprod_copy.verification.job import TableJob
from specprod_copy.verification.options import VerifyOptions
from specprod_copy.verification.recorded import Entry, ledger_entries
from specprod_copy.verification.results import Result
from specprod_copy.verification.slices import Slice, UnitSlice


@dataclass
class Tiles:
    """What is verified of tiles that were loaded one by one."""

    loaded: dict[int, LoadedTile] = field(default_factory=dict)
    """By number; none for a table that is loaded in stages."""
    states: list[TileState] = field(default_factory=list)
    """What became of their files, and which others there are."""

    @property
    def left_out(self) -> list[int]:
        """Tiles whose rows cannot be compared: there are no such files, or not yet."""
        same = Verdict.SAME, Verdict.CHANGED
        return [s.tileid for s in self.states if s.verdict not in same and s.tileid in self.loaded]


@dataclass
class TablePlan:
    """A table to be verified.

    Parameters
    ----------
    job : TableJob
    defined, found : Table
        The table as it is to be, and as it is.
    columns : Result
        Whether the table has its columns.
    derived : list of Recorded
        What has derived columns that do not come from the files.
    entries : dict of (str, str) to Entry
        The ledger: (file, HDU) to what it says.
    waiting : list of str
        Stages that are still to be loaded before the table gets its keys.
    files : list of Unit
        Every file, as one unit.
    slices : list of Slice
        The same in pieces of bounded size, without the rows in quarantine; or what tiles have.
    tiles : Tiles
    unplanned : dict of str to str
        Stage whose files cannot all be found or opened, to the reason.
    partial : tuple of Reference
        References to rows that may be missing.
    """

    job: TableJob
    defined: Table
    found: Table
    columns: Result
    derived: list[Recorded]
    entries: dict[tuple[str, str], Entry]
    waiting: list[str]
    files: list[Unit] = field(default_factory=list)
    slices: list[Slice] = field(default_factory=list)
    tiles: Tiles = field(default_factory=Tiles)
    unplanned: dict[str, str] = field(default_factory=dict)
    partial: tuple[Reference, ...] = ()

    @property
    def recorded_rows(self) -> int:
        """Rows of the table by the ledger; photometry that tiles share is counted for each."""
        rows = sum(tile.rows.get(self.job.table, 0) for tile in self.tiles.loaded.values())
        return rows + sum(entry.kept for entry in self.entries.values())

    @property
    def recorded_bytes(self) -> int:
        """Bytes that were sent into the table by the ledger; of tiles, about so many."""
        inputs = (made.stamp.size for tile in self.tiles.loaded.values() for made in tile.inputs)
        return sum(inputs) // len(TABLES) + sum(entry.sent for entry in self.entries.values())


@dataclass(frozen=True)
class Scope:
    """What is verified."""

    options: VerifyOptions
    tables: Sequence[str]
    """Existing tables of the stages."""
    by_tiles: Collection[str]
    """Those of all tables that were loaded tile by tile."""


def tables_of(
    catalogue: Catalogue, stages: Sequence[str], inputs: Inputs, by_tiles: Collection[str] = ()
) -> list[str]:
    """Return the tables of some stages that the production has files for.

    Parameters
    ----------
    catalogue : Catalogue
    stages : sequence of str
    inputs : Inputs
    by_tiles : collection of str
        Tables that were loaded tile by tile.

    Raises
    ------
    ConfigurationError
        If a stage is unknown, or there are no such tables.
    """
    tables = [
        source.table
        for source in catalogue.select(stages)
        if source.applies(inputs) or source.table in by_tiles
    ]
    if not tables:
        name = inputs.files.production.name
        raise ConfigurationError(f"production {name} has no files of stage {' or '.join(stages)}")
    return list(dict.fromkeys(tables))


def look_at_schema(
    connection: psycopg.Connection,
    catalogue: Catalogue,
    schema: str,
    inputs: Inputs,
    layout: Layout | None,
) -> tuple[Schema, Collection[str], Catalogue]:
    """Return what the server has, the tables loaded tile by tile, and what all tables are.

    The tables of a production, given its layout, are those that were made; others are given.
    """
    found, by_tiles = read_schema(connection, schema), tables_of_tiles(connection, schema)
    if layout:
        layout = with_light_curves(layout, found)
        catalogue = specprod_catalogue(layout_there(layout, inputs, found, by_tiles))
    return found, by_tiles, catalogue


def inputs_with_tiles(
    catalogue: Catalogue,
    inputs: Inputs,
    stages: Sequence[str],
    connection: psycopg.Connection,
    found: Schema,
    looks: Looks,
) -> Inputs:
    """Return inputs that know the tiles; see `with_tiles`."""
    try:
        return with_tiles(inputs, catalogue.select(stages), connection, found, looks)
    except InputError:
        # The table tile itself is going to say what is wrong with its file.
        return with_tiles(inputs, [], connection, found, looks)


def plan_tables(
    catalogue: Catalogue,
    connection: psycopg.Connection,
    planner: Planner,
    found: Schema,
    scope: Scope,
) -> list[TablePlan]:
    """Find out what tables should be made of.

    A table that several stages feed is compared with the files of all those that were asked for
    or are in the ledger.

    Parameters
    ----------
    catalogue : Catalogue
    connection : psycopg.Connection
    planner : Planner
    found : Schema
        What the server has.
    scope : Scope
    """
    asked = catalogue.select(scope.options.stages)
    tables, by_tiles, schema = scope.tables, scope.by_tiles, found.name
    loaded = Ledger(connection, schema)
    inputs = planner.inputs
    feeding = {
        table: [s for s in catalogue.of_table(table) if s.applies(inputs) and table not in by_tiles]
        for table in tables
    }
    of_tables = [source for sources in feeding.values() for source in sources]
    planner.look([s for s in of_tables if s in asked or s.stage in loaded.stages(s.table)])
    tiles = loaded_tiles(connection, found, lost=True) if by_tiles else {}
    records = procedures.recorded(connection, schema)
    plans = []
    for table in tables:
        stages_loaded = loaded.stages(table)
        sources = [s for s in feeding[table] if s in asked or s.stage in stages_loaded]
        derived = {record.name: record for record in records if record.table == table}
        steps = [step for s in sources if s.after_rows for step in s.after_rows(inputs)]
        steps += OF_TILES.get(table, ()) if table in by_tiles else ()
        for step in steps:
            # Loading does this whenever it brings rows: they are no later ones.
            derived[step] = Recorded(step, table, PROCEDURES[step].columns[table])
        computed = {column for record in derived.values() for column in record.columns}
        defined = catalogue.definition.tables[table]
        names = {column.name for column in defined.columns}.difference(computed)
        compared = tuple(found.columns_of(table, names))
        job = TableJob(
            schema,
            table,
            defined.primary_key,
            compared,
            {source.name: source for source in sources},
            {c: decoder for (t, c), decoder in catalogue.decoders.items() if t == table},
            scope.options.sample,
            scope.options.seed,
            any(column.name == "tileid" for column in found.tables[table].columns),
            tuple(found.columns_of(table, computed)),
            frozenset(column.name for column in defined.columns if not column.not_null),
        )
        if lost := [name for name in job.key if name not in job.names]:
            raise DatabaseError(f"{schema}.{table} has no column {lost[0]}, its primary key")
        plan = TablePlan(
            job,
            defined,
            found.tables[table],
            check_columns(defined, found.tables[table]),
            [*derived.values()],
            ledger_entries(connection, schema, table),
            [source.stage for source in feeding[table] if source.stage not in stages_loaded],
            partial=tuple(reference for name, reference in catalogue.partial if name == table),
        )
        for source in sources:
            _add_files(plan, source, planner, NothingLoaded())
        if table in by_tiles:
            plan.tiles.loaded = tiles
        plans.append(plan)
    return plans


def _add_files(plan: TablePlan, source: TableSource, planner: Planner, nothing: Ledger) -> None:
    columns: dict[str, Sequence[Column]] = {source.table: plan.job.columns}
    try:
        planned = planner.plan([source], columns, nothing)
    except InputError as error:
        plan.unplanned[source.stage] = str(error)
    else:
        loaded = {
            place: entry.ranges
            for place, entry in plan.entries.items()
            if entry.stage == source.stage
        }
        root = planner.inputs.files.root
        for before, now in moved(planned.files, loaded, root, planner.looks.digest).items():
            plan.entries[now] = plan.entries.pop(before)
        plan.files += planned.files
        refused = {name: [r.row for r in entry.refused] for name, entry in plan.entries.items()}
        for unit in planned.units:
            plan.slices.append(UnitSlice(unit.without(refused.get(unit.place, ()))))
