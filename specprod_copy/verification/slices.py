"""Slices of what the files give a table: rows of a file, or those of a tile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import polars as pl
import psycopg
from psycopg import sql

from specprod_copy.postgres.names import parametrized
from specprod_copy.rows.read import table_rows
from specprod_copy.rows.transform import Transformed
from specprod_copy.rows.units import Findings, Unit, entry_name, ledger_name
from specprod_copy.tables import Inputs
from specprod_copy.tiles.read import TileFiles
from specprod_copy.tiles.summaries import Summaries, Tile
from specprod_copy.tiles.tile_rows import SourceRows
from specprod_copy.verification.job import FILE, ROW, TableJob


class Rows(NamedTuple):
    """Rows as the table should have them, and where they come from."""

    rows: Transformed
    files: pl.Series
    """Name of the file of each row, as people read it."""
    numbers: pl.Series
    """Number of each row in that file; Int64."""

    def located(self) -> pl.DataFrame:
        """Return them with `FILE` and `ROW`."""
        return self.rows.frame.with_columns(self.files.alias(FILE), self.numbers.alias(ROW))


class Inside(Protocol):
    """What slices are read with; see `work.Reader`."""

    inputs: Inputs

    @property
    def connection(self) -> psycopg.Connection:
        """With the view of the database that is verified."""

    @property
    def summaries(self) -> Summaries:
        """The tiles file and the exposures file."""


class Slice(Protocol):
    """A slice of what the files give a table."""

    @property
    def table(self) -> str:
        """The table."""

    @property
    def place(self) -> tuple[str, str]:
        """Name of the entry of the ledger: file and HDU, or tile and nothing."""

    @property
    def tileid(self) -> int | None:
        """The tile that all rows are of, if they were loaded like that."""

    @property
    def n_rows(self) -> int:
        """About how many rows it has."""

    @property
    def row_bytes(self) -> int:
        """About how many bytes each of them has."""

    def read(self, job: TableJob, inside: Inside, found: Findings) -> Iterator[Rows]:
        """Yield its rows.

        Raises
        ------
        InputError
            If a file cannot be read, or holds what the table does not accept.
        """


@dataclass(frozen=True)
class UnitSlice:
    """A range of rows of a file; see `Slice`."""

    unit: Unit
    tileid: None = None

    @property
    def table(self) -> str:
        """The table."""
        return self.unit.table

    @property
    def place(self) -> tuple[str, str]:
        """File and HDU."""
        return self.unit.place

    @property
    def n_rows(self) -> int:
        """How many rows it has."""
        return self.unit.n_rows

    @property
    def row_bytes(self) -> int:
        """How many bytes each of them has."""
        return self.unit.row_bytes

    def read(self, job: TableJob, inside: Inside, found: Findings) -> Iterator[Rows]:
        """Yield its rows; see `Slice.read`."""
        name = entry_name(*self.unit.place)
        for rows in table_rows(self.unit, job.sources, (*job.columns, *job.also), found):
            files = pl.repeat(name, rows.frame.height, eager=True)
            yield Rows(_compared(job, rows), files, pl.Series(rows.row_numbers, dtype=pl.Int64))


@dataclass(frozen=True)
class TileSlice:
    """The rows of a tile in one table; see `Slice`."""

    table: str
    tile: Tile
    n_rows: int
    row_bytes: int

    @property
    def tileid(self) -> int:
        """The tile."""
        return self.tile.tileid

    @property
    def place(self) -> tuple[str, str]:
        """Its entry in the ledger."""
        return f"tile {self.tileid}", ""

    def read(self, job: TableJob, inside: Inside, found: Findings) -> Iterator[Rows]:
        """Yield its rows; see `Slice.read`."""
        files = inside.inputs.files
        tile = TileFiles(files, inside.summaries, self.tile)
        if self.table == "photometry":
            origins = own_photometry(tile, inside.connection, job.schema)
        else:
            origins = tile.rows(self.table)
        for origin in origins:
            for rows in origin.transformed((*job.columns, *job.also)):
                paths, which, numbers = origin.places(rows.row_numbers)
                names = [entry_name(ledger_name(path, files.root), origin.hdu) for path in paths]
                named = pl.Series([f"tile {self.tileid}: {name}" for name in names])
                found_in = named.gather(which)
                yield Rows(_compared(job, rows), found_in, pl.Series(numbers, dtype=pl.Int64))


def _compared(job: TableJob, rows: Transformed) -> Transformed:
    return rows._replace(frame=rows.frame.select(job.names)) if job.also else rows


def own_photometry(
    tile: TileFiles, connection: psycopg.Connection, schema: str
) -> Sequence[SourceRows]:
    """Return the photometry that a tile decides on: of the targets that no tile before it has.

    Parameters
    ----------
    tile : TileFiles
    connection : psycopg.Connection
    schema : str
        Its table ``target`` tells which tile has which targets.

    Raises
    ------
    InputError
        If a file of the tile is missing or damaged.
    """
    query = sql.SQL("SELECT DISTINCT targetid FROM {} WHERE targetid = ANY(%s) AND tileid < %s")
    values = (tile.targets.to_list(), tile.tile.tileid)
    named = query.format(parametrized(schema, "target"))
    others = [targetid for (targetid,) in connection.execute(named, values)]
    decided = pl.Series(others, dtype=pl.Int64)
    return tile.photometry_of(tile.targets.filter(~tile.targets.is_in(decided.implode())))
