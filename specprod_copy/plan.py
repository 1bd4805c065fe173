"""From stages to units: which rows of which files have to go where.

Planning opens every file and prepares its transform, so missing files, missing columns and
impossible types are found before the first row is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from specprod_copy.columns import Column
from specprod_copy.errors import ConfigurationError, InputError
from specprod_copy.ledger import Fingerprint, Ledger, Unit
from specprod_copy.reader import open_table
from specprod_copy.tables import SOURCES, STAGES, Inputs, TableSource
from specprod_copy.transform import Transform

UNIT_ROWS = 500_000
"""Most rows of a unit: what is lost when a loader is killed, a few seconds' work."""


@dataclass
class Plan:
    """What a load has to do.

    Parameters
    ----------
    sources : list of TableSource
        In the order of loading.
    units : list of Unit
        What is to be loaded, in the order of loading.
    units_loaded, rows_loaded : dict
        Source name to the files' units and rows that are in the database already.
    """

    sources: list[TableSource]
    units: list[Unit] = field(default_factory=list)
    units_loaded: dict[str, int] = field(default_factory=dict)
    rows_loaded: dict[str, int] = field(default_factory=dict)

    @property
    def n_rows(self) -> int:
        """Rows to read."""
        return sum(unit.n_rows for unit in self.units)

    @property
    def n_bytes(self) -> int:
        """Bytes to read."""
        return sum(unit.n_rows * unit.row_bytes for unit in self.units)


def sources_of(stages: Sequence[str]) -> list[TableSource]:
    """Return the sources of some stages, in the order in which foreign keys allow their rows.

    Parameters
    ----------
    stages : sequence of str
        Names of stages; ``all`` stands for every one.

    Raises
    ------
    ConfigurationError
        If a stage is unknown.
    """
    for stage in stages:
        if stage != "all" and stage not in STAGES:
            raise ConfigurationError(f"no stage is called {stage!r}; stages: {' '.join(STAGES)}")
    return [s for s in SOURCES.values() if "all" in stages or s.stage in stages]


def make_plan(
    sources: Sequence[TableSource],
    inputs: Inputs,
    columns: Mapping[str, Sequence[Column]],
    ledger: Ledger,
) -> Plan:
    """Find out what is to be loaded.

    Parameters
    ----------
    sources : sequence of TableSource
    inputs : Inputs
    columns : mapping of str to sequence of Column
        Columns of each table.
    ledger : Ledger
        What is loaded already.

    Returns
    -------
    Plan

    Raises
    ------
    InputError
        If a file is missing, unreadable, lacks columns, or changed since it was loaded.
    """
    plan = Plan(list(sources))
    for source in sources:
        loaded = ledger.loaded(source.table)
        plan.units_loaded[source.name] = plan.rows_loaded[source.name] = 0
        for path in source.files(inputs):
            file = ledger_name(path, inputs.files.root)
            with open_table(path, source.hdus) as table:
                Transform(source, table, columns[source.table])
                hdu, n_rows, row_bytes = table.hdu, table.n_rows, table.row_bytes
            fingerprint = Fingerprint.of(path)
            before, ranges = loaded.get((file, hdu), (fingerprint, []))
            if before != fingerprint:
                raise InputError(
                    f"the file changed since its rows were loaded into {source.table}; "
                    "--overwrite loads the stage anew",
                    path=path,
                    hdu=hdu,
                )
            plan.units_loaded[source.name] += len(ranges)
            plan.rows_loaded[source.name] += sum(last - first for first, last in ranges)
            plan.units += [
                Unit(
                    source=source.name,
                    table=source.table,
                    stage=source.stage,
                    path=path,
                    file=file,
                    hdu=hdu,
                    first=first,
                    last=last,
                    row_bytes=row_bytes,
                    fingerprint=fingerprint,
                )
                for first, last in _missing_ranges(n_rows, ranges)
            ]
    return plan


def ledger_name(path: Path, root: Path) -> str:
    """Return the name of a file in the ledger: relative to the root where it lies below it."""
    path, root = path.absolute(), root.absolute()
    return str(path.relative_to(root) if path.is_relative_to(root) else path)


def _missing_ranges(n_rows: int, loaded: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the ranges of at most `UNIT_ROWS` rows that are not loaded.

    An HDU without rows is one empty unit, so that the ledger shows that it was seen.
    """
    if n_rows == 0 and not loaded:
        yield 0, 0
    position = 0
    for first, last in [*loaded, (n_rows, n_rows)]:
        for start in np.arange(position, first, UNIT_ROWS).tolist():
            yield start, min(start + UNIT_ROWS, first)
        position = max(position, last)
