"""The files whose rows are in a table."""

from __future__ import annotations

from collections.abc import Sequence

from specprod_copy.errors import ChangedFileError
from specprod_copy.plan.changed_files import compared
from specprod_copy.plan.ledger import Ledger, LoadedRange, LoadedRanges, NothingLoaded
from specprod_copy.plan.looks import Looks
from specprod_copy.plan.planning import Planner
from specprod_copy.rows.units import Change, Refusal, Unit
from specprod_copy.tables import Catalogue, TableSource


def loaded_files(catalogue: Catalogue, table: str, planner: Planner, ledger: Ledger) -> list[Unit]:
    """Return the files whose rows are in a table, without the rows in quarantine.

    Raises
    ------
    ChangedFileError
        If one is not what was loaded.
    """
    sources = _sources(catalogue, table, ledger)
    loaded = loaded_ranges(catalogue, table, ledger)
    refused: dict[tuple[str, str], list[Refusal]] = {}
    for source in sources:
        refused |= ledger.quarantine(table, source.stage)
    columns = {table: catalogue.definition.columns_of(table)}
    units = []
    for unit in planner.plan(sources, columns, NothingLoaded()).files:
        if not _unchanged(unit, loaded.get(unit.place), planner.looks):
            raise ChangedFileError(
                f"rows of table {table} should go into quarantine, but the file is not the one "
                "that was loaded; --overwrite loads the stage anew",
                path=unit.path,
                hdu=unit.hdu,
            )
        units.append(unit.without([refusal.row for refusal in refused.get(unit.place, ())]))
    return units


def loaded_ranges(catalogue: Catalogue, table: str, ledger: Ledger) -> LoadedRanges:
    """Return what is in a table, from all stages."""
    found: dict[tuple[str, str], Sequence[LoadedRange]] = {}
    for source in _sources(catalogue, table, ledger):
        found |= ledger.loaded(table, source.stage)
    return found


def _unchanged(unit: Unit, loaded: Sequence[LoadedRange] | None, looks: Looks) -> bool:
    if loaded is None:
        return False
    found = compared(unit, loaded, looks.digest, check_content=False)
    return found.change is Change.NONE


def _sources(catalogue: Catalogue, table: str, ledger: Ledger) -> list[TableSource]:
    stages = ledger.stages(table)
    return [s for s in catalogue.of_table(table) if s.stage in stages]
