"""Tables with values at and beyond the limits of every type, and columns of every other type."""

from __future__ import annotations

import warnings
from pathlib import Path
from random import Random

import numpy as np
from astropy.io import fits
from astropy.table import Column, Table

NUMBERS = [0, 1, -1, 2**15 - 1, 2**15, 2**16, 2**31 - 1, 2**31, -(2**31) - 1, 2**32, 2**53, 2**59]
NUMBERS += [2**63 - 1, -(2**63), 2**63, 2**64 - 1, 0.5, np.nan, np.inf, -np.inf, 1e300, 1e-310]
NUMBERS += [3.4e38, 3.5e38]
TYPES = ["?", "u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8", "S1", "S30"]
TYPES += ["2f8", "3i4", "2S4"]
SCALES = [("TSCAL", 2), ("TSCAL", 0), ("TSCAL", 1e300), ("TZERO", 1), ("TZERO", 2**31)]
SCALES += [("TZERO", 2**63), ("TZERO", 1e300), ("TNULL", 0), ("TNULL", 1), ("TNULL", 2**40)]
KEYWORDS = ["NIGHT", "SPGRPVAL", "TILEID", "SPGRP", "SURVEY", "PROGRAM", "FAPRGRM"]
KEYWORD_VALUES = [10**40, -(10**40), 1e300, "x", "", True, 2**63, -1, 0, 1.5]


def tables(path: Path) -> list[str]:
    """Return the names of the tables of a file."""
    with fits.open(path) as hdus:
        return [hdu.name for hdu in hdus if isinstance(hdu, fits.BinTableHDU)]


def make_odd(random: Random, path: Path, hdu: str) -> str:
    """Change a table of a file in some way; return in which."""
    with fits.open(path) as hdus, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        content = fits.HDUList([one.copy() for one in hdus])
        table = Table(content[hdu].data)
        name = random.choice(table.colnames)
        way = random.choice([_other_value, _other_value, _other_type, _other_type, _other_rows])
        table, said = way(random, table, name)
        made = fits.BinTableHDU(table, name=hdu)
        made.header.update(
            {k: content[hdu].header[k] for k in KEYWORDS if k in content[hdu].header}
        )
        if random.random() < 0.2:
            key, value = random.choice(KEYWORDS), random.choice(KEYWORD_VALUES)
            made.header[key], said = value, f"{said}, {key} = {value!r}"
        if random.random() < 0.2:
            key, value = random.choice(SCALES)
            key += str(random.randint(1, len(table.colnames)))
            made.header[key], said = value, f"{said}, {key} = {value!r}"
        content[hdu] = made
        content.writeto(path, overwrite=True, output_verify="ignore")
    return f"{path.name}[{hdu}] {name}: {said}"


def _other_value(random: Random, table: Table, name: str) -> tuple[Table, str]:
    """Put one value into one row, some rows or all."""
    column, value = table[name], random.choice(NUMBERS)
    rows = random.sample(range(len(table)), min(len(table), random.choice([1, 3, len(table)])))
    with np.errstate(all="ignore"):
        text = column.dtype.kind == "S"
        if column.dtype.kind in "iu" and (value != value or abs(value) >= 2**63):
            value = np.iinfo(column.dtype).max
        column[rows] = str(value).encode() if text else np.array(value).astype(column.dtype)
    return table, f"{value!r} in {len(rows)} rows"


def _other_type(random: Random, table: Table, name: str) -> tuple[Table, str]:
    """Make a column one of another type, of its own values or all of one value."""
    kind, value, n = random.choice(TYPES), random.choice(NUMBERS), len(table)
    old = np.asarray(table[name])
    with np.errstate(all="ignore"):
        if kind.endswith(("S1", "S30", "S4")):
            values = np.full((n, 2) if kind[0] == "2" else n, str(value).encode(), kind.lstrip("2"))
        elif kind[0] in "23":
            values = np.full((n, int(kind[0])), np.nan if abs(value) >= 2**63 else value)
            values = values.astype(kind[1:])
        elif old.dtype.kind in "SU" or old.ndim > 1 or random.random() < 0.3:
            values = np.full(n, value).astype(kind)
        else:
            values = old.astype(kind)
    table.replace_column(name, Column(values))
    return table, f"{kind} of {value!r}"


def _other_rows(random: Random, table: Table, name: str) -> tuple[Table, str]:
    """Leave out a column, or rows, or have rows several times, or none."""
    way, n = random.choice(["column", "fewer", "double", "none"]), len(table)
    if way == "column":
        table.remove_column(name)
    elif way == "fewer":
        table = table[sorted(random.sample(range(n), n // 2))]
    else:
        table = table[[random.randrange(n) for _ in range(n if way == "double" else 0)]]
    return table, way
