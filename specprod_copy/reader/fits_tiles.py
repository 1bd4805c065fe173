"""Tile-compressed tables (FITS standard 4.0, section 10.3), as ``fpack -table`` writes them.

Neither CFITSIO nor astropy reads these as tables. A tile is some thousands of rows; each column
of a tile is compressed by itself and lies in the heap of a table that has one row per tile.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Mapping

import numpy as np
from isal import igzip

from specprod_copy.reader import gzipped
from specprod_copy.reader.fits_columns import FitsColumn, parse_columns
from specprod_copy.reader.fits_header import integer
from specprod_copy.reader.selection import Fault

OWN_KEYWORDS = re.compile(r"Z(TABLE|TILELEN|NAXIS[12]|PCOUNT|HEAPPTR|FORM\d+|CTYP\d+)|THEAP")
REPLACED_KEYWORDS = re.compile(r"NAXIS[12]|PCOUNT|TFORM\d+")


RICE_BLOCK = 32
"""Integers that share a number of low bits."""

# Rice code, by the bytes of an integer: bits that give the number of low bits, and the number
# that stands for integers which are not coded.
RICE = {1: (3, 6), 2: (4, 14), 4: (5, 25)}


def uncompressed_header(header: Mapping[str, object]) -> dict[str, object]:
    """Return the header that the table had before it was compressed."""
    original = {k: value for k, value in header.items() if not OWN_KEYWORDS.fullmatch(k)}
    for key in filter(REPLACED_KEYWORDS.fullmatch, header):
        original[key] = header.get(f"Z{key.removeprefix('T')}")
    return original


def unshuffle(data: bytes, size: int) -> bytes:
    """Undo the shuffle of GZIP_2: first bytes of all elements, then all second bytes, ..."""
    return np.frombuffer(data, np.uint8).reshape(size, -1).T.tobytes()


def unrice(data: bytes, size: int, count: int) -> bytes:
    """Unpack `count` integers of `size` bytes from Rice code (FITS standard 10.4.1).

    Raises
    ------
    ValueError
        If the data end too early or too late, or there is no code for this size.
    """
    if size not in RICE or len(data) < size:
        raise ValueError(f"no Rice code of integers of {size} bytes")
    shift_bits, raw_shift = RICE[size]
    bits = f"{int.from_bytes(data[size:]):0{8 * (len(data) - size)}b}"
    at = 0
    codes: list[int] = []
    while len(codes) < count:
        n = min(RICE_BLOCK, count - len(codes))
        shift = int(bits[at : at + shift_bits], 2) - 1
        at += shift_bits
        if shift < 0:
            codes += [0] * n
        elif shift == raw_shift:
            end = at + n * 8 * size
            codes += [int(bits[i : i + 8 * size], 2) for i in range(at, end, 8 * size)]
            at = end
        else:
            for _ in range(n):
                one = bits.index("1", at)  # as many zeros as the upper part of the code
                low = bits[one + 1 : one + 1 + shift] or "0"
                codes.append((one - at << shift) | int(low, 2))
                at = one + 1 + shift
    if not 0 <= len(bits) - at < 8:
        raise ValueError("the Rice code does not end with the data")
    code = np.array(codes, dtype=np.int64)
    differences = np.where(code & 1, ~(code >> 1), code >> 1)
    values = int.from_bytes(data[:size]) + np.cumsum(differences)
    return values.astype(f">u{size}").tobytes()


# ZCTYP: function of the compressed bytes, the bytes of an element, the number of elements.
UNPACK: dict[object, Callable[[bytes, int, int], bytes]] = {
    "NOCOMPRESS": lambda data, size, count: data,
    "GZIP_1": lambda data, size, count: igzip.decompress(data),
    "GZIP_2": lambda data, size, count: unshuffle(igzip.decompress(data), size),
    "RICE_1": unrice,
}


class TiledRows:
    """The rows of a tile-compressed table as they were before compression.

    Parameters
    ----------
    file : binary file
        Open for reading.
    start : int
        Offset of the HDU's data in it.
    header : mapping
        The HDU's header as it is in the file.
    columns : iterable of FitsColumn
        Those columns of the uncompressed table that are to be unpacked.
    fault : callable
        Makes the errors.
    """

    def __init__(
        self,
        file: io.BufferedIOBase,
        start: int,
        header: Mapping[str, object],
        columns: Iterable[FitsColumn],
        fault: Fault,
    ) -> None:
        self.file, self.start, self.fault = file, start, fault
        keys = ("NAXIS1", "NAXIS2", "ZNAXIS1", "ZNAXIS2", "ZTILELEN")
        self.descriptor_bytes, self.n_tiles, self.row_bytes, self.n_rows, self.tile_rows = (
            integer(header, key, fault) for key in keys
        )
        if self.n_tiles != -(-self.n_rows // max(self.tile_rows, 1)):
            message = f"damaged header: {self.n_rows} rows in {self.n_tiles} tiles of"
            raise fault(f"{message} {self.tile_rows}")
        rows_end = self.descriptor_bytes * self.n_tiles
        theap = integer({"THEAP": rows_end, **header}, "THEAP", fault)
        self.heap = start + theap
        self.heap_bytes = rows_end + integer(header, "PCOUNT", fault) - theap
        descriptors = list(parse_columns(header, fault).by_name.values())
        methods = [header.get(f"ZCTYP{number}") for number in range(1, len(descriptors) + 1)]
        places = {d.name: (d, method) for d, method in zip(descriptors, methods, strict=True)}
        self.parts = [(column, *places[column.name]) for column in columns if column.width]
        self.unpacked: tuple[int, np.ndarray] | None = None

    def read(self, first: int, into: memoryview) -> None:
        """Fill `into` with whole rows from row `first` on."""
        rows = np.frombuffer(into, np.uint8).reshape(-1, self.row_bytes)
        done = 0
        while done < len(rows):
            number, skip = divmod(first + done, self.tile_rows)
            part = self.tile(number)[skip : skip + len(rows) - done]
            rows[done : done + len(part)] = part
            done += len(part)

    def tile(self, number: int) -> np.ndarray:
        """Return the rows of one tile, shape (rows, row_bytes); the last one is kept."""
        if self.unpacked and self.unpacked[0] == number:
            return self.unpacked[1]
        n_rows = min(self.tile_rows, self.n_rows - number * self.tile_rows)
        rows = np.zeros((n_rows, self.row_bytes), np.uint8)
        self.file.seek(self.start + number * self.descriptor_bytes)
        descriptors = self.file.read(self.descriptor_bytes)
        for column, descriptor, method in self.parts:
            length, place = np.frombuffer(
                descriptors, f">i{descriptor.width // 2}", 2, descriptor.offset
            ).tolist()
            if not 0 <= place <= place + length <= self.heap_bytes:
                message = "damaged tile: it lies outside the heap; fetch the file again"
                raise self.fault(message, column=column.name)
            self.file.seek(self.heap + place)
            columns = slice(column.offset, column.offset + column.width)
            rows[:, columns] = self.unpack(column, method, self.file.read(length), n_rows)
        self.unpacked = number, rows
        return rows

    def unpack(self, column: FitsColumn, method: object, packed: bytes, n_rows: int) -> np.ndarray:
        """Unpack one column of a tile to its bytes, shape (n_rows, width)."""
        if method not in UNPACK:
            message = f"compression {method} is not supported; funpack the file"
            raise self.fault(message, column=column.name)
        size = np.dtype(column.stored).itemsize
        wanted = n_rows * column.width
        try:
            data = UNPACK[method](packed, size, wanted // size)
        except (*gzipped.DAMAGED, OSError, ValueError) as error:
            message = f"damaged tile ({error}); fetch the file again"
            raise self.fault(message, column=column.name) from error
        if len(data) != wanted:
            message = f"damaged tile: {len(data)} bytes, not {wanted}; fetch the file again"
            raise self.fault(message, column=column.name)
        return np.frombuffer(data, np.uint8).reshape(n_rows, column.width)
