"""How to load."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class LoadOptions:
    """How to load.

    Parameters
    ----------
    stages : tuple of str
        Stages, or ``all``.
    schema : str
        Schema that receives the tables.
    overwrite : bool
        Replace the tables of the stages.
    verify : bool
        With `overwrite`: verify the new tables before they replace the old ones.
    replace : tuple of pathlib.Path
        Files whose rows are removed and loaded anew, in one transaction, before the rest.
    roles : tuple of str
        Roles that may read.
    jobs : int
        Processes that send rows, and index builds that run at a time.
    cluster : bool
        Order tables on their q3c index.
    part : tuple of int, optional
        (k, n): load only the k-th of n shares of the rows, beside others that load theirs, and
        leave keys and indexes to a load without this.
    max_quarantined : int, optional
        Put rows that cannot be loaded into quarantine and load the others, as long as no more than
        so many rows of the schema are in quarantine. Without it the first such row is an error.
    quarantine_folder : pathlib.Path, optional
        Gets Parquet files with the rows in quarantine.
    """

    stages: tuple[str, ...]
    schema: str
    overwrite: bool = False
    verify: bool = True
    replace: tuple[Path, ...] = ()
    roles: tuple[str, ...] = ("desi",)
    jobs: int = 1
    cluster: bool = False
    part: tuple[int, int] | None = None
    max_quarantined: int | None = None
    quarantine_folder: Path | None = None
