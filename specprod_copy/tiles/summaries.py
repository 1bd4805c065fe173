"""The summary files of a production: which tiles there are, and which of them are to be loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from specprod_copy.desi.production import FIRST_LOADABLE_NIGHT
from specprod_copy.errors import InputError
from specprod_copy.postgres.columns import Column
from specprod_copy.reader.files import value_errors
from specprod_copy.reader.memory_table import MemoryTable
from specprod_copy.rows.transform import Transform
from specprod_copy.rows.units import entry_name, ledger_name
from specprod_copy.tables import Inputs, exposure, frame, tile
from specprod_copy.tiles.tile_rows import SourceRows, columns_of, read_into_memory

_NUMBERS: Final = ("TILEID", "EXPID", "LASTNIGHT", "EFFTIME_SPEC")
"""Columns that are reckoned with."""

_EFFTIME: Final = pl.col("EFFTIME_SPEC").cast(pl.Float64)
_POSITIVE: Final = (_EFFTIME > 0) & _EFFTIME.is_not_nan()


def _text(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.String).fill_null("missing")


# Why a tile is not loaded: the first rule that holds, and what is said of it.
_REASONS: Final = (
    (
        (pl.col("LASTNIGHT") >= FIRST_LOADABLE_NIGHT).not_(),
        pl.format(f"LASTNIGHT {{}} is before {FIRST_LOADABLE_NIGHT}", _text("LASTNIGHT")),
    ),
    (_POSITIVE.not_(), pl.format("EFFTIME_SPEC is {}", _text("EFFTIME_SPEC"))),
    (pl.col("EXPOSED").not_(), pl.lit("no exposure has EFFTIME_SPEC > 0")),
)


@dataclass(frozen=True)
class Tile:
    """A tile of the tiles file.

    Parameters
    ----------
    tileid, lastnight : int
    survey, program : str
    updated : str
        When the row was changed last; empty where the file does not say.
    why_not : str or None
        Why the tile is not to be loaded; None if it is.
    """

    tileid: int
    lastnight: int
    survey: str
    program: str
    updated: str
    why_not: str | None


@dataclass(frozen=True)
class Summaries:
    """The tiles file and the exposures file, in memory.

    Parameters
    ----------
    tile, exposure, frame : MemoryTable
        The table's HDU.
    """

    tile: MemoryTable
    exposure: MemoryTable
    frame: MemoryTable

    @classmethod
    def read(cls, inputs: Inputs) -> Summaries:
        """Read the files.

        Raises
        ------
        InputError
            If one is missing or damaged, or has text where numbers are to be.
        """
        tiles, exposures = inputs.tiles(), inputs.exposures()
        return cls(
            read_into_memory(tiles, tile.SOURCE.hdus, numbers=_NUMBERS),
            read_into_memory(exposures, exposure.SOURCE.hdus, numbers=_NUMBERS),
            read_into_memory(exposures, frame.SOURCE.hdus, numbers=("EXPID",)),
        )

    def notes(self, inputs: Inputs, columns: Mapping[str, Sequence[Column]]) -> list[str]:
        """Return what is odd about the files, though it is no error, and what lies beside them.

        Parameters
        ----------
        inputs : Inputs
        columns : mapping of str to sequence of Column
            Columns of each table.
        """
        files = inputs.files
        given = {inputs.tiles_file, inputs.exposures_file}
        paths = [path for path in (self.tile.path, self.exposure.path) if path not in given]
        if files.production.photometry != "computed":
            paths += [*files.tractorphot(), *files.targetphot()]
        notes = files.left_out(paths)
        of_source = {
            tile.SOURCE: self.tile,
            exposure.SOURCE: self.exposure,
            frame.SOURCE: self.frame,
        }
        for source, table in of_source.items():
            name = entry_name(ledger_name(table.path, files.root), table.hdu)
            said = source.notes(table), Transform(source, table, columns[source.table]).notes
            notes += [f"{name}: {note}" for several in said for note in several]
        return notes

    def refuse_unknown(self, tileids: Sequence[int], path: Path) -> None:
        """Refuse tiles that the tiles file does not have.

        Raises
        ------
        InputError
        """
        unknown = [tileid for tileid in tileids if tileid not in self.tiles]
        if unknown:
            raise InputError(f"tile {', '.join(map(str, unknown))} is not in the file", path=path)

    @cached_property
    def tiles(self) -> dict[int, Tile]:
        """The tiles by number, ascending.

        Raises
        ------
        InputError
            If a tile is there twice.
        """
        with value_errors(self.tile.path, self.tile.hdu):
            return self._read_tiles()

    def _read_tiles(self) -> dict[int, Tile]:
        tiles = columns_of(self.tile, "TILEID", "LASTNIGHT", "SURVEY", "PROGRAM", "EFFTIME_SPEC")
        twice = tiles.filter(tiles["TILEID"].is_duplicated())["TILEID"]
        if len(twice):
            raise InputError(
                f"tile {twice[0]} is there more than once",
                path=self.tile.path,
                hdu=self.tile.hdu,
                column="TILEID",
            )
        updated = pl.lit("")
        if "UPDATED" in self.tile.schema:
            tiles = tiles.with_columns(columns_of(self.tile, "UPDATED"))
            updated = pl.col("UPDATED").cast(pl.String).fill_null("")
        exposed = self._exposed["TILEID"]
        why_not = pl.lit(None, dtype=pl.String)
        for rule, text in reversed(_REASONS):
            why_not = (
                pl.when(rule.fill_null(True)).then(text.fill_null("missing")).otherwise(why_not)
            )
        found = tiles.with_columns(
            pl.col("TILEID").is_in(exposed.implode()).alias("EXPOSED")
        ).select(
            "TILEID",
            pl.col("LASTNIGHT").fill_null(0),
            pl.col("SURVEY", "PROGRAM").cast(pl.String).fill_null(""),
            updated.alias("UPDATED"),
            why_not.alias("WHY_NOT"),
        )
        return {row[0]: Tile(*row) for row in found.sort("TILEID").iter_rows()}

    def rows(self, tileids: Sequence[int]) -> list[SourceRows]:
        """Return the rows of some tiles for the tables tile, exposure and frame.

        Exposures count if their EFFTIME_SPEC is positive, and with them all of their frames.
        """
        expids = self._exposed.filter(pl.col("TILEID").is_in(list(tileids)))
        return [
            SourceRows(tile.SOURCE, self.tile, _where(self._tileids, tileids)),
            SourceRows(exposure.SOURCE, self.exposure, expids["ROW"].to_numpy()),
            SourceRows(frame.SOURCE, self.frame, _where(self._frames, expids["EXPID"].to_list())),
        ]

    @cached_property
    def _tileids(self) -> pl.Series:
        return columns_of(self.tile, "TILEID")["TILEID"]

    @cached_property
    def _frames(self) -> pl.Series:
        return columns_of(self.frame, "EXPID")["EXPID"]

    @cached_property
    def _exposed(self) -> pl.DataFrame:
        """Row, EXPID and TILEID of the exposures that count."""
        exposures = columns_of(self.exposure, "EXPID", "TILEID", "EFFTIME_SPEC")
        return exposures.with_row_index("ROW").filter(_POSITIVE).cast({"ROW": pl.Int64})


def _where(values: pl.Series, wanted: Sequence[int]) -> np.ndarray:
    """Return the numbers of the rows that have one of some values."""
    return values.is_in(pl.Series(wanted, dtype=values.dtype).implode()).arg_true().to_numpy()
