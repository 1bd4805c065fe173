"""What tables are made of, as the comparison needs to know it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.copy import Destination
from specprod_copy.progress import ProgressListener


class Origin(Protocol):
    """What tables were made of."""

    tables: Sequence[str]
    """The tables to adopt, in the order in which they are to be compared."""
    left_out: Sequence[str]
    """Tables without a row, for which there are files."""

    def advice(self, table: str) -> str:
        """Return what to do about a table that is not what its files give."""

    @property
    def outdated(self) -> Mapping[int, str]:
        """Tiles whose rows are taken over as they are, and why; known after `plan`."""

    def plan(self, columns: Mapping[str, Sequence[Column]]) -> tuple[int, int]:
        """Find the files, and return how many rows and bytes are to be read; 0 if not known."""

    def computed_by(self, table: str) -> Sequence[str]:
        """Return the procedures that have derived columns of a table."""

    def send(
        self,
        table: str,
        destination: Destination,
        columns: Sequence[Column],
        listener: ProgressListener,
    ) -> int:
        """Send all rows that a table is to have; return how many.

        Raises
        ------
        InputError
            If a file cannot be read, or holds what the table does not accept.
        """

    def record(self) -> None:
        """Write the ledger: what was sent."""
