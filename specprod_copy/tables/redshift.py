"""Tables ``ztile`` and ``zpix``: redshifts per tile and per HEALPixel, from zall catalogs.

Where a production has no zall catalog, its catalogs per survey and program take its place. They
know nothing of each other, so nspec and primary are computed in the database afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from specprod_copy.desi import ids
from specprod_copy.reader import Described
from specprod_copy.tables.common import (
    CATALOG_KEYWORDS,
    COEFFICIENTS,
    DESINAMES,
    NO_SKY,
    PRIMARY,
    SURVEY_AND_PROGRAM,
    TARGETPHOTID,
    absent_bitmasks,
    as_said,
    known_program,
    known_survey,
    named_position,
    narrow_positions,
    note_narrow_positions,
    spectra_group,
    survey_and_program,
    usual_program,
    within,
)
from specprod_copy.tables.inputs import Inputs
from specprod_copy.tables.source import Check, TableSource

PIXELS = ("healpix", "uniqpix")
"""The groups of zpix: HEALPixels of one size, or of several (then SPGRPVAL is no HEALPIX)."""


def _ztile_files(inputs: Inputs) -> Sequence[Path]:
    zall = inputs.files.zall_tilecumulative()
    return [zall] if zall else inputs.files.ztile_survey_program()


def _zpix_files(inputs: Inputs) -> Sequence[Path]:
    zall = inputs.files.zall_pix()
    return [zall] if zall else inputs.files.zpix_survey_program()


def _has_catalogs(inputs: Inputs) -> bool:
    return inputs.files.production.redshift_type != "daily"


def _constants(table: Described, *groups: str) -> Mapping[str, object]:
    group = spectra_group(table, *groups)
    return {**group, **survey_and_program(table), **narrow_positions(table)}


def _cumulative(table: Described) -> Mapping[str, object]:
    return _constants(table, "cumulative")


def _pixels(table: Described) -> Mapping[str, object]:
    return _constants(table, *PIXELS)


def _ztileid(spgrp: pl.Expr) -> pl.Expr:
    return ids.ztileid(spgrp, pl.col("SPGRPVAL"), pl.col("TILEID"), pl.col("TARGETID"))


ZTILE = TableSource(
    table="ztile",
    stage="redshift",
    row_bytes=(547, 269),
    files=_ztile_files,
    hdus=("ZCATALOG",),
    derived={
        "id": (_ztileid(pl.col("SPGRP")), _ztileid(pl.lit("cumulative"))),
        "targetphotid": (TARGETPHOTID,),
        "desiname": DESINAMES,
        "spgrp": (pl.col("SPGRP"), pl.lit("cumulative")),
        **PRIMARY,
    },
    row_filter=NO_SKY,
    vectors=COEFFICIENTS,
    checks=(
        known_survey(),
        usual_program(),
        *as_said(*SURVEY_AND_PROGRAM),
        Check("SPGRP", ids.spgrpid(pl.col("SPGRP")).is_null(), "no such spectra group"),
        within("SPGRPVAL", ids.SPGRPVAL),
        within("TILEID", ids.TILEID),
        *named_position(),
    ),
    constants=_cumulative,
    keywords=CATALOG_KEYWORDS,
    notes=note_narrow_positions,
    applies=_has_catalogs,
    after_rows=lambda inputs: () if inputs.files.zall_tilecumulative() else ("primary",),
)

ZPIX = TableSource(
    table="zpix",
    stage="redshift",
    row_bytes=(673, 222),
    files=_zpix_files,
    hdus=("ZCATALOG",),
    derived={
        "id": (ids.zpixid(pl.col("PROGRAM"), pl.col("SURVEY"), pl.col("TARGETID")),),
        "desiname": DESINAMES,
        "spgrp": (pl.col("SPGRP"), pl.lit("healpix")),
        "spgrpval": (
            pl.col("SPGRPVAL"),
            # Where the file does not say it, it is known of HEALPixels of one size only.
            pl.when(pl.col("SPGRP") == "healpix").then(pl.col("HEALPIX")),
            pl.col("HEALPIX"),
        ),
        **absent_bitmasks(),
        **PRIMARY,
    },
    row_filter=NO_SKY,
    vectors=COEFFICIENTS,
    checks=(
        known_survey(),
        known_program(),
        *as_said(*SURVEY_AND_PROGRAM),
        Check("SPGRP", ~pl.col("SPGRP").is_in(PIXELS), "neither healpix nor uniqpix"),
        *named_position(),
    ),
    constants=_pixels,
    keywords=CATALOG_KEYWORDS,
    notes=note_narrow_positions,
    applies=_has_catalogs,
    after_rows=lambda inputs: () if inputs.files.zall_pix() else ("primary",),
)
