"""Rules that several tables share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import polars as pl

from specprod_copy.desi import desiname, ids
from specprod_copy.desi.domains import Range
from specprod_copy.desi.production import survey_program_from_name
from specprod_copy.desi.programs import DEFAULT_PROGRAM, PROGRAM_RULES, catalog_program
from specprod_copy.errors import InputError
from specprod_copy.postgres.columns import Column
from specprod_copy.reader import Described, read_table
from specprod_copy.reader.keywords import values_of
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


def ranked_by(columns: Iterable[Column]) -> str:
    """Return the column of a table by which its primary spectra are ranked.

    It is EFFTIME_SPEC where the table has it, as the catalogs do since zcatalog v2, else TSNR2_LRG
    (``desispec.zcatalog.find_primary_spectra``).
    """
    names = {column.name for column in columns if column.type in ("float4", "float8")}
    return "efftime_spec" if "efftime_spec" in names else "tsnr2_lrg"


COEFFICIENTS = {"COEFF": 10}
"""How many coefficients of a spectrum's model the tables have columns for."""

DESINAME = ids.desiname(pl.col("TARGET_RA"), pl.col("TARGET_DEC"))
"""Name of a target by its position."""

_NARROW = "narrow?"

DESINAMES = (
    # Of 4-byte positions one name in twenty gets another last digit. A shorter name is one of those
    # that desiutil before 3.5 made wrongly.
    pl.when(pl.col(_NARROW) & (pl.col("DESINAME").str.len_bytes() == desiname.LENGTH))
    .then(pl.col("DESINAME"))
    .otherwise(DESINAME),
    DESINAME,
)
"""The ways of making a name: that of the file, where its positions are narrow; by the position."""


def narrow_positions(table: Described) -> Mapping[str, object]:
    """Return the constant that lets the names of a file count."""
    has_names = table.schema.get("DESINAME") == pl.String
    return {_NARROW: True} if _is_narrow(table) and has_names else {}


def note_narrow_positions(table: Described) -> Sequence[str]:
    """Return the note that names are not made by the position, or not exactly."""
    if not _is_narrow(table):
        return ()
    narrow = "TARGET_RA and TARGET_DEC have 4 bytes"
    if narrow_positions(table):
        return (f"{narrow}: names are those of its column DESINAME, as far as they are whole",)
    return (f"{narrow}: last digits of names that are made of them may differ from the right ones",)


def _is_narrow(table: Described) -> bool:
    return any(table.schema.get(name) == pl.Float32 for name in ("TARGET_RA", "TARGET_DEC"))


def absent_bitmasks() -> dict[str, tuple[pl.Expr, ...]]:
    """Return how bitmask columns are made: copied, or 0 where the file does not have them."""
    return {name: (pl.col(name.upper()), pl.lit(0, dtype=pl.Int64)) for name in BITMASKS}


def known_survey() -> Check:
    """Return the rule that SURVEY is one with a code."""
    known = ", ".join(ids.SURVEYS)
    return Check("SURVEY", ids.surveyid(pl.col("SURVEY")).is_null(), f"none of {known}")


def usual_program() -> Check:
    """Return the rule that PROGRAM is one that tiles have: tables are joined on it."""
    known = [*sorted(rule.program for rule in PROGRAM_RULES), DEFAULT_PROGRAM]
    code = pl.col("PROGRAM").cast(pl.String).cast(pl.Enum(known), strict=False)
    return Check("PROGRAM", code.is_null(), f"none of {', '.join(known)}")


def odd_words(*columns: str) -> Callable[[Described], Sequence[str]]:
    """Return what notes how many words in text columns are blank, unknown or have capitals."""

    def notes(table: Described) -> list[str]:
        names = [name for name in columns if table.schema.get(name) == pl.String]
        if not names:
            return []
        try:
            words = read_table(table.path, (table.hdu,) if table.hdu else (), names)
        except InputError:
            return []  # It is refused, or put into quarantine, when it is loaded.
        found = []
        for name in names:
            word = pl.col(name)
            odd = words.filter(
                word.is_null() | word.is_in(["", "unknown"]) | (word != word.str.to_lowercase())
            )[name]
            if len(odd):
                number = f"{len(odd):,} row" + "s" * (len(odd) > 1)
                found.append(
                    f"{name} is blank, unknown or has capitals in {number}, e.g. {odd[0]!r}"
                )
        return found

    return notes


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


_SAID = " said?"


def as_said(*columns: str) -> tuple[Check, ...]:
    """Return the rules that columns have what the header or the name of the file says."""
    reason = "not what the header or the name of the file says"
    return tuple(Check(name, pl.col(name) != pl.col(name + _SAID), reason) for name in columns)


def to_compare(said: Mapping[str, object]) -> Mapping[str, object]:
    """Return the constants that let `as_said` compare columns with what a file says."""
    return {name + _SAID: value for name, value in said.items()}


def keyword(table: Described, name: str) -> object:
    """Return a keyword of a header, None where it is not there or has no value.

    Raises
    ------
    InputError
        If the primary header of the file says something else.
    """
    said = values_of(table.header, name)
    # What the catalogs call dark may be dark1b in one of the two, and dark in the other.
    if len({catalog_program(str(value).strip()) for value in said}) > 1:
        raise InputError(
            f"{name} is {said[0]!r} in its header, and {said[1]!r} in the primary header",
            path=table.path,
            hdu=table.hdu,
        )
    return said[0] if said else None


def keywords(table: Described, *names: str) -> dict[str, str]:
    """Return those of some keywords that a header has, as text; errors as for `keyword`."""
    found = {name: keyword(table, name) for name in names}
    return {name: str(value).strip() for name, value in found.items() if value is not None}


SURVEY_AND_PROGRAM = ("SURVEY", "PROGRAM")

CATALOG_KEYWORDS = (*SURVEY_AND_PROGRAM, "SPGRP")
"""What redshift catalogs say in their headers."""


def spectra_group(table: Described, *groups: str) -> Mapping[str, object]:
    """Return SPGRP of a header, if it is there; raise an InputError if it is none of the groups."""
    said = keywords(table, "SPGRP")
    if said and said["SPGRP"] not in groups:
        allowed = " or ".join(map(repr, groups))
        raise InputError(
            f"SPGRP is {said['SPGRP']!r}, not {allowed}", path=table.path, hdu=table.hdu
        )
    return said


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
        SURVEY and PROGRAM, if the catalog has no such columns; what `as_said` compares with them.

    Raises
    ------
    InputError
        If the catalog does not say it in any of these ways, or its header contradicts its name.
    """
    names = SURVEY_AND_PROGRAM
    said = keywords(table, *names)
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
        return to_compare({**named, **said})
    for found in (said, named):
        if len(found) == len(names):
            return {**found, **to_compare(found)}
    missing = ", ".join(name for name in names if name not in table.schema)
    message = f"no column {missing}, no such keyword, and the name of the file tells neither"
    raise InputError(message, path=table.path, hdu=table.hdu) from unnamed
