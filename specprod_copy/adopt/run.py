"""Compare tables that have no ledger with the files, and write the ledger."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

import psycopg
from psycopg import sql

from specprod_copy.adopt import version_rows
from specprod_copy.adopt.comparison import compare_rows
from specprod_copy.adopt.options import Adopted, AdoptOptions
from specprod_copy.adopt.origin import Origin
from specprod_copy.adopt.stages import OfStages
from specprod_copy.adopt.tiles import OfTiles
from specprod_copy.errors import ConfigurationError, DatabaseError
from specprod_copy.loading.prepare import make_tables
from specprod_copy.plan import ledger, ledger_format
from specprod_copy.plan.existing_tables import kept_partitions
from specprod_copy.plan.looks import Looks, open_looks
from specprod_copy.plan.planning import Planner
from specprod_copy.plan.procedures import Recorded
from specprod_copy.plan.production_catalogue import production_layout
from specprod_copy.postgres import ddl, locks, statements
from specprod_copy.postgres import schema as schemas
from specprod_copy.postgres.catalog import require_schema
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.connection import connect, translated_errors
from specprod_copy.postgres.copy import Nothing
from specprod_copy.postgres.foreign_code import refuse_foreign_code
from specprod_copy.postgres.merge import Merge
from specprod_copy.postgres.patience import Patience, with_patience
from specprod_copy.postgres.schema_conflicts import refuse_conflicts
from specprod_copy.postgres.schema_differences import differences
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.postgres.schema_upgrade import Upgrade, plan_upgrade
from specprod_copy.postgres.search_path import q3c_schema
from specprod_copy.postgres.waiting_room import WaitingRoom, waiting_room
from specprod_copy.postgres.waits import watched
from specprod_copy.progress import ProgressListener
from specprod_copy.tables import V1, Catalogue, Inputs, specprod_catalogue
from specprod_copy.tables.common import ranked_by
from specprod_copy.tables.procedures import PROCEDURES
from specprod_copy.verification.derived_checks import check_derived
from specprod_copy.verification.job import TableJob


def adopt(
    conninfo: str,
    inputs: Inputs,
    options: AdoptOptions,
    listener: ProgressListener | None = None,
    *,
    catalogue: Catalogue | None = None,
) -> Adopted:
    """Compare tables that have no ledger with the files, and write the ledger.

    Afterwards they are as if this program had loaded them. The rows of the files go into temporary
    tables, one table after the other, and the server compares them bit by bit. All that is written,
    but for the repair of definitions, is one transaction. Nobody can write to the tables meanwhile;
    readers are not kept waiting.

    Parameters
    ----------
    conninfo : str
        For libpq.
    inputs : Inputs
        The production's files.
    options : AdoptOptions
    listener : ProgressListener, optional
        Receives progress events.
    catalogue : Catalogue, optional
        The tables and their sources; those of a production without it.

    Raises
    ------
    SpecprodCopyError
        If a file cannot be read, or a table differs from its files in a way that is not known to be
        harmless: names rows and values. Nothing is changed then, but that a ledger of an earlier
        format has been taken over. And if the repair of definitions, which comes last, is refused
        or has to wait for too long: then the ledger is written.
    """
    listener = listener or ProgressListener()
    layout = None if catalogue else production_layout(inputs)
    catalogue = catalogue or specprod_catalogue(layout or V1)
    schema = options.schema
    with (
        ExitStack() as stack,
        watched(conninfo, listener) as conninfo,
        connect(conninfo) as connection,
        translated_errors(f"cannot adopt schema {schema}"),
        locks.hold_schema_lock(connection, schema, shared=False),
    ):
        require_schema(connection, schema)
        found = read_schema(connection, schema)
        if layout:
            layout = replace(layout, partitions=kept_partitions(found))
            catalogue = specprod_catalogue(layout)
        defined = catalogue.definition
        ledger_format.take_over(connection, defined, schema, listener)
        found = read_schema(connection, schema)
        looks = stack.enter_context(open_looks(catalogue.keywords, None))
        origin = _origin(connection, catalogue, found, inputs, looks, options)
        tables = origin.tables
        upgrade = plan_upgrade(defined, found, q3c_schema(connection))
        refuse_conflicts(defined, upgrade.target, tables)
        refuse_foreign_code(connection, schema, tables)
        _refuse_rounded(upgrade.target, found, tables)
        adoption = _Adoption(connection, defined, found, origin, options, listener)
        with connection.transaction(), waiting_room(connection, defined) as room:
            adoption.lock()
            # While this has waited for the tables, their owners may have given them triggers.
            refuse_foreign_code(connection, schema, tables)
            listener.begin(*origin.plan({table: adoption.columns(table) for table in tables}))
            try:
                for table in tables:
                    adoption.table(table, room)
            finally:
                listener.end()
            make_tables(connection, defined, schema, ["version", ledger.TABLE])
            origin.record()
            version_rows.mend(connection, schema, options.repair, adoption.outcome.harmless)
        adoption.outcome.outdated = [f"tile {n}: {why}" for n, why in origin.outdated.items()]
        adoption.outcome.left_out = [*origin.left_out]
        _add_upgrades(adoption.outcome, upgrade, tables)
        if options.repair:
            rest = f"run 'specprod-copy upgrade --schema {shlex.quote(schema)}'"
            patience = Patience(listener, options.patience, then=f"the ledger is written: {rest}")
            try:
                _only(upgrade, tables).run(connection, patience)
            except (DatabaseError, psycopg.Error):
                for table, what in adoption.outcome.harmless.items():
                    listener.info(f"harmless: {table}: {', '.join(what)}")
                listener.info(f"the ledger is written; to mend what is left of that, {rest}")
                raise
    return adoption.outcome


def _origin(
    connection: psycopg.Connection,
    catalogue: Catalogue,
    found: schemas.Schema,
    inputs: Inputs,
    looks: Looks,
    options: AdoptOptions,
) -> Origin:
    everything = tuple(options.stages) == ("all",)
    if options.by_tile and not everything:
        raise ConfigurationError("--by-tile is for all tables of single tiles: name no stage")
    daily = inputs.files.production.photometry == "computed"
    if options.by_tile or (daily and everything):
        return OfTiles(connection, catalogue.definition, found, inputs, outdated=options.outdated)
    if options.outdated:
        raise ConfigurationError("--outdated is for tables that were filled tile by tile")
    selected = catalogue.select(options.stages)
    planner = Planner(inputs, options.limits, looks)
    return OfStages(connection, found, catalogue, selected, planner)


def _refuse_rounded(target: schemas.Schema, found: schemas.Schema, tables: Sequence[str]) -> None:
    """Check that no column has rounded the numbers of the files: to widen it brings none back."""
    for difference in differences(target, found, tables):
        was, now = difference.found, difference.wanted
        if isinstance(was, Column) and isinstance(now, Column) and was.type == "float4":
            raise DatabaseError(
                f"table {found.name}.{difference.table}: {difference}; its values were rounded; "
                "--overwrite loads it"
            )


class _Adoption:
    """The comparison of tables with their files: its steps, and what they share."""

    def __init__(
        self,
        connection: psycopg.Connection,
        defined: schemas.Schema,
        found: schemas.Schema,
        origin: Origin,
        options: AdoptOptions,
        listener: ProgressListener,
    ) -> None:
        self.outcome = Adopted(repaired=options.repair)
        self._connection, self._defined, self._found = connection, defined, found
        self._origin, self._options, self._listener = origin, options, listener

    def columns(self, table: str) -> Sequence[Column]:
        """Return the columns of a table as the server has them, but for those of users."""
        defined = self._defined.tables[table].columns
        return self._found.columns_of(table, {column.name for column in defined})

    def lock(self) -> None:
        """Keep others from writing to the tables."""
        wanted = [(self._options.schema, table) for table in self._origin.tables]
        names = [sql.Identifier(*one) for one in wanted]
        statement = sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE")
        work = partial(self._connection.execute, statement.format(sql.SQL(", ").join(names)))
        patience = Patience(self._listener, self._options.patience)
        with_patience(self._connection, work, wanted, patience, readers=False)

    def table(self, table: str, room: WaitingRoom) -> None:
        """Compare a table with its files; mend what is harmless, if that is wanted."""
        connection, schema = self._connection, self._options.schema
        key = self._defined.tables[table].primary_key
        if self._found.tables[table].primary_key != key:
            raise DatabaseError(
                f"table {schema}.{table} has no primary key ({', '.join(key)}): it was not loaded "
                "to its end; --overwrite loads it"
            )
        merge = Merge(room, schema, table, self.columns(table), key)
        if self._options.trust:
            rows = self._origin.send(table, Nothing(), merge.columns, self._listener)
            problems = self._counted(table, rows)
        else:
            merge.make()
            rows = self._origin.send(table, merge.staging, merge.columns, self._listener)
            merge.analyze()
            problems = self._compared(merge)
            drop = sql.SQL("DROP TABLE {}").format(sql.Identifier(room.schema, merge.staged))
            connection.execute(drop)
        if problems:
            raise DatabaseError(
                f"table {schema}.{table} is not what its files give: {'; '.join(problems)}; "
                f"nothing was changed. {self._origin.advice(table)}"
            )
        self.outcome.rows[table] = rows

    def _compared(self, merge: Merge) -> list[str]:
        """Compare a table with the rows that are staged; return what is wrong."""
        steps = self._origin.computed_by(merge.table)
        derived = [
            Recorded(one, merge.table, PROCEDURES[one].columns[merge.table]) for one in steps
        ]
        computed = [name for record in derived for name in record.columns]
        compared = compare_rows(merge, computed)
        harmless, repair = compared.harmless, self._options.repair and not compared.problems
        if harmless and repair:
            merge.write(unwritten=computed)
        job = TableJob(merge.schema, merge.table, merge.key, tuple(merge.columns))
        for record in derived:
            checks = check_derived(self._connection, job, [record], merge.columns)
            if odd := [check.detail for check in checks if not check.passed]:
                harmless = [*harmless, *odd]
                if repair:
                    self._derive(merge, record.name)
        if harmless:
            self.outcome.harmless[merge.table] = harmless
        return compared.problems

    def _derive(self, merge: Merge, procedure: str) -> None:
        rank = ranked_by(merge.columns)
        names = {"schema": merge.schema, "table": merge.table, "rank": rank}
        script = ddl.render_template(f"{procedure}_counted", **names)
        statements.run(self._connection, script, merge.schema)

    def _counted(self, table: str, rows: int) -> list[str]:
        name = sql.Identifier(self._options.schema, table)
        query = sql.SQL("SELECT count(*) FROM {}").format(name)
        [(found,)] = self._connection.execute(query).fetchall()
        return [f"it has {found:,} rows, and its files {rows:,}"] if found != rows else []


def _add_upgrades(outcome: Adopted, upgrade: Upgrade, tables: Sequence[str]) -> None:
    for table in (table for table in tables if table in upgrade.lacks):
        outcome.harmless[table] = [*outcome.harmless.get(table, []), *upgrade.lacks[table]]


def _only(upgrade: Upgrade, tables: Sequence[str]) -> Upgrade:
    wanted = {t: texts for t, texts in upgrade.statements.items() if t in (*tables, "version")}
    return replace(upgrade, statements=wanted)
