"""Hand-made FITS tables: any bytes in any column, to be compared with what readers make of them."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from astropy.io import fits

BLOCK = 2880
PRIMARY = fits.PrimaryHDU().header.tostring().encode()


@dataclass(frozen=True)
class RawColumn:
    """A column as it lies in the file: `data` has shape (rows, width), bytes."""

    name: str
    tform: str
    data: np.ndarray
    keywords: Mapping[str, object] = field(default_factory=dict)


def cells(*values: bytes) -> np.ndarray:
    """Bytes of one column, a value for each row."""
    width = len(values[0])
    return np.frombuffer(b"".join(values), np.uint8).reshape(len(values), width)


def table_header(
    columns: Sequence[RawColumn], n_rows: int, name: str = "TAB", **extra: object
) -> fits.Header:
    header = fits.Header()
    header["XTENSION"] = "BINTABLE"
    header["BITPIX"] = 8
    header["NAXIS"] = 2
    header["NAXIS1"] = sum(c.data.shape[1] for c in columns)
    header["NAXIS2"] = n_rows
    header["PCOUNT"] = 0
    header["GCOUNT"] = 1
    header["TFIELDS"] = len(columns)
    for number, column in enumerate(columns, 1):
        header[f"TTYPE{number}"] = column.name
        header[f"TFORM{number}"] = column.tform
        for key, value in column.keywords.items():
            header[f"{key}{number}"] = value
    if name:
        header["EXTNAME"] = name
    for key, value in extra.items():
        if value is None:
            del header[key]
        else:
            header[key] = value
    return header


def hdu_bytes(header: fits.Header, data: bytes) -> bytes:
    return header.tostring().encode() + data + bytes(-len(data) % BLOCK)


def table_bytes(columns: Sequence[RawColumn], name: str = "TAB", **extra: object) -> bytes:
    """One table HDU; `extra` are keywords to set, or to delete by None."""
    data = np.concatenate([c.data for c in columns], axis=1)
    return hdu_bytes(table_header(columns, len(data), name, **extra), data.tobytes())


def write(path: Path, *hdus: bytes) -> Path:
    """Write a file with an empty primary HDU, gzipped if its name says so."""
    data = b"".join([PRIMARY, *hdus])
    path.write_bytes(gzip.compress(data, 1, mtime=0) if path.suffix == ".gz" else data)
    return path
