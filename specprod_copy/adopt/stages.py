"""Tables that were loaded in stages: what their files give, and the entries of these files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import psycopg
from psycopg import sql

from specprod_copy.errors import DatabaseError
from specprod_copy.loading.copying import copy_units
from specprod_copy.plan import ledger
from specprod_copy.plan.failures import replace_failures
from specprod_copy.plan.known_tiles import with_tiles
from specprod_copy.plan.ledger import Ledger, NothingLoaded
from specprod_copy.plan.planning import Planner
from specprod_copy.postgres import catalog
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.copy import Destination
from specprod_copy.postgres.schema import Schema
from specprod_copy.progress import ProgressListener
from specprod_copy.rows.units import Intake, Unit, UnitResult
from specprod_copy.tables import Catalogue, TableSource


class OfStages:
    """What whole files give; see `Origin`.

    Parameters
    ----------
    connection : psycopg.Connection
    found : Schema
        What the server has.
    catalogue : Catalogue
    selected : sequence of TableSource
        What to adopt.
    planner : Planner

    Raises
    ------
    DatabaseError
        If none of these tables has rows of which the ledger does not know.
    """

    outdated: Mapping[int, str] = {}

    def __init__(
        self,
        connection: psycopg.Connection,
        found: Schema,
        catalogue: Catalogue,
        selected: Sequence[TableSource],
        planner: Planner,
    ) -> None:
        self._connection, self._found, self._catalogue = connection, found, catalogue
        self._planner = planner
        applying = [source for source in selected if source.applies(planner.inputs)]
        self.left_out: Sequence[str]
        self._sources, self.left_out = _sources(connection, found, applying)
        self.tables: Sequence[str] = list(dict.fromkeys(source.table for source in self._sources))
        self._units: list[Unit] = []
        self._results: list[UnitResult] = []

    def advice(self, table: str) -> str:
        """Return what to do about a table; see `Origin.advice`."""
        of_table = [s for s in self._catalogue.sources.values() if s.table == table]
        inputs, adopted = self._planner.inputs, {source.name for source in self._sources}
        all_of_table = [source for source in of_table if source.applies(inputs)]
        if all(source.name in adopted for source in all_of_table):
            return "--overwrite loads it; --by-tile is for tables that were filled tile by tile"
        stages = dict.fromkeys(source.stage for source in all_of_table)
        return (
            f"Stages {' and '.join(stages)} fill it: adopt them together, if all of them were "
            f"loaded (specprod-copy adopt {' '.join(stages)}); else --overwrite loads it"
        )

    def plan(self, columns: Mapping[str, Sequence[Column]]) -> tuple[int, int]:
        """Plan all rows of the files; see `Origin.plan`."""
        inputs, limits, looks = self._planner.inputs, self._planner.limits, self._planner.looks
        inputs = with_tiles(inputs, self._sources, self._connection, self._found, looks)
        self._planner = Planner(inputs, limits, looks)
        plan = self._planner.plan(self._sources, columns, NothingLoaded())
        self._units = plan.units
        return plan.n_rows, sum(unit.n_rows * unit.row_bytes for unit in plan.units)

    def computed_by(self, table: str) -> Sequence[str]:
        """Return what a load runs after the rows; see `Origin.computed_by`."""
        sources = [source for source in self._sources if source.table == table]
        inputs = self._planner.inputs
        return [step for s in sources if s.after_rows for step in s.after_rows(inputs)]

    def send(
        self,
        table: str,
        destination: Destination,
        columns: Sequence[Column],
        listener: ProgressListener,
    ) -> int:
        """Send the rows of its units; see `Origin.send`."""
        units = [unit for unit in self._units if unit.table == table]
        intake = Intake(units, self._catalogue.sources, columns)
        results = copy_units(destination, intake, listener.advance)
        self._results += results
        return sum(result.rows_kept for result in results)

    def record(self) -> None:
        """Write the entries of the units; see `Origin.record`."""
        connection, schema = self._connection, self._found.name
        Ledger(connection, schema).record(self._results)
        # What loads failed at is there.
        replace_failures(connection, schema, (), "table_name = ANY(%s)", (list(self.tables),))


def _sources(
    connection: psycopg.Connection,
    found: Schema,
    selected: Sequence[TableSource],
) -> tuple[list[TableSource], list[str]]:
    """Return the sources of tables that have rows, but no ledger; and tables that have neither."""
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
        sql.SQL("SELECT EXISTS (SELECT 1 FROM {} WHERE stage = %s AND failure IS NULL)").format(
            sql.Identifier(found.name, ledger.TABLE)
        ),
        (ledger.TILES,),
    ).fetchone() == (True,):
        known = filled
    if known == filled:
        raise DatabaseError(
            f"the ledger of schema {found.name} has the rows of these stages already: there is "
            "nothing to adopt; 'specprod-copy status' tells what is loaded, and what to mend"
        )
    empty = dict.fromkeys(s.table for s in selected if s.table not in filled)
    return [s for s in selected if s.table in filled - known], [
        table for table in empty if not recorded.stages(table)
    ]
