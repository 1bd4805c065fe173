"""Tables ``ztile`` and ``zpix`` from catalogs of the second format: core and extra, row by row.

Z and what belongs to it are those that the catalogs call best. Redrock's own stand beside them,
``z_rr`` and so on. Early catalogs of this format (of the old QuasarNET) have no best ZWARN, CHI2
and DELTACHI2; there these are Redrock's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

import polars as pl

from specprod_copy.errors import InputError
from specprod_copy.reader import Described
from specprod_copy.tables import redshift
from specprod_copy.tables.common import narrow_positions, spectra_group, survey_and_program
from specprod_copy.tables.source import Check, Joined, TableSource

CORE: Final = ("ZCATALOG",)
EXTRA: Final = Joined(("ZCATALOG_EXTRA",), "-extra")
IMAGING: Final = Joined(("ZCATALOG_IMAGING",), "-imaging")

_FIT: Final = ("z", "zerr", "zwarn", "chi2", "spectype", "subtype", "deltachi2")
"""Columns of a fit, which come as ``_BEST`` and as Redrock's own."""

OWN_FIT: Final = "z_rr"
"""A column of tables of the second format that those of the first one never have."""

SECOND_FORMAT: Final = "zcatalog_v2"
"""What the SQL files are asked for: to say what the columns are of such a production."""

OLD_QN: Final = "old_qn"
"""What the SQL files are asked for where ZWARN, CHI2 and DELTACHI2 belong to another fit than Z."""

_OF_OTHER_FIT: Final = {name: f"{name.upper()}_BEST" for name in ("zwarn", "chi2", "deltachi2")}

_FITS: Final = {
    **{name: (pl.col(f"{name.upper()}_BEST"),) for name in _FIT},
    **{name: (pl.col(best), pl.col(name.upper())) for name, best in _OF_OTHER_FIT.items()},
    **{f"{name}_rr": (pl.col(name.upper()),) for name in _FIT},
}


def is_second_format(table: Described) -> bool:
    """Say whether a table is the core of a catalog of the second format."""
    return "Z_BEST" in table.schema


def is_of_old_qn(core: Described) -> bool:
    """Say whether a core has no best ZWARN, CHI2 and DELTACHI2.

    Raises
    ------
    InputError
        If it has some of them: nobody could say what fit the others belong to.
    """
    lacking = [best for best in _OF_OTHER_FIT.values() if best not in core.schema]
    if 0 < len(lacking) < len(_OF_OTHER_FIT):
        known = ", ".join(_OF_OTHER_FIT.values())
        raise InputError(
            f"no column {', '.join(lacking)}: catalogs have all of {known}, or none of them",
            path=core.path,
            hdu=core.hdu,
        )
    return bool(lacking)


def optional_columns(names: Collection[str]) -> set[str]:
    """Return the columns that tables can have where catalogs have columns of these names."""
    return {name.lower() for name in names} | {
        f"{name}_rr" for name in _FIT if name.upper() in names
    }


def _groups(*known: str) -> Callable[[Described], Mapping[str, object]]:
    return partial(_constants, known=known)


def _constants(table: Described, known: tuple[str, ...]) -> Mapping[str, object]:
    """Return SPGRP, SURVEY and PROGRAM of the header.

    Raises
    ------
    InputError
        If the spectra are grouped in another way.
    """
    by_columns = known[-1] if "UNIQPIX" in table.schema else known[0]
    group = {"SPGRP": by_columns, **spectra_group(table, *known)}
    return {**group, **survey_and_program(table), **narrow_positions(table)}


_KEYWORDS = (*redshift.ZPIX.keywords, "SPECPROD")

_PIXEL = pl.col("HEALPIX") + 4 * pl.col("NSIDE").cast(pl.Int64) ** 2
_UNIQPIX = pl.col("SPGRP") == "uniqpix"


ZTILE: Final = replace(
    redshift.ZTILE,
    joined=(EXTRA,),
    match=("TARGETID", "TILEID"),
    derived={**redshift.ZTILE.derived, **_FITS},
    constants=_groups("cumulative"),
    keywords=_KEYWORDS,
    says_unused=True,
)

ZPIX: Final = replace(
    redshift.ZPIX,
    joined=(EXTRA,),
    match=("TARGETID",),
    derived={**redshift.ZPIX.derived, **_FITS, "spgrpval": (pl.col("SPGRPVAL"),)},
    checks=(
        *redshift.ZPIX.checks,
        Check("UNIQPIX", pl.col("UNIQPIX") != _PIXEL, "not HEALPIX + 4 NSIDE^2"),
        Check(
            "SPGRPVAL",
            _UNIQPIX & (pl.col("SPGRPVAL") != pl.col("UNIQPIX")),
            "not UNIQPIX, though SPGRP is 'uniqpix'",
        ),
        Check(
            "SPGRPVAL",
            ~_UNIQPIX & (pl.col("SPGRPVAL") != pl.col("HEALPIX")),
            "not HEALPIX, though SPGRP is 'healpix'",
        ),
    ),
    constants=_groups("healpix", "uniqpix"),
    keywords=_KEYWORDS,
    says_unused=True,
)

SOURCES: Final[Mapping[str, TableSource]] = {source.name: source for source in (ZTILE, ZPIX)}
"""What takes the place of the sources of the same names."""
