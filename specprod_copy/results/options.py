"""What a query is run with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

from specprod_copy.errors import ConfigurationError
from specprod_copy.option import Option
from specprod_copy.results.own_lists import parse_list

_WHOLE_SKY: Final = 180 * 3600
"""Radius of the largest cone [arcsec]."""


def parse_cone(text: str) -> tuple[float, float, float]:
    """Return right ascension, declination and radius [deg] of a cone.

    Raises
    ------
    ValueError
    """
    try:
        ra, dec, radius = (float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"{text!r}: wanted are three numbers, RA,DEC,RADIUS") from None
    if not (0 <= ra <= 360 and -90 <= dec <= 90 and 0 < radius <= 180):
        raise ValueError(f"{text}: RA is in [0, 360], DEC in [-90, 90], RADIUS in (0, 180]")
    return ra, dec, radius


def parse_radius(text: str) -> float:
    """Return a radius [arcsec].

    Raises
    ------
    ValueError
    """
    radius = float(text)
    if not 0 < radius <= _WHOLE_SKY:
        raise ValueError(f"{text}: must be above 0, and at most {_WHOLE_SKY:,} arcsec, or 180 deg")
    return radius


@dataclass(frozen=True)
class QueryOptions:
    """How to run a query, and what to do with its result."""

    schema: Annotated[
        str | None,
        Option(
            "-s --schema",
            "Schema whose tables need no schema in front of their names.",
            variable="SPECPROD",
        ),
    ] = None
    output: Annotated[
        Path | None,
        Option(
            "-o --output",
            "File for the result: .parquet, .fits, .ecsv, .vot or .csv; - for standard output, "
            "with --format.",
        ),
    ] = None
    format: Annotated[
        str | None,
        Option(
            "--format",
            "Format of the file, where its name does not say it.",
            choices=("parquet", "fits", "ecsv", "votable", "csv"),
        ),
    ] = None
    overwrite: Annotated[bool, Option("--overwrite", "Replace an existing file.")] = False
    keep_9999: Annotated[
        bool,
        Option(
            "--keep-9999",
            "Leave -9999 where the loader has put it for NaN and infinities; else it is null.",
        ),
    ] = False
    lists: Annotated[
        tuple[tuple[str, Path], ...],
        Option(
            "--with",
            "List of your own that the query sees as a table: FITS, CSV, ECSV, Parquet or VOTable, "
            "names of columns in small letters; may be given several times.",
            metavar="NAME=FILE",
            parse=parse_list,
            several=True,
        ),
    ] = ()
    table: Annotated[
        str | None,
        Option("-t --table", "With --cone or --match, instead of SQL: the table to search."),
    ] = None
    cone: Annotated[
        tuple[float, float, float] | None,
        Option(
            "--cone",
            "Rows of --table within RADIUS of a position, in degrees, with q3c or without.",
            metavar="RA,DEC,RADIUS",
            parse=parse_cone,
        ),
    ] = None
    match: Annotated[
        str | None,
        Option(
            "--match",
            "Rows of --table near those of a list (--with), whose columns ra and dec are in "
            "degrees; with the columns of the list, and the distance.",
            metavar="NAME",
        ),
    ] = None
    radius: Annotated[
        float,
        Option(
            "--radius", "With --match: how near [arcsec].", metavar="ARCSEC", parse=parse_radius
        ),
    ] = 1.0
    parameters: Mapping[str, object] = field(default_factory=dict)
    """Values of what stands as ``%(name)s`` in the query; then a ``%`` is written ``%%``."""

    def __post_init__(self) -> None:
        try:
            parse_radius(str(self.radius))
            if self.cone is not None:
                parse_cone(",".join(map(str, self.cone)))
        except ValueError as error:
            raise ConfigurationError(str(error)) from error
        names = [name for name, _ in self.lists]
        if double := [name for name in names if names.count(name) > 1]:
            raise ConfigurationError(
                f"several lists are called {double[0]}: give each its own name"
            )
        if self.is_search and self.parameters:
            raise ConfigurationError("parameters are for SQL; a cone or a match takes none")

    @property
    def is_search(self) -> bool:
        """Whether a table is searched by position, instead of SQL."""
        return any(given is not None for given in (self.table, self.cone, self.match))
