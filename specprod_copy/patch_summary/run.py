"""From the files of two productions to the files of the patched one."""

from __future__ import annotations

import csv
import shutil
from dataclasses import astuple, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from specprod_copy.atomic_files import refuse_existing, staged
from specprod_copy.errors import ConfigurationError
from specprod_copy.patch_summary.fitsfile import write_patched_fits
from specprod_copy.patch_summary.inputs import Summary, SummaryFiles, read_summary
from specprod_copy.patch_summary.report import summary_lines, write_changes
from specprod_copy.patch_summary.steps import patch
from specprod_copy.reader.look import check_stamps

TIME_ZONE: Final = "America/Los_Angeles"
"""That of NERSC, where the daily production is made; dates in names and UPDATED are local there."""


@dataclass(frozen=True)
class Folders:
    """Where the data of DESI lie."""

    redux: Path
    """The productions (DESI_SPECTRO_REDUX)."""
    raw: Path
    """The raw data (DESI_SPECTRO_DATA)."""


@dataclass(frozen=True)
class OutputNames:
    """Names of the output files."""

    tiles: str
    exposures: str
    exposures_csv: str
    original_tiles: str
    original_exposures: str
    """Copies of the files that were patched."""
    changes: str
    changes_text: str
    """Record of the changes, Parquet and text."""

    @classmethod
    def of(cls, source: str, destination: str, now: datetime) -> OutputNames:
        """Return the names for two productions and the (local) time of the run."""
        date = f"{now:%Y%m%d}"
        patched = f"{destination}-patched-with-{source}-{date}"
        return cls(
            tiles=f"tiles-{patched}.csv",
            exposures=f"exposures-{patched}.fits",
            exposures_csv=f"exposures-{patched}.csv",
            original_tiles=f"tiles-{destination}-original-{date}.csv",
            original_exposures=f"exposures-{destination}-original-{date}.fits",
            changes=f"changes-{patched}.parquet",
            changes_text=f"changes-{patched}.txt",
        )


@dataclass(frozen=True)
class PatchResult:
    """What a run did."""

    summary: Summary
    changes: pl.DataFrame
    """Every change: table, key, column, old and new value, reason."""
    notes: tuple[str, ...]
    """What could not be patched."""
    files: tuple[Path, ...]

    def lines(self) -> list[str]:
        """Return the counts of changes by table, column and reason, and the notes, as text."""
        return summary_lines(self.changes, self.notes)


def patch_summary(
    source: str,
    destination: str,
    output: Path,
    *,
    folders: Folders,
    now: datetime,
    overwrite: bool = False,
) -> PatchResult:
    """Patch the top-level tiles and exposures files of a production with the values of another.

    Parameters
    ----------
    source : str
        Name of the production that is trusted.
    destination : str
        Name of the production to be patched; its own files stay as they are.
    output : pathlib.Path
        Folder of the patched files, of copies of the originals and of the record of changes.
    folders : Folders
        Where both productions and their raw data are.
    now : datetime.datetime
        Time of the run, with a time zone: for UPDATED and the dates in the names.
    overwrite : bool
        Whether to replace output files.

    Raises
    ------
    InputError
        If the input is not as it has to be, or output exists or cannot be written. Nothing is
        written then.
    ConfigurationError
        If the productions are the same.
    ValueError
        If `now` has no time zone.
    """
    if source == destination:
        raise ConfigurationError(f"{source} cannot be patched with its own values; name two")
    local = _local(now)
    names = OutputNames.of(source, destination, local)
    files = astuple(names)
    if not overwrite:
        refuse_existing(output, files)
    trusted = SummaryFiles.of(folders.redux, source)
    originals = SummaryFiles.of(folders.redux, destination)
    inputs = [trusted.tiles, trusted.exposures, originals.tiles, originals.exposures]
    stamps = trusted.stamps() | originals.stamps()
    patched, notes = patch(
        read_summary(trusted),
        read_summary(originals),
        folders.raw,
        f"{local:%Y-%m-%dT%H:%M:%S%z}",
    )
    tables = (patched.tiles, patched.exposures, patched.frames)
    changes = pl.concat([table.changes for table in tables])
    with staged(output, files, overwrite=overwrite, inputs=inputs) as folder:
        notes += write_patched_fits(tables[1:], folder / names.exposures)
        write_csv(patched.tiles.frame, folder / names.tiles)
        write_csv(patched.exposures.frame, folder / names.exposures_csv)
        write_changes(changes, notes, folder / names.changes_text, folder / names.changes)
        shutil.copy2(originals.tiles, folder / names.original_tiles)
        shutil.copy2(originals.exposures, folder / names.original_exposures)
        check_stamps(stamps.items(), "read")
    return PatchResult(patched, changes, tuple(notes), tuple(output / name for name in files))


def write_csv(frame: pl.DataFrame, path: Path) -> None:
    """Write a table as CSV, floats in the shortest form from which the double can be read again.

    A 32-bit float is written as the double of the same value, a missing text as an empty field.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(frame.columns)
        writer.writerows(frame.iter_rows())


def _local(now: datetime) -> datetime:
    if now.tzinfo is None:
        raise ValueError(f"the time {now} has no time zone")
    try:
        return now.astimezone(ZoneInfo(TIME_ZONE))
    except ZoneInfoNotFoundError as error:
        raise ConfigurationError(
            f"no time zone {TIME_ZONE} on this machine: install its time zones (tzdata)"
        ) from error
