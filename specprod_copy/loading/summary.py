"""What a load did, or would do, for people to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from specprod_copy.loading.quarantine import Refused
from specprod_copy.rows.units import UnitResult


@dataclass
class TableSummary:
    """What became of one source of a table.

    Parameters
    ----------
    table, stage : str
    file_names : set of str
        Files that rows were read from.
    rows_read, rows_kept, values_changed, bytes_sent : int
    seconds : float
        Sum over the units; units that ran at once both count.
    rows_loaded : int
        Rows of this stage that were in the table before.
    """

    table: str
    stage: str
    file_names: set[str] = field(default_factory=set)
    rows_read: int = 0
    rows_kept: int = 0
    values_changed: int = 0
    bytes_sent: int = 0
    seconds: float = 0.0
    rows_loaded: int = 0

    def add(self, results: Sequence[UnitResult]) -> None:
        """Count units in."""
        for result in results:
            self.file_names.add(result.unit.file)
            self.rows_read += result.rows_read
            self.rows_kept += result.rows_kept
            self.values_changed += result.values_changed
            self.bytes_sent += result.bytes_sent
            self.seconds += result.seconds

    def lose(self, rows: int) -> None:
        """Count rows out that were loaded, now or before, and taken out again."""
        now = min(rows, self.rows_kept)
        self.rows_kept -= now
        self.rows_loaded -= rows - now


@dataclass
class LoadSummary:
    """What a load did.

    Parameters
    ----------
    schema : str
    tables : list of TableSummary
    seconds : float
        Wall-clock time.
    steps : int
        Statements run after the rows.
    notes : list of str
        What was skipped, or waits, and why.
    refused : list of Refused
        What the tables lack, since this load or an earlier one, because rows were refused.
    """

    schema: str
    tables: list[TableSummary] = field(default_factory=list)
    seconds: float = 0.0
    steps: int = 0
    notes: list[str] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    @property
    def rows_refused(self) -> int:
        """Number of rows in quarantine."""
        return sum(refused.rows for refused in self.refused)
