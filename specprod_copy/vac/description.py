"""What a description says of a catalogue; see docs/value-added.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from specprod_copy.errors import ConfigurationError

WILD = frozenset("*?[")
"""What makes a name of a column a pattern."""

_PARAMETER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""A component of a path."""


@dataclass(frozen=True)
class Joined:
    """An HDU whose rows belong to those of a table's first one."""

    hdu: tuple[str, ...]
    file: str = ""
    by: tuple[str, ...] = ()
    how: str = "all"
    prefix: str = ""
    rename: tuple[tuple[str, str], ...] = ()
    drop: tuple[str, ...] = ()
    same: tuple[str, ...] = ()


@dataclass(frozen=True)
class ColumnRule:
    """What is said of a column; of several, where its name is a pattern."""

    source: str = ""
    """Name of the FITS column."""
    header: str = ""
    path: str = ""
    value: Any = None
    id: str = ""
    row: bool = False
    optional: bool = False
    absent: Any = None
    null: tuple[Any, ...] = ()
    nan: float | None = None

    @property
    def origins(self) -> list[str]:
        """What of it says where the values come from."""
        said = {
            "from": self.source,
            "header": self.header,
            "path": self.path,
            "id": self.id,
            "row": self.row,
        }
        return [key for key, value in said.items() if value] + ["value"] * (self.value is not None)


@dataclass(frozen=True)
class ReferenceRule:
    """What columns of a table refer to."""

    columns: tuple[str, ...]
    table: str
    keys: tuple[str, ...]
    orphans: str = "refuse"


@dataclass(frozen=True)
class TableRule:
    """How a table is made of files."""

    name: str
    sql: str
    files: tuple[str, ...]
    hdu: tuple[str, ...]
    position: tuple[str, ...] = ()
    filter: str = ""
    prefix: str = ""
    rename: tuple[tuple[str, str], ...] = ()
    drop: tuple[str, ...] = ()
    join: tuple[Joined, ...] = ()
    columns: Mapping[str, ColumnRule] = field(default_factory=dict)
    references: tuple[ReferenceRule, ...] = ()


@dataclass(frozen=True)
class Description:
    """A catalogue, as it is described."""

    name: str
    version: str
    tables: tuple[TableRule, ...]
    release: str = ""
    specprod: str = ""
    about: str = ""
    url: str = ""
    text: str = field(default="", compare=False, repr=False)
    """The TOML file."""
    sql: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """Text of each SQL file, by its name."""
    suffix: str = ""
    """Stands behind the names of tables: another version has them without it."""

    @property
    def parameters(self) -> dict[str, str]:
        """What stands in braces in paths, where it is known."""
        said = {"version": self.version, "release": self.release, "specprod": self.specprod}
        return {name: value for name, value in said.items() if value}

    def table(self, name: str) -> str:
        """Return the name that a table of the description has in the schema."""
        return f"{name}{self.suffix}"

    def with_parameters(self, **values: str | None) -> Self:
        """Return the same with another version, release, specprod or suffix, where one is given.

        Raises
        ------
        ConfigurationError
            If one of them cannot be part of a path, or of a name.
        """
        given = {name: value for name, value in values.items() if value is not None}
        suffix = given.get("suffix", self.suffix)
        if not re.fullmatch(r"[a-z0-9_]{0,20}", suffix):
            raise ConfigurationError(
                f"suffix {suffix!r}: only small letters, digits and _, at most 20"
            )
        for name, value in given.items():
            if name != "suffix":
                check_word(name, value, "the command line")
        return replace(self, **given)  # type: ignore[arg-type]


def check_word(key: str, value: str, where: str) -> None:
    """Raise a ConfigurationError if a value cannot be part of a path."""
    if not _PARAMETER.fullmatch(value):
        raise ConfigurationError(
            f"{where}: {key} {value!r} stands in paths: only letters, digits, '.', '_' and '-'"
        )
