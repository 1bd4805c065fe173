"""Rules that several tables share."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from specprod_copy.desi import desiname, ids
from specprod_copy.desi.domains import Range
from specprod_copy.desi.production import survey_program_from_name
from specprod_copy.errors import InputError
from specprod_copy.reader import Described
from specprod_copy.tables.source import NOT_FINITE, Check

NO_SKY = ids.no_sky(pl.col("TARGETID"))
"""Rows of science targets: not blank sky, and no negative TARGETID (a stuck positioner)."""

TARGETPHOTID = ids.targetphotid(pl.col("SURVEY"), pl.col("TILEID"), pl.col("TARGETID"))
"""Id of a target on a tile."""

BITMASKS = (
    "cmx_target",
    *(f"{kind}_target" for kind in ("desi", "bgs", "mws", "scnd")),
    *(f"sv{n}_{kind}_target" for n in (1, 2, 3) for kind in ("desi", "bgs", "mws", "scnd")),
)
"""Targeting bitmasks; a file has those of its survey."""

PRIMARY = {
    f"{scope}_{kind}": (pl.col(f"{scope}_{kind}".upper()), pl.lit(default))
    for scope in ("sv", "main", "zcat")
    for kind, default in (("nspec", 0), ("primary", False))
}
"""Number of spectra of a target and choice of the best one; a file may lack some scopes."""

COMPUTED: Mapping[str, tuple[str, ...]] = {"primary": tuple(PRIMARY)}
"""SQL template that runs after the rows to the columns that it computes."""

COEFFICIENTS = {"COEFF": 10}
"""How many coefficients of a spectrum's model the tables have columns for."""

DESINAME = ids.desiname(pl.col("TARGET_RA"), pl.col("TARGET_DEC"))
"""Name of a target by its position."""


def absent_bitmasks() -> dict[str, tuple[pl.Expr, ...]]:
    """Return how bitmask columns are made: copied, or 0 where the file does not have them."""
    return {name: (pl.col(name.upper()), pl.lit(0, dtype=pl.Int64)) for name in BITMASKS}


def known_survey() -> Check:
    """Return the rule that SURVEY is one with a code."""
    known = ", ".join(ids.SURVEYS)
    return Check("SURVEY", ids.surveyid(pl.col("SURVEY")).is_null(), f"none of {known}")


def known_program() -> Check:
    """Return the rule that PROGRAM is one with a code."""
    known = ", ".join(ids.PROGRAMS)
    return Check("PROGRAM", ids.programid(pl.col("PROGRAM")).is_null(), f"none of {known}")


def within(column: str, domain: Range, otherwise: str = "no id") -> Check:
    """Return the rule that a part of an id, or of a name, is one that the formula takes."""
    inside = pl.col(column).is_between(domain.low, domain.high, domain.closed)
    return Check(column, ~inside, f"not in {domain}, {otherwise}")


def named_position() -> tuple[Check, Check]:
    """Return the rules that a position has a DESINAME."""
    return (
        within("TARGET_RA", desiname.RA, "no DESINAME"),
        within("TARGET_DEC", desiname.DEC, "no DESINAME"),
    )


def position(ra: str, dec: str) -> tuple[Check, Check]:
    """Return the rules that a position is on the sky, or not known.

    q3c would put other numbers somewhere: a declination of 95 to the pole, where it is never found.
    Not known are NaN, and the number that it becomes.

    Parameters
    ----------
    ra, dec : str
        The columns, in degrees.
    """
    return _on_the_sky(ra, 0.0, 360.0), _on_the_sky(dec, -90.0, 90.0)


def _on_the_sky(column: str, low: float, high: float) -> Check:
    value = pl.col(column)
    bad = ~(value.is_between(low, high) | (value == NOT_FINITE))
    return Check(column, bad, f"not in [{low}, {high}], no position on the sky")


SURVEY_AND_PROGRAM = ("SURVEY", "PROGRAM")

CATALOG_KEYWORDS = (*SURVEY_AND_PROGRAM, "SPGRP")
"""What redshift catalogs say in their headers."""


def refuse_other_group(table: Described, group: str) -> None:
    """Raise an InputError if a header says that the spectra are of another group."""
    said = str(table.header.get("SPGRP", group)).strip()
    if said != group:
        raise InputError(f"SPGRP is {said!r}, not {group!r}", path=table.path, hdu=table.hdu)


def survey_and_program(table: Described) -> Mapping[str, object]:
    """Return SURVEY and PROGRAM of a catalog of one survey and program.

    They are keywords of its header or, failing that, parts of its name, if it is named like that.

    Parameters
    ----------
    table : Described
        A redshift catalog.

    Returns
    -------
    mapping
        Empty if the catalog has the columns itself.

    Raises
    ------
    InputError
        If the catalog does not say it in any of these ways, or its header contradicts its name.
    """
    names = SURVEY_AND_PROGRAM
    said = {name: str(table.header[name]).strip() for name in names if name in table.header}
    unnamed: InputError | None = None
    named: dict[str, str] = {}
    try:
        named = dict(zip(names, survey_program_from_name(table.path), strict=True))
    except InputError as error:
        unnamed = error
    for name in names:
        if name in said and name in named and said[name] != named[name]:
            raise InputError(
                f"{name} is {said[name]!r} in its header, and {named[name]!r} in its name",
                path=table.path,
                hdu=table.hdu,
            )
    if all(name in table.schema for name in names):
        return {}
    for found in (said, named):
        if len(found) == len(names):
            return found
    missing = ", ".join(name for name in names if name not in table.schema)
    message = f"no column {missing}, no such keyword, and the name of the file tells neither"
    raise InputError(message, path=table.path, hdu=table.hdu) from unnamed
