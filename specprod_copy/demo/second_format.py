"""What the columns of redshift catalogs of the second format (zcatalog v2) hold.

Values are made up, but what the catalogs promise holds: of quasars that redrock missed the second
run finds the redshift, and the best one is taken.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from specprod_copy.demo import sky
from specprod_copy.demo.draws import normal
from specprod_copy.demo.kinds import load_kinds
from specprod_copy.demo.layouts import MASKS, Array, Columns
from specprod_copy.demo.spectra import Observation, Spectra
from specprod_copy.demo.summaries import TSNR2
from specprod_copy.demo.variants import Variant

NSIDES = (64, 128, 256)
"""Resolutions of the HEALPixels of one production, where they are of several sizes."""
NSIDE = 64
"""The resolution where they are of one size."""
MISSED = 0.15
"""Share of the quasars that redrock takes for galaxies."""
LINES = ("C_LYA", "C_CIV", "C_CIII", "C_MgII", "C_Hbeta", "C_Halpha")
FIT = ("Z", "ZERR", "ZWARN", "CHI2", "SPECTYPE", "SUBTYPE", "DELTACHI2", "COEFF")
#: What EFFTIME_SPEC is made of.
EFFTIME = {"bright": "BGS", "backup": "GPBBACKUP"}


def redshift_columns(observation: Observation, spectra: Spectra) -> dict[str, Any]:
    """Return what the catalogs say of the redshifts of n spectra, shape (n,).

    Redrock's own are among them: some quasars were missed.
    """
    batch, rng = observation.batch, observation.batch.rng
    n = len(spectra.rows)
    names = np.array(load_kinds().names)[batch.objects.kind[spectra.rows]]
    truth = observation.truth[np.searchsorted(observation.rows, spectra.rows)]
    quasar = names == "QSO"
    missed = quasar & (rng.random(n) < MISSED)
    own = dict(spectra.columns)
    own["Z"] = np.where(missed, rng.uniform(0.1, 1.5, n), own["Z"])
    own["SPECTYPE"] = np.where(missed, b"GALAXY", own["SPECTYPE"])
    new = {
        "Z": truth + own["ZERR"] * rng.standard_normal(n),
        "ZERR": 2.0 * own["ZERR"],
        "ZWARN": np.zeros(n, int),
        "CHI2": own["CHI2"] - rng.uniform(5, 50, n),
        "SPECTYPE": np.full(n, b"QSO"),
        "SUBTYPE": np.where(truth > 1.6, b"HIZ", b"LOZ"),
        "DELTACHI2": own["DELTACHI2"] + 20,
        "COEFF": np.where(np.arange(10) < 4, 100 * rng.standard_normal((n, 10)), 0.0),
    }
    # Where it did not run again the catalogs repeat what redrock had found first.
    new = {name: _where(missed, new[name], own[name]) for name in FIT}
    confidence = np.where(quasar[:, None], 1 - 0.02 * rng.random((n, 6)), 0.4 * rng.random((n, 6)))
    oii = np.where(names == "ELG", 20.0, 3.0) * np.exp(0.5 * normal(rng, n))
    best = {name: _where(missed, new[name], own[name]) for name in FIT}
    return {
        **{name: own[name] for name in FIT},
        **{f"{name}_NEW": value for name, value in new.items()},
        **{f"{name}_BEST": value for name, value in best.items()},
        **dict(zip(LINES, confidence.T, strict=True)),
        "FITMETHOD": b"PCA",
        "IS_QSO_MGII": quasar & (truth < 2.5) & (rng.random(n) < 0.3),
        "IS_QSO_QN_NEW_RR": missed,
        "Z_QSO": new["Z"],
        "ZERR_QSO": new["ZERR"],
        "OII_FLUX": oii,
        "OII_FLUX_IVAR": rng.uniform(0.1, 4.0, n),
        "OIII_FLUX": 0.7 * oii,
        "OIII_FLUX_IVAR": rng.uniform(0.1, 4.0, n),
        "EFFTIME_SPEC": _efftime(spectra),
        **_quality(spectra, names, best),
    }


def pixel_columns(observation: Observation, spectra: Spectra, variant: Variant) -> dict[str, Any]:
    """Return the HEALPixels of spectra, nested; a large one is whole."""
    objects = observation.batch.objects
    ra, dec = objects.ra[spectra.rows], objects.dec[spectra.rows]
    if variant.pixels == "healpix":
        pixel = sky.healpix(ra, dec, NSIDE)
        return {"HEALPIX": pixel, "SPGRPVAL": pixel}
    size = sky.healpix(ra, dec, min(NSIDES)) % len(NSIDES)
    pixel = np.choose(size, [sky.healpix(ra, dec, nside) for nside in NSIDES])
    nside = np.array(NSIDES)[size]
    uniqpix = pixel + 4 * nside**2
    return {"HEALPIX": pixel, "NSIDE": nside, "UNIQPIX": uniqpix, "SPGRPVAL": uniqpix}


def own_columns(columns: Columns, survey: str) -> dict[str, Any]:
    """Return columns that these catalogs write in another way than the first ones."""
    unknown = np.isnan(columns["TARGET_RA"])
    found: dict[str, Any] = {"DESINAME": np.where(unknown, b"-" * 22, columns["DESINAME"])}
    if survey == "special":
        found |= dict.fromkeys(MASKS, 0)
    return found


def _where(condition: Array, one: Array, other: Array) -> Array:
    return np.where(condition[:, None] if one.ndim > 1 else condition, one, other)


def _efftime(spectra: Spectra) -> Array:
    """Return EFFTIME_SPEC (s), float32; its last bits tell the group, as those of TSNR2_LRG do."""
    kind = EFFTIME.get(spectra.group.program, "LRG")
    seconds = spectra.columns[f"TSNR2_{kind}"] * np.float32(1000 / sum(TSNR2[kind]))
    label = spectra.columns["TSNR2_LRG"].view(np.int32) & 7
    return (seconds.astype(np.float32).view(np.int32) & ~7 | label).view(np.float32)


def _quality(spectra: Spectra, names: Array, best: Columns) -> dict[str, Any]:
    sky_fiber = np.isin(names, ("SKY", "STUCK"))
    good = (spectra.columns["COADD_FIBERSTATUS"] == 0) & ~sky_fiber
    sure = good & (best["ZWARN"] == 0)
    of_class = {
        "BGS": sure & (names == "BGS") & (best["DELTACHI2"] > 40),
        "LRG": sure & (names == "LRG") & (best["DELTACHI2"] > 15),
        "ELG": sure & (names == "ELG"),
        "QSO": sure & (names == "QSO"),
    }
    of_class["LYA"] = of_class["QSO"] & (best["Z"] > 2.1)
    certain = np.any([*of_class.values()], axis=0)
    return {
        **{f"GOOD_Z_{name}": value for name, value in of_class.items()},
        "GOOD_SPEC": good,
        "Z_CONF": np.select([certain, best["ZWARN"] == 0], [3, 1], 0),
        "QAFIBERSTATUS": spectra.columns["COADD_FIBERSTATUS"],
    }
