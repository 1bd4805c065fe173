"""Photometry of objects: all columns of the imaging catalogues, with plausible values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from specprod_copy.demo.draws import integers, normal, uniform
from specprod_copy.demo.gaia import gaia_columns
from specprod_copy.demo.kinds import load_kinds
from specprod_copy.demo.layouts import Array
from specprod_copy.demo.population import (
    GAIA,
    OPPORTUNITY,
    RELEASE_NORTH,
    SECONDARY,
    TRACTOR,
    Objects,
)

OPTICAL = ("G", "R", "Z")
INFRARED = ("W1", "W2", "W3", "W4")
BANDS = OPTICAL + INFRARED
#: Extinction per E(B-V).
EXTINCTION = {
    "G": 3.214,
    "R": 2.165,
    "Z": 1.211,
    "W1": 0.184,
    "W2": 0.113,
    "W3": 0.0241,
    "W4": 0.0091,
}
#: Typical depth for point sources (inverse variance of the flux in nanomaggies).
DEPTH = {"G": 700.0, "R": 280.0, "Z": 100.0, "W1": 5.8, "W2": 1.1, "W3": 1e-3, "W4": 1.3e-5}
#: Part of the flux inside apertures of growing radius.
OPTICAL_GROWTH = np.array([0.15, 0.3, 0.45, 0.65, 0.8, 0.93, 0.98, 1.0], np.float32)
INFRARED_GROWTH = np.array([0.4, 0.7, 0.85, 0.95, 1.0], np.float32)
#: Days of the infrared visits: twice a year, with the gap of 2011 to 2013; the last one is unused.
VISITS = np.array(
    [
        *(55281, 55474, 56744, 56936, 57105, 57299, 57464),
        *(57665, 57827, 58033, 58187, 58395, 58553, 58760, 0),
    ],
    float,
)
MORPHOLOGIES = np.array([b"PSF", b"REX", b"EXP", b"DEV", b"SER"])
#: Columns without structure: lowest and highest value.
UNIFORM = {
    "BX": (0, 3600),
    "BY": (0, 3600),
    "WISE_X": (0, 2048),
    "WISE_Y": (0, 2048),
    "MJD_MIN": (56500, 57800),
    "MJD_MAX": (57900, 58500),
    **{f"RCHISQ_{band}": (0.7, 1.4) for band in BANDS},
    **{f"FRACFLUX_{band}": (0, 0.05) for band in BANDS},
    **{f"FRACMASKED_{band}": (0, 0.02) for band in OPTICAL},
    **{f"FRACIN_{band}": (0.7, 1) for band in OPTICAL},
    "PSFSIZE_G": (1.3, 2.6),
    "PSFSIZE_R": (1.1, 1.8),
    "PSFSIZE_Z": (1.0, 1.5),
    **{f"NEA_{band}": (5, 16) for band in OPTICAL},
    **{f"BLOB_NEA_{band}": (5, 18) for band in OPTICAL},
}
#: The same for integers.
INTEGERS = {
    **{f"NOBS_{band}": (1, 7) for band in OPTICAL},
    "NOBS_W1": (100, 240),
    "NOBS_W2": (100, 240),
    "NOBS_W3": (10, 18),
    "NOBS_W4": (10, 18),
}
#: Bit masks with the bits that are set in one object of fifty.
RARE_BITS = {
    "MASKBITS": (1, 5, 11, 12),
    "FITBITS": (2, 3),
    **{f"{kind}MASK_{band}": (0, 2) for kind in ("ANY", "ALL") for band in OPTICAL},
    "WISEMASK_W1": (0, 7),
    "WISEMASK_W2": (0, 7),
}
#: One object in so many has a measurement that failed: NaN, infinite or minus zero.
FAILED = 101


def imaging_columns(objects: Objects, rng: np.random.Generator) -> dict[str, Any]:
    """Return the imaging columns of n objects, under all names that the files have for them.

    Shapes are (n,) or (n, elements), fluxes in nanomaggies.
    """
    n = len(objects)
    columns: dict[str, Any] = {
        "TARGETID": objects.targetid,
        "RELEASE": objects.release,
        "BRICKID": objects.brickid,
        "BRICKNAME": objects.brickname,
        "OBJID": objects.objid,
        "BRICK_OBJID": objects.objid,
        "LS_ID": _ls_id(objects),
        "RA": objects.ra,
        "DEC": objects.dec,
        "BRICK_PRIMARY": True,
        "WISE_COADD_ID": objects.brickname,
        "PHOTSYS": _photsys(objects),
        **uniform(UNIFORM, n, rng),
        **integers(INTEGERS, n, rng),
    }
    for name, bits in RARE_BITS.items():
        rare = rng.random(n) < 0.02
        columns[name] = np.where(rare, 1 << rng.choice(bits, n), 0)
    columns |= _fluxes(objects, rng)
    columns |= _shapes(objects, columns["FLUX_R"], columns["FLUX_IVAR_R"], rng)
    columns |= gaia_columns(objects, rng)
    columns |= _apertures(columns, rng)
    columns |= _light_curves(columns, rng)
    _fail(columns)
    return columns


def _ls_id(objects: Objects) -> Array:
    release, brickid, objid = (
        a.astype(np.int64) for a in (objects.release, objects.brickid, objects.objid)
    )
    return release << 40 | brickid << 16 | objid


def _photsys(objects: Objects) -> Array:
    north = np.where(objects.release == RELEASE_NORTH, b"N", b"S")
    blank = (objects.origin == SECONDARY) | (objects.origin == OPPORTUNITY)
    return np.select([blank, objects.origin == GAIA], [b"", b"G"], north)


def _fluxes(objects: Objects, rng: np.random.Generator) -> dict[str, Array]:
    n = len(objects)
    kinds = load_kinds()
    mean, scatter = kinds.rmag[objects.kind].astype(np.float32).T
    r = mean + scatter * normal(rng, n)
    g_r, r_z, z_w1, w1_w2 = kinds.colors[objects.kind].astype(np.float32).T
    color = normal(rng, 4, n)
    magnitudes = {"R": r, "G": r + g_r + 0.15 * color[0], "Z": r - r_z + 0.1 * color[1]}
    magnitudes["W1"] = magnitudes["Z"] - z_w1 + 0.2 * color[2]
    magnitudes["W2"] = magnitudes["W1"] - w1_w2 + 0.1 * color[3]
    magnitudes["W3"] = magnitudes["W2"] - 0.5
    magnitudes["W4"] = magnitudes["W3"] - 0.5
    ebv = np.exp(-3.2 + 0.5 * normal(rng, n))
    columns = {"EBV": ebv}
    inside = np.float32(0.55) + np.float32(0.2) * rng.random(n, np.float32)
    for band in BANDS:
        transmission = np.exp(np.float32(-0.4 * np.log(10) * EXTINCTION[band]) * ebv)
        true = np.exp(np.float32(0.4 * np.log(10)) * (22.5 - magnitudes[band]))
        depth = np.float32(DEPTH[band]) * np.exp(np.float32(0.2) * normal(rng, n))
        ivar = depth * (np.float32(0.6) + np.float32(0.3) * rng.random(n, np.float32))
        flux = true * transmission + normal(rng, n) / np.sqrt(ivar)
        columns |= {
            f"MW_TRANSMISSION_{band}": transmission,
            f"FLUX_{band}": flux,
            f"FLUX_IVAR_{band}": ivar,
            f"PSFDEPTH_{band}": depth,
        }
        if band in OPTICAL:
            columns |= {
                f"GALDEPTH_{band}": depth * np.float32(0.7),
                f"FIBERFLUX_{band}": flux * inside,
                f"FIBERTOTFLUX_{band}": flux * inside * np.float32(1.02),
            }
    return columns


def _shapes(
    objects: Objects, flux: Array, ivar: Array, rng: np.random.Generator
) -> dict[str, Array]:
    n = len(objects)
    star = load_kinds().spectype[objects.kind] != b"GALAXY"
    form = np.where(star, 0, rng.choice(5, n, p=[0.1, 0.3, 0.3, 0.2, 0.1]))
    round_, extended, sersic = form == 1, form > 0, form == 4
    significance = np.abs(flux) * flux * ivar
    better = np.where(form[:, None] >= np.arange(5), 1 + 0.01 * np.arange(5), 0.97)
    index = np.array([0, 1, 1, 4, 0], np.float32)[form]
    morphology = MORPHOLOGIES[form]
    columns: dict[str, Array] = {
        "TYPE": morphology,
        "MORPHTYPE": np.where(objects.origin == GAIA, b"GPSF", morphology),
        "DCHISQ": (significance[:, None] * better).astype(np.float32),
        "RA_IVAR": 1e10 * (1 + np.abs(significance)),
        "DEC_IVAR": 1.1e10 * (1 + np.abs(significance)),
        "SERSIC": np.where(sersic, 0.5 + 4 * rng.random(n, np.float32), index),
        "SERSIC_IVAR": np.where(sersic, 10 + 100 * rng.random(n, np.float32), 0),
        "SHAPE_R": np.where(extended, np.exp(-0.5 + 0.5 * normal(rng, n)), 0),
        "SHAPE_R_IVAR": np.where(extended, 100 + 1e4 * rng.random(n, np.float32), 0),
    }
    for name in ("SHAPE_E1", "SHAPE_E2"):
        elliptic = extended & ~round_
        columns[name] = np.where(elliptic, 0.2 * normal(rng, n), 0)
        columns[f"{name}_IVAR"] = np.where(elliptic, 50 + 1e3 * rng.random(n, np.float32), 0)
    return columns


def _apertures(columns: Mapping[str, Array], rng: np.random.Generator) -> dict[str, Array]:
    found: dict[str, Array] = {}
    for band in BANDS:
        growth = OPTICAL_GROWTH if band in OPTICAL else INFRARED_GROWTH
        flux, ivar = columns[f"FLUX_{band}"], columns[f"FLUX_IVAR_{band}"]
        noise = normal(rng, len(flux), len(growth)) / np.sqrt(ivar)[:, None]
        found[f"APFLUX_{band}"] = flux[:, None] * growth + noise
        found[f"APFLUX_RESID_{band}"] = noise
        found[f"APFLUX_IVAR_{band}"] = ivar[:, None] / (growth * growth)
        if band in OPTICAL:
            found[f"APFLUX_BLOBRESID_{band}"] = noise * np.float32(1.01)
            found[f"APFLUX_MASKED_{band}"] = (noise > 3) * np.float32(0.05)
    return found


def _light_curves(columns: Mapping[str, Array], rng: np.random.Generator) -> dict[str, Array]:
    found: dict[str, Array] = {}
    visited = VISITS > 0
    for band in ("W1", "W2"):
        flux, ivar = columns[f"FLUX_{band}"][:, None], columns[f"FLUX_IVAR_{band}"][:, None]
        noise = normal(rng, len(flux), len(VISITS))
        found[f"LC_FLUX_{band}"] = (flux + 3 * noise / np.sqrt(ivar)) * visited
        found[f"LC_FLUX_IVAR_{band}"] = np.float32(0.08) * ivar * visited
        found[f"LC_NOBS_{band}"] = (14 + 2 * noise).astype(np.int16) * visited
        found[f"LC_FRACFLUX_{band}"] = np.abs(noise) * np.float32(0.02) * visited
        found[f"LC_RCHISQ_{band}"] = (1 + np.float32(0.1) * noise) * visited
        found[f"LC_MJD_{band}"] = VISITS + 0.1 * np.abs(noise) * visited
        epoch = np.where(visited, np.arange(len(VISITS)), -1)
        found[f"LC_EPOCH_INDEX_{band}"] = np.broadcast_to(epoch, noise.shape)
    return found


def _fail(columns: dict[str, Any]) -> None:
    """Put in the values that are no measurements, as the real catalogues have them."""
    columns["PARALLAX"][::FAILED] = np.nan
    columns["GAIA_PHOT_BP_MEAN_MAG"][1::FAILED] = np.nan
    columns["SHAPE_R_IVAR"][2::FAILED] = np.inf
    columns["SHAPE_E1"][3::FAILED] = np.nan
    columns["SHAPE_E2"][4::FAILED] = -0.0
    columns["DCHISQ"][5::FAILED, 4] = -np.inf


def in_tractor(objects: Objects) -> Array:
    """Return the rows of the objects that have a row in the Tractor files."""
    return np.flatnonzero(objects.origin == TRACTOR)
