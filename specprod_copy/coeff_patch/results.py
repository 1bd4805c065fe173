"""What comparing, applying and taking back a patch tell."""

from __future__ import annotations

from dataclasses import dataclass

from specprod_copy.coeff_patch.patches import Patch


@dataclass(frozen=True)
class Counts:
    """Numbers of rows that have to agree."""

    table: int
    values: int
    joined: int
    """Rows of a table, rows of the values for it, and rows of both joined on id."""

    @property
    def match(self) -> bool:
        """Whether every row of the table has its values, and there are no others."""
        return self.table == self.values == self.joined


@dataclass(frozen=True)
class SampleRow:
    """The ten coefficients of a row before and after a patch."""

    id: int
    before: tuple[float, ...]
    after: tuple[float, ...]


@dataclass(frozen=True)
class Comparison:
    """How a table and its patch compare."""

    patch: Patch
    counts: Counts
    differing: int
    """Rows whose coefficients are not those of the patch."""
    samples: list[SampleRow]
    """The first few of them, by id."""


@dataclass(frozen=True)
class Applied:
    """What applying a patch did."""

    patch: Patch
    rows: int
    changed: int
    """Rows that got other coefficients."""
    saved: int
    """Rows whose old coefficients were saved; less than changed if they had been saved before."""


@dataclass(frozen=True)
class Reverted:
    """What taking back a patch did."""

    patch: Patch
    saved: int
    """Rows whose old coefficients are saved."""
    changed: int
    """Rows that got them back."""
