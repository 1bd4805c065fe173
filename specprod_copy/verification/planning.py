"""Which tables are verified, and what each should be made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from specprod_copy.errors import ConfigurationError, DatabaseError, InputError
from specprod_copy.plan import ledger
from specprod_copy.plan.ledger import Ledger, LoadedRange, NothingLoaded
from specprod_copy.plan.looks import Looks
from specprod_copy.plan.moved_files import moved
from specprod_copy.plan.planning import Planner, with_tiles
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.names import parametrized
from specprod_copy.postgres.schema import Reference, Schema, Table
from specprod_copy.rows.units import Refusal, Unit
from specprod_copy.tables import Catalogue, Inputs, TableSource
from specprod_copy.tables.common import COMPUTED
from specprod_copy.verification.definition import check_columns
from specprod_copy.verification.job import TableJob
from specprod_copy.verification.results import Result


@dataclass(frozen=True)
class Entry:
    """What the ledger says of a file.

    Parameters
    ----------
    stage : str
    read, kept, changed : int
        Rows read and kept, values that were not finite.
    sent : int
        Bytes that were sent to the server.
    ranges : sequence of LoadedRange
        Rows that are loaded, in order, and what they were made of.
    refused : list of Refusal
        Rows that were read and are in quarantine.
    """

    stage: str
    read: int
    kept: int
    changed: int
    sent: int
    ranges: Sequence[LoadedRange]
    refused: list[Refusal]


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
    computed : tuple of str
        Columns that do not come from the files.
    entries : dict of (str, str) to Entry
        The ledger: (file, HDU) to what it says.
    waiting : list of str
        Stages that are still to be loaded before the table gets its keys.
    files : list of Unit
        Every file, as one unit.
    units : list of Unit
        The same in pieces of bounded size, without the rows in quarantine.
    unplanned : dict of str to str
        Stage whose files cannot all be found or opened, to the reason.
    partial : tuple of Reference
        References to rows that may be missing.
    """

    job: TableJob
    defined: Table
    found: Table
    columns: Result
    computed: tuple[str, ...]
    entries: dict[tuple[str, str], Entry]
    waiting: list[str]
    files: list[Unit] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)
    unplanned: dict[str, str] = field(default_factory=dict)
    partial: tuple[Reference, ...] = ()


def tables_of(catalogue: Catalogue, stages: Sequence[str], inputs: Inputs) -> list[str]:
    """Return the tables of some stages that the production has files for.

    Raises
    ------
    ConfigurationError
        If a stage is unknown, or there are no such tables.
    """
    tables = [source.table for source in catalogue.select(stages) if source.applies(inputs)]
    if not tables:
        name = inputs.files.production.name
        raise ConfigurationError(f"production {name} has no files of stage {' or '.join(stages)}")
    return list(dict.fromkeys(tables))


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
    stages: Sequence[str],
    tables: Sequence[str],
    *,
    sample: int,
    seed: int,
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
    stages : sequence of str
    tables : sequence of str
        Existing tables of these stages.
    sample, seed : int
        See `TableJob`.

    Returns
    -------
    list of TablePlan
    """
    asked = catalogue.select(stages)
    schema = found.name
    loaded = Ledger(connection, schema)
    inputs = planner.inputs
    of_tables = [s for s in catalogue.sources.values() if s.table in tables and s.applies(inputs)]
    planner.look([s for s in of_tables if s in asked or s.stage in loaded.stages(s.table)])
    plans = []
    for table in tables:
        stages_loaded = loaded.stages(table)
        feeding = [s for s in catalogue.of_table(table) if s.applies(inputs)]
        sources = [s for s in feeding if s in asked or s.stage in stages_loaded]
        steps = [step for s in sources if s.after_rows for step in s.after_rows(inputs)]
        computed = tuple(dict.fromkeys(name for step in steps for name in COMPUTED[step]))
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
            sample,
            seed,
        )
        if lost := [name for name in job.key if name not in job.names]:
            raise DatabaseError(f"{schema}.{table} has no column {lost[0]}, its primary key")
        plan = TablePlan(
            job,
            defined,
            found.tables[table],
            check_columns(defined, found.tables[table]),
            computed,
            ledger_entries(connection, schema, table),
            [source.stage for source in feeding if source.stage not in stages_loaded],
            partial=tuple(reference for name, reference in catalogue.partial if name == table),
        )
        for source in sources:
            _add_files(plan, source, planner, NothingLoaded())
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
        plan.units += [unit.without(refused.get(unit.place, ())) for unit in planned.units]


def ledger_entries(
    connection: psycopg.Connection, schema: str, table: str
) -> dict[tuple[str, str], Entry]:
    """Return what the ledger says of each file and HDU of a table."""
    query = sql.SQL(
        """SELECT inputs -> 0 ->> 'file' AS file, inputs -> 0 ->> 'hdu' AS hdu, min(stage),
                  sum(rows_read)::bigint, sum(rows_kept)::bigint,
                  sum(values_changed)::bigint, sum(bytes_sent)::bigint
           FROM {} WHERE table_name = %s AND stage <> %s AND failure IS NULL
           GROUP BY file, hdu ORDER BY file, hdu"""
    ).format(parametrized(schema, ledger.TABLE))
    recorded = Ledger(connection, schema)
    loaded = {
        key: value
        for stage in recorded.stages(table)
        for key, value in recorded.loaded(table, stage).items()
    }
    refused = {
        key: value
        for stage in recorded.stages(table)
        for key, value in recorded.quarantine(table, stage).items()
    }
    entries = {}
    for file, hdu, stage, read, kept, changed, sent in connection.execute(
        query, (table, ledger.TILES)
    ):
        ranges = loaded[file, hdu]
        rows = refused.get((file, hdu), [])
        entries[file, hdu] = Entry(stage, read, kept, changed, sent, ranges, rows)
    return entries


def absent_table(catalogue: Catalogue, table: str) -> Result:
    """Return the result for a table that does not exist."""
    needed = dict.fromkeys(s.stage for s in catalogue.of_table(table))
    return Result(
        False,
        "table-rows",
        table,
        f"the table does not exist; load stage {' and '.join(needed)}",
    )
