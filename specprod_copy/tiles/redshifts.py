"""Rows of table ``ztile`` from the redshift files of a tile, one file per petal.

The pipeline calls them ``redrock``; until mid-2021 they were called ``zbest`` and held less, so the
spectra file beside them is needed too. Rules: ``desispec.scripts.zcatalog.read_redrock`` with group
``cumulative``, but for FIRSTNIGHT, which is that of the whole tile here as in the big catalogs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from specprod_copy.desi.production import ProductionFiles
from specprod_copy.desi.programs import catalog_program
from specprod_copy.errors import InputError
from specprod_copy.reader.files import value_errors
from specprod_copy.reader.memory_table import MemoryTable
from specprod_copy.tables import redshift
from specprod_copy.tables.common import SURVEY_AND_PROGRAM, spectra_group
from specprod_copy.tiles.coadd import EXPOSURE_COLUMNS, SPECFLUX, Groups, by_target, coadd
from specprod_copy.tiles.redshift_checks import night_of, refuse_others
from specprod_copy.tiles.summaries import Tile
from specprod_copy.tiles.tile_rows import SourceRows, columns_of, read_into_memory, with_constants

PETALS: Final = frozenset(range(10))
"""Every tile has these, but a petal may have failed."""

_KINDS: Final = ("GPBDARK", "ELG", "GPBBRIGHT", "LYA", "BGS", "GPBBACKUP", "QSO", "LRG")
_ARMS: Final = ("_B", "_R", "_Z")
_TSNR2: Final = tuple(f"TSNR2_{kind}{arm}" for kind in _KINDS for arm in (*_ARMS, ""))
_WHOLE: Final = ("TARGETID", "TILEID", "NIGHT", "FIBERSTATUS")
_POSITION: Final = ("TARGET_RA", "TARGET_DEC")
_REDSHIFTS: Final = (
    *("Z", "ZERR", "ZWARN", "CHI2", "COEFF", "NPIXELS", "SPECTYPE", "SUBTYPE", "NCOEFF"),
    "DELTACHI2",
)


@dataclass(frozen=True)
class Petal:
    """What the files of a petal hold.

    Parameters
    ----------
    redshifts : MemoryTable
        A row per target.
    positions, tsnr2 : polars.DataFrame
        A row per target: TARGET_RA and TARGET_DEC; columns TSNR2_.
    exposures : polars.DataFrame
        A row per target and exposure.
    """

    redshifts: MemoryTable
    positions: pl.DataFrame
    tsnr2: pl.DataFrame
    exposures: pl.DataFrame


def redshift_files(files: ProductionFiles, tile: Tile) -> dict[int, tuple[Path, ...]]:
    """Return the files with a tile's redshifts by petal; for a zbest file its spectra file too.

    Raises
    ------
    InputError
        If a zbest file lacks its spectra file.
    """
    place = tile.tileid, tile.lastnight
    redrock = files.petals(*place)
    found: dict[int, tuple[Path, ...]] = {petal: (path,) for petal, path in redrock.items()}
    zbest = {n: path for n, path in files.petals(*place, "zbest").items() if n not in found}
    spectra = files.petals(*place, "spectra") if zbest else {}
    for petal, path in zbest.items():
        if petal not in spectra:
            raise InputError(
                f"the file spectra-{petal}-{tile.tileid}-thru{tile.lastnight}.fits, which has the "
                "exposures of this one, is not beside it",
                path=path,
            )
        found[petal] = (path, spectra[petal])
    return dict(sorted(found.items()))


def ztile_rows(tile: Tile, petals: Sequence[Sequence[Path]]) -> list[SourceRows]:
    """Return the rows of a tile for table ztile, petal by petal.

    Parameters
    ----------
    tile : Tile
    petals : sequence of sequence of pathlib.Path
        As the values of `redshift_files`.

    Raises
    ------
    InputError
        If a file is damaged, lacks columns, or its tables do not fit together.
    """
    read = []
    for paths in petals:
        with value_errors(paths[-1]):
            petal = _read_redrock(tile, *paths) if len(paths) == 1 else _read_zbest(tile, *paths)
            read.append(petal)
    firstnight = pl.concat([petal.exposures["NIGHT"] for petal in read]).min()

    def each() -> list[SourceRows]:
        return [SourceRows(redshift.ZTILE, _joined([petal], firstnight)) for petal in read]

    # All at once: what there is to do does not depend much on the number of rows.
    try:
        files = [(petal.redshifts.path, petal.redshifts.n_rows) for petal in read]
        return [SourceRows(redshift.ZTILE, _joined(read, firstnight), parts=each, files=files)]
    except InputError:
        # Which file is wrong?
        _refuse_other_types(read)
        each()
        raise


def _refuse_other_types(petals: Sequence[Petal]) -> None:
    """Refuse a redshift file with a column of a type that does not go with that of the first."""
    first = petals[0].redshifts
    for other in (petal.redshifts for petal in petals[1:]):
        for name in first.schema:
            with value_errors(other.path, other.hdu, name):
                _stacked([columns_of(table, name) for table in (first, other)])


def _read_redrock(tile: Tile, path: Path) -> Petal:
    wanted = (*EXPOSURE_COLUMNS, SPECFLUX)
    exposures = read_into_memory(path, ("EXP_FIBERMAP",), wanted, whole=_WHOLE, numbers=wanted)
    names = ("TARGETID", *_POSITION)
    fibermap = read_into_memory(path, ("FIBERMAP",), names, whole=_WHOLE, numbers=names)
    redshifts = read_into_memory(path, ("REDSHIFTS",), whole=_WHOLE)
    tsnr2 = read_into_memory(path, ("TSNR2",), whole=_WHOLE, numbers=_TSNR2)
    refuse_others(tile, redshifts, fibermap, exposures)
    return Petal(
        _with_constants(tile, redshifts),
        columns_of(fibermap, *names),
        _tsnr2(_all_of(tsnr2, "TARGETID")),
        _with_specflux(_all_of(exposures, *EXPOSURE_COLUMNS)),
    )


def _read_zbest(tile: Tile, path: Path, spectra: Path) -> Petal:
    wanted = (*EXPOSURE_COLUMNS, SPECFLUX, *_POSITION)
    fibermap = read_into_memory(spectra, ("FIBERMAP",), wanted, whole=_WHOLE, numbers=wanted)
    exposures = _all_of(fibermap, *EXPOSURE_COLUMNS, *_POSITION)
    scores = _all_of(read_into_memory(spectra, ("SCORES",), whole=_WHOLE, numbers=_TSNR2))
    if "TARGETID" not in scores.columns:
        if scores.height != exposures.height:
            raise InputError(
                f"has {scores.height} rows, FIBERMAP {exposures.height}", path=spectra, hdu="SCORES"
            )
        scores = scores.with_columns(exposures["TARGETID"])
    redshifts = read_into_memory(path, ("ZBEST",), whole=_WHOLE)
    refuse_others(tile, redshifts, fibermap, fibermap)
    return Petal(
        _with_constants(tile, redshifts),
        exposures.select("TARGETID", *_POSITION),
        _tsnr2(_added_up(scores)),
        _with_specflux(exposures.drop(_POSITION)),
    )


def _all_of(table: MemoryTable, *required: str) -> pl.DataFrame:
    """Return all columns of a table; raise InputError if it lacks some that are required."""
    others = (name for name in table.schema if name not in required)
    return columns_of(table, *required, *others)


def _with_constants(tile: Tile, table: MemoryTable) -> MemoryTable:
    """Add what is the same in all rows: from the header or, failing that, the file's name."""
    group = spectra_group(table, "cumulative")
    lastnight = table.header.get("NIGHT", night_of(table.path))
    constants = {
        **group,
        "LASTNIGHT": lastnight,
        "SPGRPVAL": table.header.get("SPGRPVAL", lastnight),
        "TILEID": tile.tileid,
        "SURVEY": tile.survey,
        "PROGRAM": catalog_program(tile.program),
    }
    frame = columns_of(table, "TARGETID", *_REDSHIFTS)
    # Compared already: the program of the catalogs need not be that of the header.
    header = {name: value for name, value in table.header.items() if name not in SURVEY_AND_PROGRAM}
    needed = MemoryTable(table.path, frame.get_columns(), header, table.hdu)
    return with_constants(needed, constants)


def _with_specflux(exposures: pl.DataFrame) -> pl.DataFrame:
    columns = [pl.col(name) for name in EXPOSURE_COLUMNS]
    found = pl.col(SPECFLUX) if SPECFLUX in exposures.columns else pl.lit(0.0).alias(SPECFLUX)
    return exposures.select(*columns, found)


def _tsnr2(found: pl.DataFrame) -> pl.DataFrame:
    """Return all columns TSNR2_, 0 where there is none."""
    zero = pl.lit(0.0, pl.Float32)
    return found.select(
        "TARGETID",
        *(pl.col(n) if n in found.columns else zero.alias(n) for n in _TSNR2),
    )


def _added_up(scores: pl.DataFrame) -> pl.DataFrame:
    """Return the sums over a target's exposures, by arm and over the arms; all are counted."""
    rows = by_target(scores)
    groups = Groups(rows)
    names = [f"TSNR2_{kind}{arm}" for kind in _KINDS for arm in _ARMS]
    sums = [
        pl.Series(name, groups.sum(rows[name].to_numpy())).cast(pl.Float32)
        for name in names
        if name in rows.columns
    ]
    targets = rows.select(pl.col("TARGETID").unique(maintain_order=True)).with_columns(sums)
    for kind in _KINDS:
        arms = [pl.col(f"TSNR2_{kind}{a}") for a in _ARMS if f"TSNR2_{kind}{a}" in targets.columns]
        if arms:
            targets = targets.with_columns(sum(arms[1:], start=arms[0]).alias(f"TSNR2_{kind}"))
    return targets


def _joined(petals: Sequence[Petal], firstnight: object) -> MemoryTable:
    """Return one table of some petals with a row per target, in the order of the redshifts."""
    first = petals[0].redshifts
    with value_errors(first.path, first.hdu):
        return _joined_to(first, petals, firstnight)


def _joined_to(first: MemoryTable, petals: Sequence[Petal], firstnight: object) -> MemoryTable:
    frames = [columns_of(p.redshifts, *first.schema) for p in petals]
    frame = _stacked(frames).with_columns(pl.lit(firstnight).alias("FIRSTNIGHT"))
    parts = {
        "position": _stacked([petal.positions for petal in petals]),
        "TSNR2": _stacked([petal.tsnr2 for petal in petals]),
        "exposure": coadd(_stacked([petal.exposures for petal in petals])),
    }
    for what, part in parts.items():
        single = part.unique("TARGETID", keep="first").with_columns(pl.lit(True).alias("FOUND"))
        frame = frame.join(single, on="TARGETID", how="left", maintain_order="left")
        lost = frame.filter(pl.col("FOUND").is_null())["TARGETID"]
        if len(lost):
            raise InputError(
                f"{len(lost)} targets have no {what}, e.g. {lost[0]}",
                path=first.path,
                hdu=first.hdu,
                column="TARGETID",
            )
        frame = frame.drop("FOUND")
    return MemoryTable(first.path, frame.get_columns(), first.header, first.hdu)


def _stacked(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return the rows of frames, whose types may differ: files of a tile may be of two releases."""
    return pl.concat(frames, how="vertical_relaxed")
