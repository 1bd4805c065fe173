"""Table ``photometry``: one row per TARGETID, from tractorphot, then from targetphot files."""

from __future__ import annotations

import polars as pl

from specprod_copy.desi import ids
from specprod_copy.tables.common import position
from specprod_copy.tables.source import TableSource

_DCHISQ = ("psf", "rex", "dev", "exp", "ser")


def _ls_id(objid: str) -> pl.Expr:
    return ids.ls_id(pl.col("RELEASE"), pl.col("BRICKID"), pl.col(objid))


_DERIVED = {
    "ls_id": (pl.col("LS_ID"), _ls_id("BRICK_OBJID"), _ls_id("OBJID")),
    "brick_objid": (pl.col("BRICK_OBJID"), pl.col("OBJID")),
    "morphtype": (pl.col("MORPHTYPE"), pl.col("TYPE")),
    **{f"dchisq_{model}": (pl.col(f"DCHISQ_{n}"),) for n, model in enumerate(_DCHISQ)},
}

_FOURTH_BAND = (
    *("flux_i", "flux_ivar_i", "mw_transmission_i", "fracflux_i", "fracmasked_i", "fracin_i"),
    *("nobs_i", "psfdepth_i", "galdepth_i", "allmask_i", "fiberflux_i", "fibertotflux_i"),
)
"""Columns of the i band, which came with DR10; targeting catalogs are of DR9."""

TRACTORPHOT = TableSource(
    table="photometry",
    stage="photometry",
    job_time="04:00:00",
    row_bytes=(455, 68),
    files=lambda inputs: inputs.files.tractorphot(),
    hdus=("TRACTORPHOT",),
    derived=_DERIVED,
    vectors={"DCHISQ": len(_DCHISQ)},
    checks=position("RA", "DEC"),
    position=("ra", "dec"),
    sky_order=True,
    # A production has each target once, but a daily one has a file per tile, and tiles overlap: the
    # tile of the lowest number counts.
    first_per=lambda inputs: (
        "TARGETID" if inputs.files.production.photometry == "computed" else None
    ),
)

TARGETPHOT = TableSource(
    table="photometry",
    stage="targetphot",
    row_bytes=(455, 68),
    files=lambda inputs: inputs.files.targetphot(),
    hdus=("TARGETPHOT",),
    # As Tractor has it where there was no image: nothing is known, with a weight of 0.
    derived=_DERIVED | {name: (pl.col(name.upper()), pl.lit(0)) for name in _FOURTH_BAND},
    vectors={"DCHISQ": len(_DCHISQ)},
    checks=position("RA", "DEC"),
    position=("ra", "dec"),
    sky_order=True,
    # A target stands in as many rows as tiles can reach it, and most have Tractor photometry.
    first_per=lambda inputs: "TARGETID",
    unless_in=TRACTORPHOT,
)
