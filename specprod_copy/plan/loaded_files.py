"""The files whose rows are in a table."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

import numpy as np

from specprod_copy.errors import ChangedFileError
from specprod_copy.plan.changed_files import compared
from specprod_copy.plan.ledger import Ledger, LoadedRange, LoadedRanges, NothingLoaded
from specprod_copy.plan.looks import Looks
from specprod_copy.plan.planning import Planner
from specprod_copy.rows.units import Change, Unit
from specprod_copy.tables import Catalogue, TableSource


def loaded_files(catalogue: Catalogue, table: str, planner: Planner, ledger: Ledger) -> list[Unit]:
    """Return the files whose rows are in a table, without the rows in quarantine.

    Raises
    ------
    ChangedFileError
        If one is not what was loaded.
    """
    files = _files(catalogue, table, planner, ledger)
    return without_refused(files, loaded_sources(catalogue, table, ledger), ledger)


def refused_files(
    catalogue: Catalogue, table: str, planner: Planner, ledger: Ledger, rules: Collection[str]
) -> list[Unit]:
    """Return the rows of a table that are in quarantine by certain rules, as units of files.

    Raises
    ------
    ChangedFileError
        As `loaded_files`.
    """
    refused = {
        (source.name, place): [refusal.row for refusal in refusals if refusal.rule in rules]
        for source in loaded_sources(catalogue, table, ledger)
        for place, refusals in ledger.quarantine(source.table, source.stage).items()
    }
    if not any(refused.values()):
        return []
    return [
        replace(unit, rows=np.array(sorted(rows)))
        for unit in _files(catalogue, table, planner, ledger)
        if (rows := refused.get((unit.source, unit.place)))
    ]


def _files(catalogue: Catalogue, table: str, planner: Planner, ledger: Ledger) -> list[Unit]:
    """Return the files of a table, all of which have to be what was loaded."""
    sources = loaded_sources(catalogue, table, ledger)
    loaded = loaded_ranges(catalogue, table, ledger)
    columns = {table: catalogue.definition.columns_of(table)}
    files = planner.plan(sources, columns, NothingLoaded()).files
    for unit in files:
        if not _unchanged(unit, loaded.get(unit.place), planner.looks):
            raise ChangedFileError(
                f"rows of table {table} should go into quarantine, but the file is not the one "
                "that was loaded; --overwrite loads the stage anew",
                path=unit.path,
                hdu=unit.hdu,
            )
    return list(files)


def without_refused(
    units: Iterable[Unit], sources: Iterable[TableSource], ledger: Ledger
) -> list[Unit]:
    """Return units of sources without the rows in quarantine."""
    refused = {source.name: ledger.quarantine(source.table, source.stage) for source in sources}
    return [
        unit.without([refusal.row for refusal in refused[unit.source].get(unit.place, ())])
        for unit in units
    ]


def loaded_sources(catalogue: Catalogue, table: str, ledger: Ledger) -> list[TableSource]:
    """Return the sources that have given a table rows."""
    stages = ledger.stages(table)
    return [source for source in catalogue.of_table(table) if source.stage in stages]


def loaded_ranges(catalogue: Catalogue, table: str, ledger: Ledger) -> LoadedRanges:
    """Return what is in a table, from all stages."""
    found: dict[tuple[str, str], Sequence[LoadedRange]] = {}
    for source in loaded_sources(catalogue, table, ledger):
        found |= ledger.loaded(table, source.stage)
    return found


def _unchanged(unit: Unit, loaded: Sequence[LoadedRange] | None, looks: Looks) -> bool:
    if loaded is None:
        return False
    found = compared(unit, loaded, looks.digest, check_content=False)
    return found.change is Change.NONE
