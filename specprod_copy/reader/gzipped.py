"""Gzipped files: they can only be read from their beginning on.

ISA-L unpacks in half the time of zlib, which is most of the time that such a file takes.
"""

from __future__ import annotations

import gzip
import io
from contextlib import suppress
from pathlib import Path
from tempfile import SpooledTemporaryFile, gettempdir
from typing import cast

from isal import igzip, isal_zlib

from specprod_copy.reader.files import DAMAGED, open_regular
from specprod_copy.reader.kept import SMALL_BYTES, Identity, kept
from specprod_copy.reader.selection import Fault

MAGIC = b"\x1f\x8b"

MEMORY_BYTES = 1 << 26
"""Of an HDU so much is unpacked into memory; a larger one goes into a temporary file."""

PIECE_BYTES = 1 << 20

_GZIP = 31
"""Tells zlib what it unpacks."""

_SIZE_BYTES = 4
"""A file ends with its unpacked size."""


def open_unpacking(path: Path) -> io.BufferedIOBase:
    """Open a file for reading; what is gzipped (by its first bytes) is unpacked as it is read."""
    file = open_regular(path)
    if file.peek(len(MAGIC))[: len(MAGIC)] != MAGIC:
        return file
    with file:
        if known := kept.unpacked(file):
            return known
        identity = Identity.of(file)
        if kept.wanted and identity.size <= SMALL_BYTES:
            data = _unpacked(file.read(SMALL_BYTES))
            if data is not None:
                return kept.keep_unpacked(identity, data)
    return igzip.open(path)


def _unpacked(packed: bytes) -> bytes | None:
    """Unpack a small file at once; None if it is not small then, or not like most."""
    if int.from_bytes(packed[-_SIZE_BYTES:], "little") > SMALL_BYTES:
        return None
    stream = isal_zlib.decompressobj(wbits=_GZIP)
    # What is wrong with a damaged file is said when its tables are read.
    with suppress(*DAMAGED):
        data: bytes = stream.decompress(packed, SMALL_BYTES + 1)
        if stream.eof and not stream.unused_data and len(data) <= SMALL_BYTES:
            return data
    return None


def unpack(file: gzip.GzipFile, start: int, size: int, fault: Fault) -> io.BufferedIOBase:
    """Take a part of a file out, and read on to the end, where the checksum is.

    The part goes into memory or a temporary file and is left at its end; it is shorter if the file
    ends before. The gzipped file is closed.
    """
    part = SpooledTemporaryFile(MEMORY_BYTES)  # noqa: SIM115 - the caller closes it
    file.seek(start)
    while piece := file.read(min(PIECE_BYTES, size - part.tell())):
        try:
            part.write(piece)
        except OSError as error:
            raise fault(
                f"cannot be unpacked in {gettempdir()}: {error.strerror}; set TMPDIR to a folder "
                f"with room for {size:,} bytes, or gunzip the file"
            ) from error
    while file.read(PIECE_BYTES):
        pass
    file.close()
    return cast("io.BufferedIOBase", part)
