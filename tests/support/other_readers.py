"""What others than the loader read from a file: astropy, CFITSIO, Python's csv."""

from __future__ import annotations

import csv
import gzip
import io
import math
import re
import warnings
from pathlib import Path

import fitsio
import numpy as np
import polars as pl
import yaml
from astropy.io import fits

from specprod_copy.reader.memory_table import MemoryTable
from specprod_copy.reader.text import ELEMENTS
from support.mutations import cards

# A card that matters, as far as its value goes.
VALUE = re.compile(
    rb"(?=SIMPLE|XTENSION|BITPIX|NAXIS|[PG]COUNT|T(FIELDS|TYPE|FORM|DIM|ZERO|SCAL|NULL)|THEAP"
    rb"|EXTNAME|TILEID|SURVEY|PROGRAM|SPGRP)[A-Z0-9 ]{8}= +('([ -&(-~]|'')*'|[-+.0-9EDTF ]*)"
)


class Unreadable(Exception):
    """The other reader refuses the file."""


def astropy_table(path: Path, hdus: tuple[str, ...], names: list[str]) -> MemoryTable:
    """What astropy finds in some columns of a FITS file."""
    return astropy_reads(unpacked(path), path, hdus, names)


def washed_table(path: Path, hdus: tuple[str, ...], names: list[str]) -> MemoryTable:
    """The same, of a file without the dirt behind the values of its header."""
    content = bytearray(unpacked(path))
    free: list[int] = []
    named: set[bytes] = set()
    formed: set[bytes] = set()
    for at in cards(bytes(content)):
        card = bytes(content[at : at + 80])
        value = VALUE.match(card)
        key = card[:8].rstrip()
        if key == b"END":
            # astropy wants a name for every column.
            for name, place in zip(sorted(formed - named), free, strict=False):
                card = b"%-8b= 'nameless %b'" % (name, name)
                content[place : place + 80] = card.ljust(80)
            free, named, formed = [], set(), set()
        elif value:
            content[at : at + 80] = value[0].ljust(80)
            if key.startswith(b"TTYPE"):
                named.add(key)
            elif key.startswith(b"TFORM"):
                formed.add(b"TTYPE" + key[5:])
        else:
            content[at : at + 80] = b" " * 80
            free.append(at)
    return astropy_reads(bytes(content), path, hdus, names)


def unpacked(path: Path) -> bytes:
    content = path.read_bytes()
    return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content


def astropy_reads(
    content: bytes, path: Path, hdus: tuple[str, ...], names: list[str]
) -> MemoryTable:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with fits.open(io.BytesIO(content), memmap=False) as opened:
            place = next(
                n
                for name in hdus
                for n, hdu in enumerate(opened)
                if str(hdu.header.get("EXTNAME", "")).upper() == name
            )
            hdu = opened[place]
            columns = {str(column.name).strip().upper(): column for column in hdu.columns}
            series = [astropy_series(hdu, columns[name]) for name in names if name in columns]
            header = {**dict(opened[0].header), **dict(hdu.header)}
            return MemoryTable(path, series, header, hdu.header["EXTNAME"])


def astropy_series(hdu: fits.BinTableHDU, column: fits.Column) -> pl.Series:
    stored = hdu.data.view(np.ndarray)[column.name]
    name = column.name.strip().upper()
    if stored.dtype.kind == "S":
        # By the FITS standard a text ends at its first NUL.
        cells = stored.reshape(-1).tolist()
        text = [cell.partition(b"\0")[0].decode().rstrip(" ") for cell in cells]
        series = pl.Series(name, text, dtype=pl.String)
        return series.reshape(stored.shape) if stored.ndim > 1 else series
    values = np.asarray(hdu.data[column.name])
    values = values.astype(values.dtype.newbyteorder("="))
    flat = pl.Series(name, values.reshape(-1))
    if column.null is not None and stored.dtype.kind in "iu":
        missing = pl.Series(stored.reshape(-1) == int(column.null))
        flat = flat.zip_with(~missing, pl.Series([None], dtype=flat.dtype))
    if values.ndim == 1:
        return flat
    return flat.reshape((len(values), math.prod(values.shape[1:])))


def fitsio_table(path: Path, hdus: tuple[str, ...], names: list[str]) -> MemoryTable:
    """What CFITSIO finds in some columns of a FITS file: it minds odd cards less than astropy."""
    with fitsio.FITS(str(path)) as opened:
        hdu = next(h for name in hdus for h in opened if h.get_extname().upper() == name)
        columns = {column.upper(): column for column in hdu.get_colnames()}
        wanted = [columns[name] for name in names if name in columns]
        header, primary = hdu.read_header(), opened[0].read_header()
        stored = hdu.read(columns=wanted)
        series = []
        for name in wanted:
            number = hdu.get_colnames().index(name) + 1
            series.append(fitsio_series(name.upper(), stored[name], header.get(f"TNULL{number}")))
        meta = {key: header[key] for key in header}
        return MemoryTable(path, series, {**{k: primary[k] for k in primary}, **meta})


def fitsio_series(name: str, stored: np.ndarray, null: int | None) -> pl.Series:
    if stored.dtype.kind in "SU":
        cells = [c if isinstance(c, str) else c.decode() for c in stored.reshape(-1).tolist()]
        series = pl.Series(
            name, [cell.partition("\0")[0].rstrip(" ") for cell in cells], dtype=pl.String
        )
        return series.reshape(stored.shape) if stored.ndim > 1 else series
    values = stored.astype(stored.dtype.newbyteorder("="))
    flat = pl.Series(name, values.reshape(-1))
    if null is not None and values.dtype.kind in "iu":
        flat = flat.zip_with(
            pl.Series(values.reshape(-1) != null), pl.Series([None], dtype=flat.dtype)
        )
    return flat if values.ndim == 1 else flat.reshape((len(values), math.prod(values.shape[1:])))


def text_table(path: Path, hdus: tuple[str, ...], names: list[str]) -> MemoryTable:
    """What Python's own csv finds in a text table."""
    text = path.read_bytes().decode("utf-8-sig")
    lines = text.splitlines(keepends=True)
    types: dict[str, str] = {}
    delimiter = ","
    if path.suffix == ".ecsv":
        comments = [line.rstrip("\r\n") for line in lines if line.startswith("#")]
        meta = yaml.safe_load("\n".join(line[2:] for line in comments[1:]))
        types = {entry["name"]: entry["datatype"] for entry in meta["datatype"]}
        delimiter = meta.get("delimiter", " ")
        lines = [line for line in lines if not line.startswith("#")]
        text = "".join(lines)
    rows = [
        [field.strip(" \t") if types else field.strip() for field in row]
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    ]
    names, *rows = [row for row in rows if row not in ([], [""])]
    fields = {name: [row[n] for row in rows] for n, name in enumerate(names)}
    return MemoryTable(path, [text_series(n, f, types.get(n)) for n, f in fields.items()])


def text_series(name: str, fields: list[str], datatype: str | None) -> pl.Series:
    if datatype is not None:
        if datatype == "string":
            return pl.Series(name, [f or None for f in fields], dtype=pl.String)
        dtype = np.dtype(datatype)
        kind = ELEMENTS[f"{dtype.kind}{dtype.itemsize}"]
        make = int if dtype.kind in "iu" else (lambda f: dtype.type(float(f)).item())
        return pl.Series(name, [make(f) if f else None for f in fields], dtype=kind)
    present = [f for f in fields if f]
    for make, dtype in ((exact_int, pl.Int64), (exact_float, pl.Float64)):
        if present and all(make(f) is not None for f in present):
            values = [make(f) if f else None for f in fields]
            if dtype == pl.Int64 and not all(
                -(2**63) <= v < 2**63 for v in values if v is not None
            ):
                break
            return pl.Series(name, values, dtype=dtype)
    return pl.Series(name, [f or None for f in fields], dtype=pl.String)


def exact_int(text: str) -> int | None:
    return int(text) if text.lstrip("+-").isascii() and text.lstrip("+-").isdigit() else None


def exact_float(text: str) -> float | None:
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None
