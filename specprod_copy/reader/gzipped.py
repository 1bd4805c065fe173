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

from isal import igzip

from specprod_copy.reader.files import DAMAGED, open_regular
from specprod_copy.reader.kept import Identity, kept
from specprod_copy.reader.selection import Fault

MAGIC = b"\x1f\x8b"

MEMORY_BYTES = 1 << 26
"""Of an HDU so much is unpacked into memory; a larger one goes into a temporary file."""

PIECE_BYTES = 1 << 20


def open_unpacking(path: Path) -> io.BufferedIOBase:
    """Open a file for reading; what is gzipped (by its first bytes) is unpacked as it is read."""
    file = open_regular(path)
    if file.peek(len(MAGIC))[: len(MAGIC)] != MAGIC:
        return file
    with file:
        if known := kept.unpacked(file):
            return known
        room, identity = kept.room(file), Identity.of(file)
    packed = igzip.open(path)
    if room:
        # What is wrong with a damaged file is said when its tables are read.
        with suppress(*DAMAGED), packed:
            data = packed.read(room + 1)
            if len(data) <= room and Identity.of(packed) == identity:
                return kept.keep_unpacked(identity, data)
        packed = igzip.open(path)
    return packed


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
