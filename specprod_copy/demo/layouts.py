"""Layouts of the files: which columns an HDU has, and how rows are packed into its records."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Columns = Mapping[str, Any]
"""Column name to an array of one entry per row, or to a scalar that holds for all rows."""

#: The bitmask columns of the main survey; those of SV1 are SV1_DESI_TARGET and so on.
MASKS = ("DESI_TARGET", "BGS_TARGET", "MWS_TARGET", "SCND_TARGET")
SV_SURVEYS = ("sv1", "sv2", "sv3")

_NUMPY = {"L": "u1", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}


@dataclass(frozen=True)
class LayoutColumn:
    """A column of a FITS binary table: TTYPEn, TFORMn and TUNITn."""

    name: str
    tform: str
    unit: str

    @property
    def repeat(self) -> int:
        """Number of elements; for text the number of characters."""
        return int(self.tform[:-1] or 1)

    @property
    def numpy(self) -> tuple[Any, ...]:
        """Field of a NumPy structured dtype."""
        if self.tform.endswith("A"):
            return self.name, f"S{self.repeat}"
        kind = _NUMPY[self.tform[-1]]
        return (self.name, kind) if self.repeat == 1 else (self.name, kind, (self.repeat,))


@dataclass(frozen=True)
class Layout:
    """The columns of one HDU."""

    extname: str
    columns: tuple[LayoutColumn, ...]
    optional: frozenset[str] = frozenset()
    """Columns that only some files have."""

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """Record type, big-endian as in the file."""
        return np.dtype([column.numpy for column in self.columns])

    def where(self, keep: Callable[[str], bool]) -> Layout:
        """Return the layout without the optional columns whose name fails `keep`."""
        kept = tuple(c for c in self.columns if c.name not in self.optional or keep(c.name))
        return replace(self, columns=kept)

    def renamed(self, names: Mapping[str, str]) -> Layout:
        """Return the layout with new column names; a column whose new name is empty is dropped."""
        renamed = ((names.get(c.name, c.name), c) for c in self.columns)
        return replace(self, columns=tuple(replace(c, name=n) for n, c in renamed if n))

    def pack(self, columns: Columns, n: int) -> Array:
        """Return `n` records; `columns` has values for every column of the layout."""
        records = np.zeros(n, self.dtype)
        for column in self.columns:
            values = columns[column.name]
            if column.tform == "L":  # a logical is the letter T or F
                values = np.where(values, ord("T"), ord("F"))
            records[column.name] = values
        return records


class RowValues(Mapping[str, Any]):
    """Selected rows of columns, gathered when they are asked for.

    The columns of `own` have values of the selected rows only; they come in addition, or instead.
    """

    def __init__(self, columns: Columns, rows: Array | slice, own: Columns | None = None) -> None:
        self._columns = columns
        self._rows = rows
        self._own = own or {}

    def __getitem__(self, name: str) -> Any:
        if name in self._own:
            return self._own[name]
        values = self._columns[name]
        return values[self._rows] if isinstance(values, np.ndarray) and values.ndim else values

    def __iter__(self) -> Iterator[str]:
        return iter({**self._columns, **self._own})

    def __len__(self) -> int:
        return len({**self._columns, **self._own})


FILES = ("layouts.toml", "zcatalog_v2.toml")
"""The packaged layouts."""


def load_layouts(types: str = "") -> dict[str, Layout]:
    """Read the packaged layouts.

    `types` takes other types where they differ: ``edr`` those of the Early Data Release, ``wide``
    those of redrock before 0.22 for catalogs of the second format.
    """
    raw: dict[str, Any] = {}
    for name in FILES:
        raw |= tomllib.loads(files(__package__).joinpath(name).read_text("utf-8"))

    def columns(name: str) -> list[list[str]]:
        entry = raw[name]
        base = columns(entry["like"]) if "like" in entry else []
        old = entry.get(types, {})
        own = [[c, old.get(c, tform), unit] for c, tform, unit in entry.get("columns", [])]
        without = {"", *entry.get("without", [])}
        return [c for c in base if c[0] not in without] + [c for c in own if c[1]]

    def optional(name: str) -> set[str]:
        entry = raw[name]
        base = optional(entry["like"]) if "like" in entry else set()
        return base | set(entry.get("optional", []))

    return {
        name: Layout(
            entry["extname"],
            tuple(LayoutColumn(*c) for c in columns(name)),
            frozenset(optional(name)),
        )
        for name, entry in raw.items()
    }


def mask_names(survey: str) -> dict[str, str]:
    """Return what the bitmask columns are called in a file of that survey only.

    ``special`` uses the bitmasks of ``main``; ``cmx`` has a single one, the others have no name.
    """
    if survey == "cmx":
        return dict.fromkeys(MASKS, "") | {"DESI_TARGET": "CMX_TARGET"}
    prefix = f"{survey.upper()}_" if survey in SV_SURVEYS else ""
    return {name: f"{prefix}{name}" for name in MASKS}


def has_column(name: str, surveys: Collection[str]) -> bool:
    """Tell whether an optional column is present in a file that holds these surveys.

    The rule of the data model: bitmasks and counts of a survey are present where the survey is;
    SCND_TARGET, an optional column of per-survey files, belongs to ``main`` and ``special``.
    """
    if name == "CMX_TARGET":
        return "cmx" in surveys
    if name.startswith("SV_"):
        return any(survey in SV_SURVEYS for survey in surveys)
    if name.startswith(("SV1_", "SV2_", "SV3_")):
        return name[:3].lower() in surveys
    if name.startswith("MAIN_"):
        return "main" in surveys
    if name == "SCND_TARGET":
        return "main" in surveys or "special" in surveys
    return True
