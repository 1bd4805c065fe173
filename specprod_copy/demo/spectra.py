"""What the spectroscopic pipeline finds: signal to noise, redshifts, and the best spectra."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from specprod_copy.demo.coadds import Fibers, coadd, expose
from specprod_copy.demo.fiberassign import focal_plane
from specprod_copy.demo.fibers import petal_of
from specprod_copy.demo.job import Batch
from specprod_copy.demo.kinds import load_kinds
from specprod_copy.demo.layouts import SV_SURVEYS, Array
from specprod_copy.demo.summaries import ARMS, TSNR2

NODATA, SMALL_DELTA_CHI2 = 1 << 9, 1 << 2
STAR_SUBTYPES = np.array([b"A", b"B", b"CV", b"F", b"G", b"K", b"M", b"WD"])
TEMPLATES = 10


class SpectraGroup(NamedTuple):
    """Tiles of a field whose spectra of an object are added up."""

    survey: str
    program: str
    tiles: tuple[int, ...]


class Spectra(NamedTuple):
    """The spectra of a group: which objects of the batch have one, and its columns."""

    group: SpectraGroup
    rows: Array
    columns: dict[str, Any]


@dataclass(frozen=True)
class Observation:
    """The objects of a batch that were observed."""

    batch: Batch
    """The batch, with the T tiles of its field."""
    rows: Array
    """Which of its objects were observed, shape (m,)."""
    seen: Array
    """On which tiles, shape (m, T)."""
    fibers: Fibers
    truth: Array
    """Their redshifts, shape (m,)."""
    tsnr2: dict[str, Array]
    """Squared signal to noise in each arm and tile, shape (m, T)."""


def observe(batch: Batch) -> Observation:
    """Observe all objects that have a fibre in a petal that works."""
    tiles, objects, rng = batch.objects.tiles, batch.objects, batch.rng
    seen = np.stack(
        [np.isin(petal_of(batch.fiber[:, t]), tile.petals) for t, tile in enumerate(tiles)], axis=1
    )
    rows = np.flatnonzero(seen.any(axis=1))
    seen = seen[rows]
    every = np.ones(len(rows), int)
    plane = [focal_plane(batch, t * every, rows) for t in range(len(tiles))]
    x, y = np.stack(plane, axis=2)
    efftime = seen * np.array([tile.efftime for tile in tiles])
    return Observation(
        batch=batch,
        rows=rows,
        seen=seen,
        fibers=expose(tiles, (objects.ra[rows], objects.dec[rows]), (x, y), seen, rng),
        truth=true_redshifts(objects.kind[rows], rng),
        tsnr2=signal(efftime, rng),
    )


def add_up(observation: Observation, groups: Sequence[SpectraGroup]) -> list[Spectra]:
    """Add up the spectra of each group of tiles (at most eight), and fit them."""
    batch, found = observation.batch, []
    for label, group in enumerate(groups):
        tiles = list(group.tiles)
        own = np.flatnonzero(observation.seen[:, tiles].any(axis=1))
        columns = coadd(observation.fibers, own, tiles)
        signals = {
            name: values[own][:, tiles].sum(axis=1) for name, values in observation.tsnr2.items()
        }
        add_sums(signals, label)
        rows = observation.rows[own]
        fit = redshifts(
            batch.objects.kind[rows], observation.truth[own], columns["COADD_NUMEXP"], batch.rng
        )
        found.append(Spectra(group, rows, columns | signals | fit))
    return found


def primary_flags(
    spectra: Sequence[Spectra], n: int, zwarn: str = "ZWARN", rank: str = "TSNR2_LRG"
) -> list[dict[str, Array]]:
    """Count the spectra of each object and choose its primary one.

    A spectrum without warning is preferred, then the one with the largest value of `rank`.
    """
    shape = n, len(spectra)
    valid, clean, best = np.zeros(shape, bool), np.zeros(shape, bool), np.zeros(shape)
    for number, one in enumerate(spectra):
        valid[one.rows, number] = True
        clean[one.rows, number] = one.columns[zwarn] == 0
        best[one.rows, number] = one.columns[rank]
    surveys = [one.group.survey for one in spectra]
    scopes = {
        "ZCAT": np.ones(len(surveys), bool),
        "SV": np.isin(surveys, SV_SURVEYS),
        "MAIN": np.isin(surveys, "main"),
    }
    found: list[dict[str, Array]] = [{} for _ in spectra]
    for scope, inside in scopes.items():
        counted = valid & inside
        good = counted & clean
        eligible = np.where(good.any(axis=1, keepdims=True), good, counted)
        first = np.where(eligible, best, -1.0).argmax(axis=1)
        nspec = counted.sum(axis=1)
        for number, one in enumerate(spectra):
            found[number][f"{scope}_NSPEC"] = nspec[one.rows] * inside[number]
            primary = counted[one.rows, number] & (first[one.rows] == number)
            found[number][f"{scope}_PRIMARY"] = primary
    return found


def signal(efftime: Array, rng: np.random.Generator) -> dict[str, Array]:
    """Return the squared signal to noise in the three arms, from effective exposure times (s).

    Columns like TSNR2_LRG_B, float32, of the shape of `efftime`.
    """
    throughput = efftime / 1000 * np.exp(0.15 * rng.standard_normal(efftime.shape))
    return {
        f"TSNR2_{kind}_{arm.upper()}": (value * throughput).astype(np.float32)
        for kind, values in TSNR2.items()
        for arm, value in zip(ARMS, values, strict=True)
    }


def add_sums(columns: dict[str, Array], label: int) -> None:
    """Add the sums over the arms, like TSNR2_LRG, to columns of `signal`.

    The last three bits of TSNR2_LRG become the label (0 to 7): values with different labels are
    never equal, so that it is always clear which spectrum of an object is the best.
    """
    for kind in TSNR2:
        b, r, z = (columns[f"TSNR2_{kind}_{arm.upper()}"] for arm in ARMS)
        columns[f"TSNR2_{kind}"] = b + r + z
    bits = columns["TSNR2_LRG"].view(np.int32)
    columns["TSNR2_LRG"] = (bits & ~7 | label).view(np.float32)


def redshifts(
    kind: Array, truth: Array, exposures: Array, rng: np.random.Generator
) -> dict[str, Array]:
    """Return what the redshift fit says about n spectra; arrays have shape (n,)."""
    n = len(kind)
    spectype = load_kinds().spectype[kind]
    star = spectype == b"STAR"
    error = 2e-5 * (1 + truth) * np.exp(0.5 * rng.standard_normal(n))
    failed = rng.random(n) < 0.06
    delta = np.where(failed, rng.uniform(0, 9, n), np.exp(rng.normal(5.5, 1.5, n)) + 9)
    coefficients = np.select([star, spectype == b"QSO"], [5, 4], 10)
    used = np.arange(TEMPLATES) < coefficients[:, None]
    zwarn = np.where(failed, SMALL_DELTA_CHI2, 0) | np.where(exposures == 0, NODATA, 0)
    return {
        "Z": truth + error * rng.standard_normal(n),
        "ZERR": error,
        "ZWARN": zwarn,
        "CHI2": rng.normal(8200, 400, n).clip(5000),
        "COEFF": np.where(used, 100 * rng.standard_normal((n, TEMPLATES)), 0.0),
        "NPIXELS": rng.integers(7700, 7930, n),
        "SPECTYPE": spectype,
        "SUBTYPE": np.where(star, rng.choice(STAR_SUBTYPES, n), b""),
        "NCOEFF": coefficients,
        "DELTACHI2": delta,
    }


def true_redshifts(kind: Array, rng: np.random.Generator) -> Array:
    """Draw the redshift of objects from the range of their class, shape (n,)."""
    low, high = load_kinds().z[kind].T
    star = load_kinds().spectype[kind] == b"STAR"
    n = len(kind)
    return np.where(star, low + high * rng.standard_normal(n), low + (high - low) * rng.random(n))
