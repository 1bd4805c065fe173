"""Exposures of fibres, and their sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from specprod_copy.demo.layouts import Array
from specprod_copy.demo.plan import PlannedTile

#: Bits of FIBERSTATUS that make an exposure useless in the arms b, r and z: BROKENFIBER,
#: MISSINGPOSITION, BADPOSITION, BRIGHTNEIGHBOR, BADFIBER, BADTRACE, BADFLAT, BADARC, MANYREJECTED,
#: and bad amplifiers of the arm. The masks of desispec 0.71.
USELESS = (0x6F0B04, 0xAF0B04, 0x12F0B04)
#: Values of FIBERSTATUS and how often they occur: good, two harmless bits (POORPOSITION,
#: RESTRICTED), a bad position, one bad amplifier, all amplifiers bad.
STATUSES = np.array([0, 1 << 10, 1 << 3, 1 << 9, 1 << 22, 7 << 22], np.int32)
STATUS_CHANCES = (0.93, 0.02, 0.02, 0.01, 0.01, 0.01)
#: Focal-plane scale in micrometres per arcsecond.
MICRONS_PER_ARCSEC = 70.0


@dataclass(frozen=True)
class Fibers:
    """The exposures of some objects, on all tiles of their field.

    Arrays have shape (m, E): an object per row, an exposure of the field per column.
    """

    taken: Array
    """Whether the object was exposed."""
    tile: Array
    """Which tile of the field the exposure belongs to, shape (E,)."""
    night: Array
    mjd: Array
    exptime: Array
    expid: Array
    """Night, time, duration (s) and number of each exposure, shape (E,)."""
    columns: Mapping[str, Array]
    """FIBERSTATUS, FIBER_X, FIBER_Y, DELTA_X, DELTA_Y, FIBER_RA, FIBER_DEC (mm, degrees) and
    PSF_TO_FIBER_SPECFLUX."""


def expose(
    tiles: Sequence[PlannedTile],
    sky: tuple[Array, Array],
    plane: tuple[Array, Array],
    seen: Array,
    rng: np.random.Generator,
) -> Fibers:
    """Expose the fibres of m objects on the T tiles of a field.

    `sky` is right ascension and declination (degrees, shape (m,)), `plane` the place in the focal
    plane of each tile (mm, shape (m, T)), `seen` whether there was a working fibre, shape (m, T).
    """
    exposures = [(t, e) for t, tile in enumerate(tiles) for e in tile.exposures]
    tile = np.array([t for t, _ in exposures])
    (ra, dec), (x, y) = sky, plane
    shape = len(ra), len(exposures)
    delta_x, delta_y = np.round(0.005 * rng.standard_normal((2, *shape)), 3)
    to_degrees = 1000 / MICRONS_PER_ARCSEC / 3600
    slant = np.cos(np.radians(dec))[:, None]
    return Fibers(
        taken=seen[:, tile],
        tile=tile,
        night=np.array([e.night for _, e in exposures]),
        mjd=np.array([e.mjd for _, e in exposures]),
        exptime=np.array([e.exptime for _, e in exposures]),
        expid=np.array([e.expid for _, e in exposures]),
        columns={
            "FIBERSTATUS": rng.choice(STATUSES, shape, p=STATUS_CHANCES),
            "DELTA_X": delta_x,
            "DELTA_Y": delta_y,
            "FIBER_X": np.round(x[:, tile] - delta_x, 3),
            "FIBER_Y": np.round(y[:, tile] - delta_y, 3),
            "FIBER_RA": (ra[:, None] + delta_x * to_degrees / slant) % 360,
            "FIBER_DEC": dec[:, None] + delta_y * to_degrees,
            "PSF_TO_FIBER_SPECFLUX": 0.78 + 0.02 * rng.standard_normal(shape),
        },
    )


def coadd(fibers: Fibers, rows: Array, tiles: Sequence[int]) -> dict[str, Array]:
    """Sum up the exposures of k objects on some tiles: a coadded fibermap, columns of shape (k,).

    An exposure is good if it is useful in at least one arm. Exposure times are summed over the good
    ones, positions are averaged over the good ones, or over all if none is good.
    """
    pick = np.ix_(rows, np.flatnonzero(np.isin(fibers.tile, tiles)))
    taken = fibers.taken[pick]
    value = {name: array[pick] for name, array in fibers.columns.items()}
    night, mjd, exptime, tile = (
        np.broadcast_to(a[pick[1]], taken.shape)
        for a in (fibers.night, fibers.mjd, fibers.exptime, fibers.tile)
    )
    status = value["FIBERSTATUS"]
    good = taken & np.any([status & mask == 0 for mask in USELESS], axis=0)
    any_good = good.any(axis=1)
    used = np.where(any_good[:, None], good, taken)

    def mean(x: Array) -> Array:
        return np.where(used, x, 0).sum(axis=1) / used.sum(axis=1)

    def spread(x: Array, middle: Array) -> Array:
        return np.sqrt(mean((x - middle[:, None]) ** 2))

    # Right ascensions are averaged as offsets, because they may lie on both sides of zero.
    start = np.where(used, value["FIBER_RA"], -1).max(axis=1)
    offset = (value["FIBER_RA"] - start[:, None] + 180) % 360 - 180
    mean_offset, mean_dec = mean(offset), mean(value["FIBER_DEC"])
    all_of_good = np.bitwise_and.reduce(np.where(good, status, -1), axis=1)
    any_of_taken = np.bitwise_or.reduce(np.where(taken, status, 0), axis=1)
    return {
        "COADD_FIBERSTATUS": np.where(any_good, all_of_good, any_of_taken),
        "COADD_NUMEXP": good.sum(axis=1),
        "COADD_EXPTIME": np.where(good, exptime, 0).sum(axis=1),
        "COADD_NUMNIGHT": _distinct(night, good),
        "COADD_NUMTILE": _distinct(tile, good),
        **{f"MEAN_{n}": mean(value[n]) for n in ("DELTA_X", "DELTA_Y", "FIBER_X", "FIBER_Y")},
        **{f"RMS_{n}": np.sqrt(mean(value[n] ** 2)) for n in ("DELTA_X", "DELTA_Y")},
        "MEAN_PSF_TO_FIBER_SPECFLUX": mean(value["PSF_TO_FIBER_SPECFLUX"]),
        "MEAN_FIBER_RA": (start + mean_offset) % 360,
        "MEAN_FIBER_DEC": mean_dec,
        "STD_FIBER_RA": 3600 * np.cos(np.radians(mean_dec)) * spread(offset, mean_offset),
        "STD_FIBER_DEC": 3600 * spread(value["FIBER_DEC"], mean_dec),
        "MIN_MJD": np.where(used, mjd, np.inf).min(axis=1),
        "MAX_MJD": np.where(used, mjd, -np.inf).max(axis=1),
        "MEAN_MJD": mean(mjd),
    }


def _distinct(values: Array, mask: Array) -> Array:
    """Count the distinct values where the mask holds, row by row."""
    ordered = np.sort(np.where(mask, values, -1), axis=1)
    new = np.diff(ordered, axis=1, prepend=-1) != 0
    return new.sum(axis=1)
