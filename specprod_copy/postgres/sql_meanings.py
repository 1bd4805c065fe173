"""What statements of a table's SQL file may say about a schema."""

from __future__ import annotations

from dataclasses import dataclass

from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.schema import Index, Made, Part


@dataclass(frozen=True)
class TableDefined:
    """``CREATE TABLE``."""

    table: str
    columns: tuple[Column, ...]
    parts: tuple[Part, ...]
    """Constraints that are defined with the table."""
    partitioned_by: tuple[str, ...] = ()
    """Columns whose hash tells which partition a row is in."""


@dataclass(frozen=True)
class PartitionDefined:
    """``CREATE TABLE ... PARTITION OF``."""

    table: str
    """The table that it is a partition of."""


@dataclass(frozen=True)
class PartAdded:
    """``CREATE INDEX``, or ``ALTER TABLE ... ADD CONSTRAINT``."""

    table: str
    part: Part
    using: str = ""
    """Name of the index that becomes a key: the key's columns are those of the index."""

    @property
    def made(self) -> Made:
        """What the statement makes."""
        return Made(
            self.table, "index" if isinstance(self.part, Index) else "constraint", self.part.name
        )


@dataclass(frozen=True)
class Validated:
    """``ALTER TABLE ... VALIDATE CONSTRAINT``."""

    table: str
    name: str

    @property
    def made(self) -> Made:
        """What the statement makes."""
        return Made(self.table, "validation", self.name)


@dataclass(frozen=True)
class Commented:
    """``COMMENT ON TABLE`` or ``COMMENT ON COLUMN``."""

    table: str
    column: str
    """Empty for the table itself."""
    comment: str


Meaning = TableDefined | PartitionDefined | PartAdded | Validated | Commented | None
