"""What derives columns of loaded tables from other rows of the database, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from specprod_copy.tables.common import BITMASKS, COEFFICIENTS, PRIMARY


@dataclass(frozen=True)
class Procedure:
    """Something that writes columns of a loaded table by a rule of its own.

    The rule is the template ``rules/NAME.sql``: a query of targetid, id and columns as they should
    be. Rows that it does not have keep what they have.
    """

    name: str
    columns: Mapping[str, tuple[str, ...]]
    """Table to the columns that are derived."""
    command: str
    """What runs it, with the place of the schema's name."""
    source: str = ""
    """The table that it takes values from, if that is another one of the schema."""
    complete: bool = True
    """Whether each row has to have values by the rule."""


_COEFFICIENTS: Final = tuple(
    f"{name.lower()}_{n}" for name, number in COEFFICIENTS.items() for n in range(number)
)

PROCEDURES: Final[Mapping[str, Procedure]] = {
    procedure.name: procedure
    for procedure in (
        Procedure(
            "primary",
            {"zpix": tuple(PRIMARY), "ztile": tuple(PRIMARY)},
            "specprod-copy primary --schema {schema}",
        ),
        Procedure(
            "target_bitmasks",
            {"zpix": BITMASKS},
            "psql -v schema={schema} -f scripts/target_bitmasks.sql",
            source="target",
            complete=False,
        ),
        Procedure(
            "coeff",
            {"zpix": _COEFFICIENTS, "ztile": _COEFFICIENTS},
            "specprod-copy patch coeff apply",
        ),
    )
}
"""The procedures by name."""

OF_TILES: Final[Mapping[str, tuple[str, ...]]] = {"ztile": ("primary",)}
"""Table to the procedures that loading single tiles runs."""
