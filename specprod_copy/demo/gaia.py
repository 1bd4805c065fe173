"""What Gaia measured: columns of the imaging catalogues that are 0 where Gaia saw nothing."""

from __future__ import annotations

import numpy as np

from specprod_copy.demo.draws import integers, normal, uniform
from specprod_copy.demo.kinds import load_kinds
from specprod_copy.demo.layouts import Array
from specprod_copy.demo.population import GAIA, Objects

#: What Gaia measured of a star that it knows; 0 for all other objects.
GAIA_UNIFORM = {
    "GAIA_PHOT_G_MEAN_FLUX_OVER_ERROR": (300, 5000),
    "GAIA_PHOT_BP_MEAN_FLUX_OVER_ERROR": (20, 500),
    "GAIA_PHOT_RP_MEAN_FLUX_OVER_ERROR": (20, 500),
    "GAIA_ASTROMETRIC_EXCESS_NOISE": (0, 1),
    "GAIA_ASTROMETRIC_EXCESS_NOISE_SIG": (0, 2),
    "GAIA_ASTROMETRIC_WEIGHT_AL": (0.1, 50),
    "GAIA_A_G_VAL": (0, 0.5),
    "GAIA_E_BP_MIN_RP_VAL": (0, 0.3),
    "GAIA_PHOT_BP_RP_EXCESS_FACTOR": (1.1, 1.4),
    "GAIA_ASTROMETRIC_SIGMA5D_MAX": (0.05, 1.5),
    "PMRA_IVAR": (1, 80),
    "PMDEC_IVAR": (1, 80),
    "PARALLAX_IVAR": (1, 60),
}
GAIA_INTEGERS = {
    "GAIA_PHOT_G_N_OBS": (80, 300),
    "GAIA_PHOT_BP_N_OBS": (8, 30),
    "GAIA_PHOT_RP_N_OBS": (8, 30),
    "GAIA_ASTROMETRIC_N_OBS_AL": (80, 300),
    "GAIA_ASTROMETRIC_N_GOOD_OBS_AL": (80, 300),
}
GAIA_EPOCH = 2015.5


def gaia_columns(objects: Objects, rng: np.random.Generator) -> dict[str, Array]:
    """Return the Gaia columns of n objects, shape (n,); stars are in Gaia."""
    n = len(objects)
    star = load_kinds().spectype[objects.kind] == b"STAR"
    known = star & (rng.random(n) < 0.95) | (objects.origin == GAIA)
    magnitude = load_kinds().rmag[objects.kind, 0] + 0.3 * normal(rng, n)
    values: dict[str, Array] = {
        **uniform(GAIA_UNIFORM, n, rng),
        **integers(GAIA_INTEGERS, n, rng),
        "GAIA_PHOT_G_MEAN_MAG": magnitude,
        "GAIA_PHOT_BP_MEAN_MAG": magnitude + 0.4,
        "GAIA_PHOT_RP_MEAN_MAG": magnitude - 0.6,
        "PMRA": 8 * normal(rng, n),
        "PMDEC": -3 + 8 * normal(rng, n),
        "PARALLAX": 0.5 + 0.7 * normal(rng, n),
        "REF_EPOCH": np.full(n, GAIA_EPOCH),
        "REF_ID": rng.integers(1 << 55, 1 << 62, n),
        "GAIA_ASTROMETRIC_PARAMS_SOLVED": np.where(rng.random(n) < 0.97, 31, 3),
    }
    flags = {
        "GAIA_PHOT_VARIABLE_FLAG": known & (rng.random(n) < 0.02),
        "GAIA_DUPLICATED_SOURCE": known & (rng.random(n) < 0.01),
        # Text is padded with blanks by some writers, with zero bytes by others.
        "REF_CAT": np.where(known, b"G2", b"  "),
    }
    return {name: np.where(known, v, np.zeros((), v.dtype)) for name, v in values.items()} | flags
