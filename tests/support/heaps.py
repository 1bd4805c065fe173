"""FITS tables whose arrays lie in a heap, made by hand: of any length, in any order, with gaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from hypothesis import strategies as st

from support.raw_columns import INTEGERS, SPECIAL
from support.raw_fits import RawColumn, hdu_bytes, table_header, write

KINDS = {
    "L": pl.Boolean,
    **{letter: plain for letter, (_, plain, _, _) in INTEGERS.items()},
    **{f"{letter}0": flipped for letter, (_, _, _, flipped) in INTEGERS.items()},
    "E": pl.Float32,
    "D": pl.Float64,
    "I2": pl.Float64,  # scaled
    "A": pl.String,
}
"""TFORM letter, and what else tells the column, to the type of an element in Polars."""


@dataclass
class HeapColumn:
    """A column of arrays: what they are, and the bytes that each has in the heap."""

    name: str
    kind: str
    arrays: list[list]
    descriptor: str = "P"

    @property
    def keywords(self) -> dict[str, object]:
        if self.kind[1:] == "0":
            return {"TZERO": INTEGERS[self.kind[0]][2]}
        return {"TSCAL": 0.5, "TZERO": 3} if self.kind == "I2" else {}

    @property
    def series(self) -> pl.Series:
        if self.kind == "A":
            return pl.Series(self.name, ["".join(array) for array in self.arrays], dtype=pl.String)
        return pl.Series(self.name, self.arrays, dtype=pl.List(KINDS[self.kind]))

    def pieces(self) -> list[bytes]:
        """What each row has in the heap."""
        return [b"".join(self._stored(value) for value in array) for array in self.arrays]

    def _stored(self, value) -> bytes:
        letter = self.kind[0]
        if letter == "A":
            return value.encode()
        if letter == "L":
            return b"T" if value else b"F"
        if letter in "ED":
            return np.array(value, {"E": ">f4", "D": ">f8"}[letter]).tobytes()
        if self.kind == "I2":
            value = round((value - 3) / 0.5)
        value -= self.keywords.get("TZERO", 0) if self.kind[1:] == "0" else 0
        return np.array(value, INTEGERS[letter][0]).tobytes()


def write_heap(
    path: Path, columns: Sequence[HeapColumn], order: Sequence[int] = (), gap: int = 0, **extra
) -> Path:
    """Write a table with a heap in which the pieces lie in some order, `gap` bytes apart."""
    pieces = [piece for column in columns for piece in column.pieces()]
    places, heap = {}, bytes(gap)
    for number in order or range(len(pieces)):
        places[number] = len(heap)
        heap += pieces[number] + bytes([170]) * gap
    raw, number = [], 0
    for column in columns:
        rows = [(len(a), places[number + n]) for n, a in enumerate(column.arrays)]
        number += len(rows)
        dtype = ">i4" if column.descriptor == "P" else ">i8"
        data = np.array(rows, dtype).reshape(len(rows), 2).view(np.uint8)
        longest = max([1, *map(len, column.arrays)])
        form = f"1{column.descriptor}{column.kind[0]}({longest})"
        raw.append(RawColumn(column.name, form, data, column.keywords))
    table = np.concatenate([column.data for column in raw], axis=1).tobytes()
    header = table_header(raw, len(columns[0].arrays))
    between = gap * 2
    header["PCOUNT"] = between + len(heap)
    header["THEAP"] = len(table) + between
    for key, value in extra.items():
        header[key] = value
    return write(path, hdu_bytes(header, table + bytes(between) + heap))


def elements(kind: str) -> st.SearchStrategy:
    if kind == "L":
        return st.booleans()
    if kind == "A":
        return st.sampled_from("abc Z-9")
    if kind == "E":
        return st.sampled_from([*SPECIAL]) | st.floats(width=32)
    if kind == "D":
        return st.floats()
    if kind == "I2":
        return st.integers(-(2**15), 2**15 - 1).map(lambda stored: 0.5 * stored + 3)
    dtype, _, zero, _ = INTEGERS[kind[0]]
    info = np.iinfo(dtype)
    shift = zero if kind[1:] else 0
    return st.integers(int(info.min) + shift, int(info.max) + shift)


@st.composite
def heap_columns(draw: st.DrawFn, n_rows: int | None = None) -> list[HeapColumn]:
    n_rows = draw(st.sampled_from([1, 2, 5])) if n_rows is None else n_rows
    made = []
    for number in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(sorted(KINDS)))
        arrays = draw(
            st.lists(st.lists(elements(kind), max_size=6), min_size=n_rows, max_size=n_rows)
        )
        if kind == "A":
            arrays = [list("".join(array).rstrip(" ")) for array in arrays]
        made.append(HeapColumn(f"C{number}", kind, arrays, draw(st.sampled_from("PQ"))))
    return made
