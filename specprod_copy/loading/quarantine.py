"""The rows that tables lack because they were refused: as they are in the files, and why.

The ledger knows them. It is written in one transaction with the rows that were loaded, so the
Parquet files can be made from it at any time: a file that a crash has prevented is written by the
next load.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import numpy as np
import polars as pl

from specprod_copy.atomic_files import check_folder, output_errors, staged
from specprod_copy.errors import BadRowsError, InputError
from specprod_copy.plan.ledger import Ledger, Quarantine
from specprod_copy.postgres.columns import Column
from specprod_copy.reader import InputTable, open_table
from specprod_copy.reader.joined import open_joined
from specprod_copy.rows.transform import Transform
from specprod_copy.rows.units import Refusal
from specprod_copy.tables import Inputs, TableSource
from specprod_copy.tables.common import PRIMARY

_PLACE = pl.Schema({name: pl.String() for name in ("table", "file", "hdu")})
_REFUSAL = pl.Schema(
    {"row": pl.Int64(), "column": pl.String(), "value": pl.String(), "reason": pl.String()}
)


@dataclass(frozen=True)
class Refused:
    """How many rows of one source are in quarantine, and where they can be looked at."""

    table: str
    stage: str
    rows: int
    path: Path | None
    """The Parquet file, if it was written."""


def file_name(schema: str, source: TableSource) -> str:
    """Return the name of the Parquet file of a source, e.g. ``iron.exposures.tile.parquet``."""
    return f"{quote(schema, safe=' ')}.{source.stage}.{source.table}.parquet"


def check_files(folder: Path, schema: str, sources: Iterable[TableSource]) -> None:
    """Raise an InputError if something else has the name of the folder or of a Parquet file."""
    check_folder(folder, [file_name(schema, source) for source in sources])


def refused_rows(
    ledger: Ledger,
    schema: str,
    root: Path,
    sources: Sequence[TableSource],
    columns: Mapping[str, Sequence[Column]],
    folder: Path | None,
) -> list[Refused]:
    """Tell which rows are in quarantine, and write them.

    Parameters
    ----------
    ledger : Ledger
    schema : str
    root : pathlib.Path
        Names of files in the ledger are relative to this folder.
    sources : sequence of TableSource
        Whose rows are asked for.
    columns : mapping of str to sequence of Column
        Columns of each table.
    folder : pathlib.Path, optional
        Gets a file for each source with such rows (see `file_name`), in place of one that is there.
        Nothing is written without it.

    Returns
    -------
    list of Refused
        Of the sources with such rows.

    Raises
    ------
    InputError
        If an input file cannot be read any more, or a file cannot be written.
    """
    refused = []
    frames: dict[str, pl.DataFrame] = {}
    for source in sources:
        found = ledger.quarantine(source.table, source.stage)
        if not found:
            continue
        path = None
        if folder is not None:
            name = file_name(schema, source)
            frames[name] = quarantine_frame(source, root, columns[source.table], found)
            path = folder / name
        refused.append(Refused(source.table, source.stage, sum(map(len, found.values())), path))
    if folder is not None and frames:
        _write(folder, frames)
    return refused


def lost_primaries(
    ledger: Ledger, schema: str, inputs: Inputs, sources: Iterable[TableSource]
) -> list[str]:
    """Return notes on targets whose primary spectrum is in quarantine.

    Where nspec and primary are computed in the database, there are none.
    """
    notes = []
    for source in sources:
        if not PRIMARY.keys() <= source.derived.keys():
            continue
        if source.after_rows is not None and source.after_rows(inputs):
            continue
        lost = 0
        for (file, hdu), refusals in ledger.quarantine(source.table, source.stage).items():
            with open_table(inputs.files.root / file, (hdu,) if hdu else ()) as table:
                names = [n for n in map(str.upper, PRIMARY) if n.endswith("PRIMARY")]
                names = [name for name in names if name in table.schema]
                rows = np.unique([refusal.row for refusal in refusals])
                found = _as_in_file(table, names, rows)
            if names:
                lost += found.select(pl.any_horizontal(names).fill_null(False).sum()).item()
        if lost:
            notes.append(
                f"{source.table}: the primary spectra of {lost:,} targets are in quarantine; "
                f"specprod-copy primary --schema {shlex.quote(schema)} chooses the next ones"
            )
    return notes


def _write(folder: Path, frames: Mapping[str, pl.DataFrame]) -> None:
    try:
        with staged(folder, list(frames), overwrite=True) as new:
            for name, frame in frames.items():
                content = BytesIO()  # Polars cannot say why it could not write to a file
                frame.write_parquet(content)
                with output_errors(folder / name):
                    (new / name).write_bytes(content.getbuffer())
    except InputError as error:
        raise InputError(
            f"{error.message}. The other rows are loaded, and those in quarantine are recorded: "
            "when that is mended, load again to get the files",
            path=error.path,
        ) from error


def quarantine_frame(
    source: TableSource, root: Path, columns: Sequence[Column], quarantine: Quarantine
) -> pl.DataFrame:
    """Return the rows of one source that are in quarantine, one row each.

    Parameters
    ----------
    source : TableSource
    root, columns
        As for `refused_rows`.
    quarantine : Quarantine

    Returns
    -------
    polars.DataFrame
        Columns table, file, hdu, row, column, value, reason; and in upper case the columns of the
        files that the table is made of, as they are there. A value that cannot be read is null (and
        stands in the column value), and so is what the file does not have.
    """
    empty = pl.DataFrame(schema={**_PLACE, **_REFUSAL})
    frames = [
        _rows_of_file(source, root / file, hdu, columns, refusals).select(
            pl.lit(source.table).alias("table"),
            pl.lit(file).alias("file"),
            pl.lit(hdu).alias("hdu"),
            pl.all(),
        )
        for (file, hdu), refusals in quarantine.items()
    ]
    return pl.concat([empty, *frames], how="diagonal_relaxed")


def _rows_of_file(
    source: TableSource,
    path: Path,
    hdu: str,
    columns: Sequence[Column],
    refusals: Sequence[Refusal],
) -> pl.DataFrame:
    why = pl.DataFrame(
        [[getattr(r, name) for name in _REFUSAL] for r in refusals], _REFUSAL, orient="row"
    )
    places = [(path, (hdu,) if hdu else ()), *source.places(path)[1:]]
    how = source.match, source.views
    with open_joined(places, *how, by_number=source.by_number) as table:
        names = Transform(source, table, columns).inputs
        found = _as_in_file(table, names, why["row"].to_numpy())
    # Vectors may have another length in another file.
    found = found.with_columns(
        pl.col(name).cast(pl.List(dtype.inner))
        for name, dtype in found.schema.items()
        if isinstance(dtype, pl.Array)
    )
    return why.join(found, on="row", how="left", maintain_order="left")


def _as_in_file(table: InputTable, names: Sequence[str], rows: np.ndarray) -> pl.DataFrame:
    """Read columns of some rows, without those values that cannot be read."""
    numbered = pl.DataFrame({"row": rows})
    if not len(rows) or not names:
        return numbered
    try:
        frames = list(table.frames(names, rows=rows))
    except BadRowsError as bad:
        good = np.setdiff1d(rows, bad.rows, assume_unique=True)
        others = [name for name in names if name != bad.column]
        if len(good) == len(rows) or len(others) == len(names):
            return numbered  # Nothing would be left out the next time.
        return pl.concat(
            [
                _as_in_file(table, names, good),
                _as_in_file(table, others, np.intersect1d(rows, bad.rows)),
            ],
            how="diagonal",
        ).select("row", *(names if len(good) else others))
    return pl.concat([numbered, pl.concat(frames)], how="horizontal")
