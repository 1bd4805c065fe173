"""Tables ``photometry``, ``target`` and ``fiberassign`` from redshift catalogs (second format).

A production without targetphot and tractorphot files of its own has them from there, if its
configuration says so: core, imaging and extra, row by row. The catalogs hold targets that were
observed, and of photometry some columns only: what is not there is -9999, 0, false or blank.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import polars as pl

from specprod_copy.desi.redshift_catalogs import survey_program_from_name
from specprod_copy.errors import InputError
from specprod_copy.tables import fiberassign, photometry, redshift_v2, target
from specprod_copy.tables.common import NO_SKY, position
from specprod_copy.tables.inputs import Inputs
from specprod_copy.tables.redshift_v2 import CORE, EXTRA, IMAGING
from specprod_copy.tables.source import NOT_FINITE

CONFIGURED: Final = "zcatalog"
"""What the configuration calls the photometry of such a production."""

OBSERVED_ONLY: Final = "observed_only"
"""What the SQL file of ``potential`` is asked for: no foreign key to ``photometry``."""

PRECEDENCE: Final = ("main", "special", "sv3", "sv2", "sv1", "cmx")
"""Of a target of several surveys the row of the first one counts."""

_BANDS = ("g", "r", "z")
_WISE = ("w1", "w2", "w3", "w4")
_GAIA = ("g", "bp", "rp")

_ABSENT: Final[dict[str, object]] = {
    **dict.fromkeys(("release", "brickid", "brick_objid", "ref_id", "maskbits"), 0),
    **dict.fromkeys((f"{name}_{b}" for name in ("nobs", "allmask") for b in _BANDS), 0),
    **dict.fromkeys(("wisemask_w1", "wisemask_w2", "gaia_astrometric_params_solved"), 0),
    "gaia_duplicated_source": False,
    **dict.fromkeys(("brickname", "morphtype", "ref_cat"), ""),
    **dict.fromkeys(
        (
            *("ra_ivar", "dec_ivar", "ebv", "ref_epoch", "parallax", "parallax_ivar"),
            *("pmra", "pmra_ivar", "pmdec", "pmdec_ivar", "sersic", "sersic_ivar"),
            *(f"dchisq_{model}" for model in ("psf", "rex", "dev", "exp", "ser")),
            *(f"shape_{part}{ivar}" for part in ("r", "e1", "e2") for ivar in ("", "_ivar")),
            *(
                f"{name}_{band}"
                for name in ("flux", "flux_ivar", "mw_transmission")
                for band in (*_BANDS, *_WISE)
            ),
            *(
                f"{name}_{band}"
                for name in ("fracflux", "fracmasked", "fracin", "psfdepth", "galdepth")
                for band in _BANDS
            ),
            *(f"{name}_{band}" for name in ("fiberflux", "fibertotflux") for band in _BANDS),
            *(f"gaia_phot_{band}_mean_mag" for band in _GAIA),
            *(f"gaia_phot_{band}_mean_flux_over_error" for band in _GAIA),
            *("gaia_phot_bp_rp_excess_factor", "gaia_astrometric_sigma5d_max"),
        ),
        NOT_FINITE,
    ),
}
"""What a column of photometry is where the catalogs do not have it."""


def _made(name: str, absent: object) -> tuple[pl.Expr, ...]:
    ways = photometry.TRACTORPHOT.derived.get(name, (pl.col(name.upper()),))
    return *ways, pl.lit(absent)


def from_catalogs(inputs: Inputs) -> bool:
    """Say whether a production has its photometry from its redshift catalogs."""
    return inputs.files.production.photometry == CONFIGURED


def _tile_catalogs(inputs: Inputs) -> Sequence[Path]:
    return _in_order(redshift_v2.ZTILE.files(inputs))


def _all_catalogs(inputs: Inputs) -> Sequence[Path]:
    """Return the catalogs of tiles, then those of HEALPixels, for targets that are only there."""
    return [*_tile_catalogs(inputs), *_in_order(redshift_v2.ZPIX.files(inputs))]


def _in_order(paths: Sequence[Path]) -> list[Path]:
    return sorted(paths, key=_place) if len(paths) > 1 else [*paths]


def _place(path: Path) -> int:
    survey, _ = survey_program_from_name(path)
    if survey not in PRECEDENCE:
        raise InputError(f"survey {survey!r} is none of {', '.join(PRECEDENCE)}", path=path)
    return PRECEDENCE.index(survey)


_KEYS: Final = ("TARGETID", "TILEID")
"""What has to agree in every row; catalogs of HEALPixels have no TILEID."""

_from_catalogs = partial(
    replace, hdus=CORE, match=_KEYS, says_unused=True, row_filter=NO_SKY, applies=from_catalogs
)

PHOTOMETRY: Final = _from_catalogs(
    photometry.TRACTORPHOT,
    files=_all_catalogs,
    joined=(IMAGING,),
    derived={
        **{name: _made(name, absent) for name, absent in _ABSENT.items()},
        "ls_id": photometry.TRACTORPHOT.derived["ls_id"],
        "ra": (pl.col("TARGET_RA"),),
        "dec": (pl.col("TARGET_DEC"),),
    },
    checks=position("TARGET_RA", "TARGET_DEC"),
    first_per=lambda inputs: "TARGETID",
    first_rank=pl.col("SURVEY").replace_strict(
        {survey: rank for rank, survey in enumerate(PRECEDENCE)},
        default=len(PRECEDENCE),
        return_dtype=pl.UInt8,
    ),
)

_from_tile_catalogs = partial(
    _from_catalogs,
    files=_tile_catalogs,
    joined=(EXTRA, IMAGING),
    keywords=redshift_v2.ZTILE.keywords,
)

TARGET: Final = _from_tile_catalogs(
    target.SOURCE,
    derived={**target.SOURCE.derived, "hpxpixel": (pl.lit(-1, dtype=pl.Int64),)},
    constants=redshift_v2.ZTILE.constants,
)

FIBERASSIGN: Final = _from_tile_catalogs(
    fiberassign.FIBERASSIGN,
    derived={
        **fiberassign.FIBERASSIGN.derived,
        "fiberstatus": (pl.col("COADD_FIBERSTATUS") & 8,),
    },
    constants=None,
)

SOURCES: Final = {source.name: source for source in (PHOTOMETRY, TARGET, FIBERASSIGN)}
"""What takes the place of the sources of the same names."""

REPLACED: Final = (photometry.TARGETPHOT.name,)
"""Sources that such a production does not have."""
