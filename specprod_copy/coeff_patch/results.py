"""What comparing, applying and taking back a patch tell."""

from __future__ import annotations

from dataclasses import dataclass

from specprod_copy.coeff_patch.patches import Patch


@dataclass(frozen=True)
class Counts:
    """Numbers of rows that have to agree.

    Parameters
    ----------
    table, values, joined : int
        Rows of a table, rows of the values for it, and rows of both joined on id.
    """

    table: int
    values: int
    joined: int

    @property
    def match(self) -> bool:
        """Whether every row of the table has its values, and there are no others."""
        return self.table == self.values == self.joined


@dataclass(frozen=True)
class SampleRow:
    """A row before and after a patch.

    Parameters
    ----------
    id : int
    before, after : tuple of float
        The ten coefficients.
    """

    id: int
    before: tuple[float, ...]
    after: tuple[float, ...]


@dataclass(frozen=True)
class Comparison:
    """How a table and its patch compare.

    Parameters
    ----------
    patch : Patch
    counts : Counts
    differing : int
        Rows whose coefficients are not those of the patch.
    samples : list of SampleRow
        The first few of them, by id.
    """

    patch: Patch
    counts: Counts
    differing: int
    samples: list[SampleRow]


@dataclass(frozen=True)
class Applied:
    """What applying a patch did.

    Parameters
    ----------
    patch : Patch
    rows : int
        Rows of the table.
    changed : int
        Rows that got other coefficients.
    saved : int
        Rows whose old coefficients were saved; less than changed if they had been saved before.
    """

    patch: Patch
    rows: int
    changed: int
    saved: int


@dataclass(frozen=True)
class Reverted:
    """What taking back a patch did.

    Parameters
    ----------
    patch : Patch
    saved : int
        Rows whose old coefficients are saved.
    changed : int
        Rows that got them back.
    """

    patch: Patch
    saved: int
    changed: int
