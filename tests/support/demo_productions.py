"""Demo productions with their files as the loader finds them, read by fitsio."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

import fitsio
import numpy as np
import polars as pl
import pytest

from specprod_copy.demo import write_production
from specprod_copy.desi.production import ProductionFiles, find_production, load_configuration

SV = ["sv1", "sv2", "sv3"]
CATALOGS = pytest.mark.parametrize(
    "made", [name for name in load_configuration() if name != "daily"], indirect=True
)
#: The productions whose files differ in form; those of jura, kibo and loa are like iron's.
LAYOUTS = pytest.mark.parametrize("made", ["fuji", "guadalupe", "iron", "daily"], indirect=True)
NOT_SKY = (pl.col("TARGETID") > 0) & (pl.col("TARGETID") // 2**59 % 2 == 0)


class Made:
    """A production, with its files as the loader finds them."""

    def __init__(self, root: Path, name: str, **options) -> None:
        write_production(root, name, **{"tiles": 8, "targets": 120, "chunk": 150, **options})
        self.root, self.name, self.daily = root, name, name == "daily"
        self.files = ProductionFiles(find_production(name), root)
        self.redux = root / "spectro" / "redux" / name
        self.tiles = read([self.redux / f"tiles-{name}.fits"], 1)
        self.surveys = set(self.tiles["SURVEY"])

    def one_of_each(self) -> list[Path]:
        """One file of each name, numbers aside."""
        paths = sorted(self.root.rglob("*.fits*"), reverse=True)
        return list({re.sub(r"\d+", "", path.name): path for path in paths}.values())

    def targetphot(self, *columns: str) -> pl.DataFrame:
        return read(self.files.targetphot(), "TARGETPHOT", *columns)

    def tractorphot(self, *columns: str) -> pl.DataFrame:
        return read(self.files.tractorphot(), "TRACTORPHOT", *columns)

    def catalog(self, kind: str, *columns: str) -> pl.DataFrame:
        paths = {"pix": self.files.zall_pix(), "tile": self.files.zall_tilecumulative()}
        return read([paths[kind]], "ZCATALOG", *columns)

    def redrock(self) -> list[Path]:
        return sorted(self.redux.rglob("redrock-*.fits"))

    def fiberassign(self) -> list[Path]:
        found = self.files.fiberassign(self.tiles["TILEID"])
        assert None not in found.values()
        return list(found.values())


@cache
def table(path: Path, hdu: str | int) -> tuple[np.ndarray, int | None]:
    """Read a table, and the tile of a fiberassign file from its header."""
    with fitsio.FITS(str(path)) as file:
        named = path.name.startswith("fiberassign")
        return file[hdu].read(), file[hdu].read_header()["TILEID"] if named else None


def read(paths: list[Path], hdu: str | int, *columns: str) -> pl.DataFrame:
    """Return columns (all by default) of a table that is spread over files."""
    frames = []
    for path in paths:
        data, tileid = table(path, hdu)
        frame = pl.DataFrame({name: native(data[name]) for name in columns or data.dtype.names})
        frames.append(frame if tileid is None else frame.with_columns(TILEID=pl.lit(tileid)))
    return pl.concat(frames)


def native(array: np.ndarray) -> np.ndarray | list[str]:
    return [text.rstrip() for text in array.tolist()] if array.dtype.kind == "U" else array


def tree_hashes(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }
