"""Value-added catalogues of a demo production: names, types and orders are those of real files.

Their rows are about spectra of the production's redshift catalogs, their values are made up.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from specprod_copy.demo.fitsfile import Hdu, Written, write_file
from specprod_copy.demo.layouts import Array, Layout, LayoutColumn
from specprod_copy.demo.paths import Paths
from specprod_copy.desi import ids
from specprod_copy.desi.production import Production
from specprod_copy.reader import read_table

MOST_ROWS: Final = 400
"""Of a file: 889 columns are wide."""

VERSIONS: Final = {"mws": "v1.0", "lss": "v1.5", "qso": "v2"}
"""Those that the shipped descriptions begin with."""

_THREE: Final = ("METADATA", "SPECPHOT", "FASTSPEC")
_FOUR: Final = ("METADATA", "SPECPHOT", "FASTSPEC strong", "MORELINES")
_FITTED: Final = (
    ("fastspecfit", "v1.0", "fastspec", ("FASTSPEC 1", "METADATA 1"), False),
    ("fastspecfit", "v2.1", "fastspec", ("FASTSPEC 2", "METADATA 2"), False),
    ("fastspecfit", "v3.0", "fastspec", _THREE, True),
    ("fastspecfit", "v3.6", "fastspec", _FOUR, False),
    ("fastphot", "v1.0", "fastphot", ("METADATA", "SPECPHOT"), True),
)
"""Catalogues of FastSpecFit: their folders, files and HDUs, the layouts of these, and whether there
is a file for each survey, or for main alone."""

_ALL_SURVEYS: Final = ("TARGETID", "SURVEY", "PROGRAM", "HEALPIX", "Z", "ZWARN", "SPECTYPE")
_OF_TILES: Final = (
    "TARGETID",
    "SURVEY",
    "PROGRAM",
    "TILEID",
    "LASTNIGHT",
    "Z",
    "ZWARN",
    "SPECTYPE",
)
_PLACE: Final = ("TARGET_RA", "TARGET_DEC")

_UNOBSERVED: Final = 3
"""Targets of a full catalogue of large-scale structure that no other file knows."""


def write_catalogues(root: Path, production: Production, seed: int = 0) -> list[Written]:
    """Write FastSpecFit, fastphot, MWS, LSS and quasar catalogues beside a demo production.

    Parameters
    ----------
    root : pathlib.Path
        Where the production was written, with redshift catalogs of everything, of the first format.
    production : Production
    seed : int
        Other values.

    Returns
    -------
    list of Written
        Each HDU.

    Raises
    ------
    InputError
        If there are no such redshift catalogs.
    """
    return _Catalogues(Paths(production, root), np.random.default_rng([seed, 20251129])).write()


class _Catalogues:
    def __init__(self, paths: Paths, rng: np.random.Generator) -> None:
        self._paths, self._rng = paths, rng
        self._written: list[Written] = []
        text = files(__package__).joinpath("catalogues.toml").read_text("utf-8")
        self._layouts = tomllib.loads(text)

    def write(self) -> list[Written]:
        spectra = self._spectra("pix", _ALL_SURVEYS)
        for (survey, program), rows in spectra.group_by(["SURVEY", "PROGRAM"], maintain_order=True):
            name = f"{self._paths.production.name}-{survey}-{program}.fits"
            for catalogue, version, kind, hdus, every in _FITTED:
                if every or survey == "main":
                    folder = self._folder(catalogue, version) / "catalogs"
                    self._write(folder / f"{kind}-{name}", rows, hdus)
        stars = spectra.filter(pl.col("SPECTYPE") == "STAR")
        name = f"mwsall-pix-{self._paths.production.name}.fits"
        self._write(
            self._folder("mws", VERSIONS["mws"]) / name,
            stars,
            ("RVTAB", "SPTAB", "FIBERMAP", "SCORES", "GAIA"),
        )
        once = spectra.unique("TARGETID", keep="first", maintain_order=True)
        for tracer, kind in (("LRG", "GALAXY"), ("QSO", "QSO"), ("BGS_BRIGHT-21.5", "GALAXY")):
            rows = once.filter(pl.col("SPECTYPE") == kind)
            half = rows.height // 2
            for cap, part in (("NGC", rows[:half]), ("SGC", rows[half:])):
                self._write(
                    self._lss / f"{tracer}_{cap}_clustering.dat.fits", part, ("LSS clustering",)
                )
            never = rows[:_UNOBSERVED].with_columns(TARGETID=-1 - pl.int_range(pl.len()))
            self._write(
                self._lss / f"{tracer}_full.dat.fits", pl.concat([rows, never]), ("LSS full",)
            )
        quasars = self._spectra("tilecumulative", _OF_TILES).filter(pl.col("SPECTYPE") == "QSO")
        name = f"QSO_cat_{self._paths.production.name}_cumulative_{VERSIONS['qso']}.fits"
        self._write(self._survey("QSO") / name, quasars, ("QSO_CAT",))
        return self._written

    def _spectra(self, kind: str, columns: Sequence[str]) -> pl.DataFrame:
        """Return spectra of science targets, with their positions, from a redshift catalog."""
        wanted = [*columns, *_PLACE]
        found = read_table(self._paths.zall(kind), ("ZCATALOG",), wanted)
        return found.filter(ids.no_sky(pl.col("TARGETID")))

    def _folder(self, catalogue: str, version: str) -> Path:
        production = self._paths.production
        release = self._paths.root / "vac" / production.release
        return release / catalogue / production.name / version

    def _survey(self, catalogue: str) -> Path:
        production = self._paths.production
        catalogs = self._paths.root / "survey" / "catalogs" / production.release
        return catalogs / catalogue / production.name

    @property
    def _lss(self) -> Path:
        return self._survey("LSS") / "LSScats" / VERSIONS["lss"]

    def _write(self, path: Path, rows: pl.DataFrame, hdus: Sequence[str]) -> None:
        rows = rows.head(MOST_ROWS)
        path.parent.mkdir(parents=True, exist_ok=True)
        made = [self._hdu(name, rows) for name in hdus]
        with path.open("wb") as file:
            self._written += write_file(path, file, made, {})

    def _hdu(self, name: str, rows: pl.DataFrame) -> Hdu:
        found = self._columns(name)
        signed = [n for n, column in enumerate(found, start=1) if column.tform == "B-"]
        columns = tuple(LayoutColumn(c.name, c.tform.rstrip("-"), c.unit) for c in found)
        layout = Layout(name.partition(" ")[0], columns)
        known = self._known(rows)
        values = {c.name: self._values(c, known, rows.height) for c in columns}
        if "NII_6584_FLUX" in values:
            # Lines beyond the spectrum: nothing was measured.
            values["NII_6584_FLUX"][::7] = np.nan
        keywords = {f"TZERO{number}": -128 for number in signed}
        return Hdu(layout, layout.pack(values, rows.height), keywords)

    def _columns(self, name: str) -> list[LayoutColumn]:
        """Return the columns of an HDU; those of signed bytes are ``B-``."""
        [text] = [hdus[name] for hdus in self._layouts.values() if name in hdus]
        like, _, without = text.partition(" without ")
        if without:
            return [c for c in self._columns(like) if c.name not in without.split()]
        found = []
        for pattern, tform, unit in (
            (*line.split(None, 2), "")[:3] for line in text.strip().splitlines()
        ):
            word, _, rest = pattern.partition("_")
            names = [f"{line}_{rest}" for line in self._layouts["lines"].get(word, "").split()]
            found += [LayoutColumn(n, tform, unit) for n in names or [pattern]]
        return found

    def _known(self, rows: pl.DataFrame) -> Mapping[str, Array]:
        known = {name: rows[name].to_numpy() for name in rows.columns}
        known |= {
            name: np.char.encode(v.astype(str)) for name, v in known.items() if v.dtype == object
        }
        place = {"RA": known["TARGET_RA"], "DEC": known["TARGET_DEC"]}
        same = {"RR_Z": known["Z"], "Z_RR": known["Z"], "RR_SPECTYPE": known["SPECTYPE"]}
        return {**place, **same, **known}

    def _values(self, column: LayoutColumn, known: Mapping[str, Array], n: int) -> Any:
        """Return the values of a column: those that the spectrum has, or made up ones."""
        rng, letter = self._rng, column.tform[-1]
        if column.name in known and letter != "B":
            return known[column.name]
        shape = (n,) if letter == "A" or column.repeat == 1 else (n, column.repeat)
        if letter == "A":
            words = rng.choice([b"", b"a", b"ab c"], n)
            return np.char.ljust(words, 1).astype(f"S{column.repeat}")
        if letter == "L":
            return rng.random(shape) < 0.5
        if letter in "ED":
            return rng.normal(size=shape)
        return rng.integers(0, 100, shape)
