"""Compare tables that have no ledger with the files, and write the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated

import psycopg
from psycopg import sql

from specprod_copy.adopt import version_rows
from specprod_copy.adopt.comparison import compare_rows
from specprod_copy.errors import DatabaseError
from specprod_copy.loading.copying import copy_units
from specprod_copy.loading.prepare import make_tables
from specprod_copy.option import Option, PatienceSeconds, Schema
from specprod_copy.plan import ledger, ledger_format
from specprod_copy.plan.ledger import Ledger, NothingLoaded
from specprod_copy.plan.limits import LIMITS, Limits
from specprod_copy.plan.looks import open_looks
from specprod_copy.plan.planning import Plan, Planner, with_tiles
from specprod_copy.plan.production_catalogue import production_catalogue
from specprod_copy.postgres import catalog, locks
from specprod_copy.postgres import schema as schemas
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.connection import connect, translated_errors
from specprod_copy.postgres.copy import Nothing
from specprod_copy.postgres.foreign_code import refuse_foreign_code
from specprod_copy.postgres.locks import PATIENCE, Patience
from specprod_copy.postgres.merge import Merge
from specprod_copy.postgres.schema_differences import differences, refuse_conflicts
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.postgres.schema_upgrade import Upgrade, plan_upgrade
from specprod_copy.postgres.search_path import q3c_schema
from specprod_copy.postgres.waits import watched
from specprod_copy.progress import ProgressListener
from specprod_copy.rows.units import UnitResult
from specprod_copy.tables import Catalogue, Inputs, TableSource
from specprod_copy.tables.procedures import PROCEDURES


@dataclass(frozen=True)
class AdoptOptions:
    """What to adopt, and how."""

    schema: Schema
    stages: tuple[str, ...] = ("all",)
    """Stages, tables that are a part of a stage, or ``all``."""

    trust: Annotated[
        bool,
        Option("--trust", "Only count the rows: do not compare their values with the files."),
    ] = False
    repair: Annotated[
        bool,
        Option(
            "--repair",
            "Mend what is different and known to be harmless; a table may be written again where a "
            "column gets wider.",
        ),
    ] = False
    patience: PatienceSeconds = PATIENCE
    limits: Limits = LIMITS


@dataclass
class Adopted:
    """What became of the tables."""

    rows: dict[str, int] = field(default_factory=dict)
    """Table to its rows."""
    harmless: dict[str, list[str]] = field(default_factory=dict)
    """Table to what is different and harmless."""
    repaired: bool = False
    """Whether that was mended."""


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

    Returns
    -------
    Adopted

    Raises
    ------
    SpecprodCopyError
        If a file cannot be read, or a table differs from its files in a way that is not known to be
        harmless: names rows and values. Nothing is changed then.
    """
    listener = listener or ProgressListener()
    catalogue = catalogue or production_catalogue(inputs)
    schema, defined = options.schema, catalogue.definition
    with (
        ExitStack() as stack,
        watched(conninfo, listener) as conninfo,
        connect(conninfo) as connection,
        translated_errors(f"cannot adopt schema {schema}"),
        locks.hold_schema_lock(connection, schema, shared=False),
    ):
        ledger_format.take_over(connection, defined, schema, listener)
        found = read_schema(connection, schema)
        sources = _sources(connection, found, catalogue.select(options.stages), inputs)
        upgrade = plan_upgrade(defined, found, q3c_schema(connection))
        tables = list(dict.fromkeys(source.table for source in sources))
        refuse_conflicts(defined, upgrade.target, tables)
        refuse_foreign_code(connection, schema, tables)
        _refuse_rounded(upgrade.target, found, tables)
        looks = stack.enter_context(open_looks(catalogue.keywords, None))
        inputs = with_tiles(inputs, sources, connection, found, looks)
        adoption = _Adoption(connection, catalogue, found, inputs, options, listener)
        with connection.transaction():
            plan = Planner(inputs, options.limits, looks).plan(
                sources, adoption.columns(tables), NothingLoaded()
            )
            adoption.lock(tables)
            listener.begin(plan.n_rows, sum(unit.n_rows * unit.row_bytes for unit in plan.units))
            try:
                results = [adoption.table(table, sources, plan) for table in tables]
            finally:
                listener.end()
            make_tables(connection, defined, schema, ["version", ledger.TABLE])
            Ledger(connection, schema).record([one for of_table in results for one in of_table])
            version_rows.mend(connection, schema, options.repair, adoption.outcome.harmless)
        _add_upgrades(adoption.outcome, upgrade, tables)
        if options.repair:
            _only(upgrade, tables).run(connection, Patience(listener, options.patience))
    return adoption.outcome


def _sources(
    connection: psycopg.Connection,
    found: schemas.Schema,
    selected: Sequence[TableSource],
    inputs: Inputs,
) -> list[TableSource]:
    """Return the sources of tables that have rows, but no ledger."""
    has_ledger = ledger.TABLE in found.tables
    recorded = Ledger(connection, found.name) if has_ledger else NothingLoaded()
    filled = {
        table
        for table in {s.table for s in selected} & found.tables.keys()
        if catalog.has_rows(connection, found.name, table)
    }
    if not filled:
        raise DatabaseError(f"schema {found.name} has no rows in the tables of these stages")
    known = {table for table in filled if recorded.stages(table)}
    if has_ledger and connection.execute(
        sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE stage = %s)").format(
            sql.Identifier(found.name, ledger.TABLE)
        ),
        (ledger.TILES,),
    ).fetchone() == (True,):
        known = filled
    if known == filled:
        raise DatabaseError(
            f"the ledger of schema {found.name} has the rows of these stages already: there is "
            "nothing to adopt; 'specprod-copy status' tells what is loaded"
        )
    return [s for s in selected if s.table in filled - known and s.applies(inputs)]


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
        catalogue: Catalogue,
        found: schemas.Schema,
        inputs: Inputs,
        options: AdoptOptions,
        listener: ProgressListener,
    ) -> None:
        self.outcome = Adopted(repaired=options.repair)
        self._connection, self._catalogue, self._found = connection, catalogue, found
        self._inputs, self._options, self._listener = inputs, options, listener

    def columns(self, tables: Sequence[str]) -> dict[str, Sequence[Column]]:
        """Return the columns of tables as the server has them, but for those of users."""
        defined = self._catalogue.definition.tables
        return {
            table: self._found.columns_of(table, {c.name for c in defined[table].columns})
            for table in tables
        }

    def lock(self, tables: Sequence[str]) -> None:
        """Keep others from writing to tables."""
        schema = self._options.schema
        names = [sql.Identifier(schema, table) for table in tables]
        statement = sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE")
        work = partial(self._connection.execute, statement.format(sql.SQL(", ").join(names)))
        patience = Patience(self._listener, self._options.patience)
        wanted = [(schema, table) for table in tables]
        locks.with_patience(self._connection, work, wanted, patience, readers=False)

    def table(self, table: str, sources: Sequence[TableSource], plan: Plan) -> list[UnitResult]:
        """Compare a table with its files; mend what is harmless, if that is wanted."""
        connection, schema = self._connection, self._options.schema
        key = self._catalogue.definition.tables[table].primary_key
        if self._found.tables[table].primary_key != key:
            raise DatabaseError(
                f"table {schema}.{table} has no primary key ({', '.join(key)}): it was not loaded "
                "to its end; --overwrite loads it"
            )
        steps = [
            step
            for s in sources
            if s.table == table and s.after_rows
            for step in s.after_rows(self._inputs)
        ]
        computed = [name for step in steps for name in PROCEDURES[step].columns[table]]
        units = [unit for unit in plan.units if unit.table == table]
        columns = self.columns([table])[table]
        merge = Merge(connection, schema, table, columns, key)
        if not self._options.trust:
            merge.make()
        destination = Nothing() if self._options.trust else merge.staging
        results = copy_units(
            destination, units, self._catalogue.sources, columns, self._listener.advance
        )
        problems = []
        if self._options.trust:
            problems += self._counted(table, sum(result.rows_kept for result in results))
        else:
            merge.analyze()
            compared = compare_rows(merge, computed)
            problems += compared.problems
            if compared.harmless:
                self.outcome.harmless[table] = compared.harmless
                if self._options.repair and not problems:
                    merge.write(unwritten=computed)
            drop = sql.SQL("DROP TABLE {}").format(sql.Identifier("pg_temp", merge.staged))
            connection.execute(drop)
        if problems:
            advice = "--overwrite loads it"
            if self._inputs.files.production.photometry == "computed":
                advice = (
                    "Tables that were filled tile by tile are not adopted: "
                    "'specprod-copy tile TILEID... --overwrite' loads them again"
                )
            raise DatabaseError(
                f"table {schema}.{table} is not what its files give: {'; '.join(problems)}; "
                f"nothing was changed. {advice}"
            )
        self.outcome.rows[table] = sum(result.rows_kept for result in results)
        return results

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
