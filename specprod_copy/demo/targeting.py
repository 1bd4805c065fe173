"""Columns that say why and how an object is observed."""

from __future__ import annotations

from typing import Any

import numpy as np

from specprod_copy.demo import sky
from specprod_copy.demo.kinds import load_kinds
from specprod_copy.demo.layouts import Columns, mask_names
from specprod_copy.demo.population import Objects

#: Values of FA_TYPE: science target, standard star, sky.
SCIENCE, STANDARD, BLANK = 1, 2, 4
LAMBDA_REF = 5400.0
#: Surveys that pointed their fibres at the position of stars at the time of observation, and the
#: years since the epoch of the catalogue.
CORRECTED_SURVEYS, YEARS = ("cmx", "sv1"), 5.4
MAS_PER_DEGREE = 3.6e6
#: One stuck fibre in so many is at an unknown position.
LOST = 3


def targeting_columns(objects: Objects, rng: np.random.Generator) -> dict[str, Any]:
    """Return the columns of n objects that do not depend on the survey, shape (n,)."""
    kinds = load_kinds()
    names = np.array(kinds.names)[objects.kind]
    blank = np.isin(names, ("SKY", "STUCK"))
    priority = kinds.priority[objects.kind]
    return {
        "SUBPRIORITY": rng.random(len(objects)),
        "OBSCONDITIONS": kinds.obsconditions[objects.kind],
        "PRIORITY": priority,
        "PRIORITY_INIT": priority,
        "NUMOBS_INIT": kinds.numobs[objects.kind],
        "HPXPIXEL": sky.healpix(objects.ra, objects.dec, 64),
        "FA_TYPE": np.select([blank, names == "STD"], [BLANK, STANDARD], SCIENCE),
        "OBJTYPE": np.where(blank, b"SKY", b"TGT"),
        "LAMBDA_REF": LAMBDA_REF,
        # FIBERSTATUS as assigned: bit 1 is STUCKPOSITIONER
        "FIBERSTATUS": np.where(names == "STUCK", 1 << 1, 0),
    }


def survey_columns(objects: Objects, imaging: Columns, survey: str, program: str) -> dict[str, Any]:
    """Return the columns that depend on the survey: bitmasks and the position that was aimed at."""
    ra, dec = objects.ra, objects.dec
    if survey in CORRECTED_SURVEYS:
        shift = YEARS / MAS_PER_DEGREE
        ra = sky.wrap(ra + shift * imaging["PMRA"] / np.cos(np.radians(dec)))
        dec = dec + shift * imaging["PMDEC"]
    lost = (objects.kind == load_kinds().names.index("STUCK")) & (objects.targetid % LOST == 0)
    ra, dec = np.where(lost, np.nan, ra), np.where(lost, np.nan, dec)
    masks = objects.masks(survey)
    desi_mask = mask_names(survey)["DESI_TARGET"]
    return {
        **masks,
        "SURVEY": survey.encode(),
        "PROGRAM": program.encode(),
        "TARGET_RA": ra,
        "TARGET_DEC": dec,
        "PLATE_RA": ra,
        "PLATE_DEC": dec,
        "DESINAME": sky.desiname(ra, dec),
        "FA_TARGET": masks[desi_mask],
    }
