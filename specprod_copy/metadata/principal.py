"""The columns that most people want, of tables that have a hundred."""

from __future__ import annotations

from typing import Final

_SPECTRUM: Final = ("id", "targetid", "survey", "program", "z", "zerr", "zwarn", "spectype")
_FLUXES: Final = ("flux_g", "flux_r", "flux_z", "flux_w1", "flux_w2")

PRINCIPAL: Final = {
    "tile": ("tileid", "survey", "program", "tilera", "tiledec", "lastnight", "efftime_spec"),
    "exposure": ("expid", "night", "tileid", "survey", "program", "exptime", "efftime_spec"),
    "frame": ("frameid", "expid", "camera", "tsnr2_lrg"),
    "photometry": ("targetid", "ra", "dec", "morphtype", "ebv", *_FLUXES),
    "target": ("id", "targetid", "survey", "program", "tileid", "desi_target"),
    "zpix": (*_SPECTRUM, "deltachi2", "healpix", "zcat_primary"),
    "ztile": (*_SPECTRUM, "deltachi2", "tileid", "zcat_primary"),
    "fiberassign": ("id", "tileid", "targetid", "fiber", "target_ra", "target_dec"),
    "potential": ("id", "tileid", "targetid", "fiber"),
}
_POSITION: Final = ("ra", "dec")


def is_principal(table: str, column: str) -> bool:
    """Say whether a column is one of those that most people want.

    Parameters
    ----------
    table, column : str
        Names. Of a table that is not the project's, and of its views, every column is.
    """
    return table not in PRINCIPAL or column in (*PRINCIPAL[table], *_POSITION)
