"""Hypothesis strategies of FITS columns: the stored bytes, and the values they have to become.

The expected values are made from the values, one by one, not from the bytes by a second reader.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from hypothesis import strategies as st

from support.raw_fits import RawColumn

# TFORM letter: type as stored, type in Polars; TZERO of the other signedness, type in Polars.
INTEGERS = {
    "B": (">u1", pl.UInt8, -128, pl.Int8),
    "I": (">i2", pl.Int16, 2**15, pl.UInt16),
    "J": (">i4", pl.Int32, 2**31, pl.UInt32),
    "K": (">i8", pl.Int64, 2**63, pl.UInt64),
}
FLOATS = {"E": (">f4", pl.Float32), "D": (">f8", pl.Float64)}
SPECIAL = [0.0, -0.0, np.nan, np.inf, -np.inf, 1e-42, 1.5, -9999.0, 3e38]
TEXTS = ["", " ", "dark", " lead", "in side ", "a\0b", "\0", "STAR  ", "été", "tab\t", "~" * 12]

Made = tuple[RawColumn, pl.Series]


def bytes_of(stored: np.ndarray) -> np.ndarray:
    """Stored values, shape (rows, ...), as bytes, shape (rows, width)."""
    width = stored.dtype.itemsize * int(np.prod(stored.shape[1:], dtype=int))
    return np.frombuffer(stored.tobytes(), np.uint8).reshape(len(stored), width)


def series(name: str, values: Sequence | np.ndarray, shape: tuple, dtype: type) -> pl.Series:
    flat = pl.Series(name.upper(), values, dtype=dtype)
    return flat.reshape(shape) if len(shape) > 1 else flat


@st.composite
def integers(draw: st.DrawFn, name: str, n_rows: int, repeat: int) -> Made:
    letter = draw(st.sampled_from(sorted(INTEGERS)))
    dtype, plain, zero, flipped = INTEGERS[letter]
    shape = (n_rows,) if repeat == 1 else (n_rows, repeat)
    count = n_rows * repeat
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    stored = np.frombuffer(rng.bytes(count * np.dtype(dtype).itemsize), dtype).reshape(shape)
    values = [int(value) for value in stored.reshape(-1)]
    kind = draw(st.sampled_from(["plain", "flipped", "TNULL"]))
    keywords: dict[str, object] = {}
    if kind == "flipped":
        keywords["TZERO"] = zero
        values = [value + zero for value in values]
    elif kind == "TNULL":
        null = keywords["TNULL"] = draw(st.sampled_from([*values[:3], 99, 2**40]))
        values = [None if value == null else value for value in values]
    column = RawColumn(name, f"{repeat}{letter}", bytes_of(stored), keywords)
    return column, series(name, values, shape, flipped if kind == "flipped" else plain)


@st.composite
def floats(draw: st.DrawFn, name: str, n_rows: int, repeat: int) -> Made:
    letter = draw(st.sampled_from(sorted(FLOATS)))
    dtype, polars = FLOATS[letter]
    shape = (n_rows,) if repeat == 1 else (n_rows, repeat)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    bits = rng.bytes(n_rows * repeat * np.dtype(dtype).itemsize)  # NaN payloads among them
    special = rng.choice(np.array(SPECIAL), shape).astype(dtype)
    stored = np.where(rng.random(shape) < 0.5, np.frombuffer(bits, dtype).reshape(shape), special)
    stored = stored.astype(dtype)
    keywords = draw(st.sampled_from([{}, {"TSCAL": 1.0, "TZERO": 0.0}]))
    tform = letter if repeat == 1 else f"{repeat}{letter}"
    native = stored.astype(np.dtype(dtype).newbyteorder("=")).reshape(-1)
    return RawColumn(name, tform, bytes_of(stored), keywords), series(name, native, shape, polars)


@st.composite
def logicals(draw: st.DrawFn, name: str, n_rows: int, repeat: int) -> Made:
    shape = (n_rows,) if repeat == 1 else (n_rows, repeat)
    count = n_rows * repeat
    stored = draw(st.lists(st.sampled_from(b"TF\0"), min_size=count, max_size=count))
    data = np.array(stored, np.uint8).reshape(shape)
    values = [byte == ord("T") for byte in stored]
    column = RawColumn(name, f"{repeat}L", bytes_of(data))
    return column, series(name, values, shape, pl.Boolean)


@st.composite
def texts(draw: st.DrawFn, name: str, n_rows: int, repeat: int) -> Made:
    vector = draw(st.sampled_from([0, 0, 1, 3]))
    count = n_rows * max(vector, 1)
    values = draw(st.lists(st.sampled_from(TEXTS), min_size=count, max_size=count))
    cut = [value.encode()[:repeat].decode(errors="ignore") for value in values]
    fill = draw(st.sampled_from([b" ", b"\0"]))
    stored = b"".join(value.encode().ljust(repeat, fill) for value in cut)
    width = repeat * max(vector, 1)
    data = np.frombuffer(stored, np.uint8).reshape(n_rows, width)
    keywords = {"TDIM": f"({repeat},{vector})"} if vector and repeat else {}
    if vector and not repeat:
        cut, vector = [""] * n_rows, 0
    shape = (n_rows, vector) if vector > 1 else (n_rows,)
    column = RawColumn(name, f"{width}A", data, keywords)
    return column, series(
        name, [value.partition("\0")[0].rstrip(" ") for value in cut], shape, pl.String
    )


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[RawColumn], pl.DataFrame]:
    """A table's stored columns and the frame that has to be read."""
    n_rows = draw(st.sampled_from([0, 1, 2, 7, 40]))
    made = []
    for number in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from([integers, floats, logicals, texts]))
        repeat = draw(st.sampled_from([1, 1, 2, 10, 0]))
        name = draw(st.sampled_from(["Z", "mixedCase", "TSNR2_LRG"])) + str(number)
        made.append(draw(kind(name, n_rows, repeat)))
    if n_rows and not any(column.data.shape[1] for column, _ in made):
        made.append(draw(integers("LAST", n_rows, 1)))  # rows of no bytes are refused
    return [column for column, _ in made], pl.DataFrame([values for _, values in made])
