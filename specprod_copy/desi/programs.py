"""The observing program of a tile, from the FAFLAVOR that fiberassign gave it.

The names settled with sv3; commissioning, sv1 and the special tiles have names of their own, which
are listed here. Source: ``desispec.io.meta.faflavor2program``, as of July 2025.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from specprod_copy.desi.domains import accepts

__all__ = [
    "DEFAULT_PROGRAM",
    "PROGRAM_RULES",
    "ProgramRule",
    "catalog_program",
    "faflavor2program",
]

DEFAULT_PROGRAM: Final = "other"


@dataclass(frozen=True)
class ProgramRule:
    """The FAFLAVORs of one program: those that end with its name, and a list of others."""

    program: str
    """The program, and the ending."""
    also: frozenset[str] = frozenset()
    """FAFLAVORs without that ending."""
    but_not: frozenset[str] = frozenset()
    """FAFLAVORs with that ending that do not belong to the program."""

    def holds(self, faflavor: pl.Expr) -> pl.Expr:
        """Return whether a FAFLAVOR belongs to the program."""
        named = faflavor.str.ends_with(self.program) & ~faflavor.is_in(sorted(self.but_not))
        return named | faflavor.is_in(sorted(self.also))


def _tertiary(numbers: Iterable[int]) -> frozenset[str]:
    return frozenset(f"specialtertiary{number}" for number in numbers)


# The tertiary programs up to 41, by the conditions that they were observed in.
_BRIGHT_TERTIARY = (3, 6, 8, 10, 12, 13, 19, 20, 22, 24, 28, 29, 30, 32, 33, 34, 36, 39)
_DARK_TERTIARY = (
    *(1, 2, 4, 5, 7, 9, 11, 14, 15, 16, 17, 18, 21, 23, 25, 26, 27, 31, 35, 37, 38, 40, 41),
)

PROGRAM_RULES: Final = (
    ProgramRule(
        "dark",
        also=frozenset(
            {"cmxelg", "cmxlrgqso", "sv1elg", "sv1elgqso", "sv1lrgqso", "sv1lrgqso2"}
            | {"specialm31", "specialodin"}
        )
        | _tertiary(_DARK_TERTIARY),
    ),
    ProgramRule(
        "bright",
        also=frozenset({"sv1bgsmws"}) | _tertiary(_BRIGHT_TERTIARY),
        but_not=frozenset({"sv1unwisebluebright"}),
    ),
    ProgramRule("backup", also=frozenset({"sv1backup1"})),
    ProgramRule("dark1b"),
    ProgramRule("bright1b"),
)
"""A later rule would override an earlier one, but no FAFLAVOR fulfils two."""

_IN_CATALOGS: Final = {"dark1b": "dark", "bright1b": "bright"}


def catalog_program(program: str) -> str:
    """Return the program under which redshift catalogs have the spectra of a tile.

    They know backup, bright, dark and other alone (``desispec.scripts.zcatalog``).

    Parameters
    ----------
    program : str
        Program of the tile.
    """
    return _IN_CATALOGS.get(program, program)


@dataclass(frozen=True)
class Text:
    """Any text; see `specprod_copy.desi.domains.Domain`."""

    def column(self, expr: pl.Expr) -> pl.Expr:
        """Return the column as text."""
        return expr.cast(pl.String)

    def constant(self, name: str, value: Any) -> pl.Expr:
        """Return one text."""
        if not isinstance(value, str):
            raise TypeError(f"{name} {value!r} is no text (a column is pl.col(...))")
        return pl.lit(value)


@accepts(faflavor=Text())
def faflavor2program(faflavor: pl.Expr) -> pl.Expr:
    """Return the program of a FAFLAVOR.

    Parameters
    ----------
    faflavor : polars.Expr or str
        FAFLAVOR without trailing blanks, e.g. ``maindark``.

    Returns
    -------
    polars.Expr or str
        ``dark``, ``bright``, ``backup``, ``dark1b``, ``bright1b`` or ``other``; a null FAFLAVOR is
        ``other``.

    Raises
    ------
    TypeError
        If a plain value is no text.
    """
    program = pl.lit(DEFAULT_PROGRAM)
    for rule in PROGRAM_RULES:
        program = pl.when(rule.holds(faflavor)).then(pl.lit(rule.program)).otherwise(program)
    return program
