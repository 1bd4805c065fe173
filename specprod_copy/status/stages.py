"""How far one source of a table is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class StageStatus:
    """How far one source of a table is.

    Parameters
    ----------
    table, stage : str
    files_loaded, units_loaded, rows_kept, rows_quarantined : int
        What the ledger says.
    files_missing, units_missing, rows_missing : int or None
        What the files say is to be done; None if they were not looked at.
    seconds : float
        Sum over the units.
    rows_per_second : float or None
        Rows read per second of a unit's time.
    first, last : datetime or None
        When the first and the last unit were loaded.
    loaded_by : list of str
        Programs that loaded them.
    """

    table: str
    stage: str
    files_loaded: int
    units_loaded: int
    rows_kept: int
    rows_quarantined: int
    seconds: float
    rows_per_second: float | None
    first: datetime | None
    last: datetime | None
    loaded_by: list[str]
    files_missing: int | None = None
    units_missing: int | None = None
    rows_missing: int | None = None
