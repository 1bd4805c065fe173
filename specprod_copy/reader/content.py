"""What tells the content of an input table from another one, without reading all of a large file.

A digest is made of the header (without comments, and without what changes when the same content
is written again) and of as much of the data as is cheap. Its first word says how much that is:

* ``whole``: all data, or for text all of the file;
* ``gzip``: the checksum of all that is packed, which gzip keeps at the end of a file, so of every
  HDU in it;
* ``datasum``: the header's DATASUM, which stands for all data if whoever wrote them kept it right,
  and samples;
* ``samples``: samples of a large table without DATASUM.
"""

from __future__ import annotations

import gzip
import hashlib
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

from specprod_copy.reader.files import input_errors, open_regular, read_text_file
from specprod_copy.reader.fits_header import Hdu

WHOLE_BYTES = 1 << 24
"""Up to so many bytes are read as a whole: 20 ms."""

SAMPLES = 64
SAMPLE_BYTES = 1 << 18
"""Of larger ones as many bytes are read, in pieces at equal distances, both ends among them."""

_REWRITTEN = ("CHECKSUM", "DATE")
"""Keywords that are new whenever a file is written; CHECKSUM is of the header with its comments."""

_TRAILER_BYTES = 8


def text_digest(path: Path) -> str:
    """Return the digest of a text file."""
    return f"whole {hashlib.sha256(read_text_file(path)).hexdigest()}"


def hdu_digest(path: Path, file: io.BufferedIOBase, hdu: Hdu, header: Mapping[str, object]) -> str:
    """Return the digest of an HDU of an open file, by its data and header.

    The header has the keywords of the primary one as well. A gzipped file is left where it is.
    """
    kept = {key: value for key, value in header.items() if key not in _REWRITTEN}
    digest = hashlib.sha256(repr(sorted(kept.items())).encode())
    with input_errors(path, hdu.name):
        if isinstance(file, gzip.GzipFile):
            kind = "gzip"
            digest.update(_packed(path))
        else:
            kind = _kind(hdu)
            buffer = memoryview(bytearray(min(hdu.size, SAMPLE_BYTES)))
            for offset, size in _pieces(hdu.size):
                file.seek(hdu.start + offset)
                digest.update(buffer[: file.readinto(buffer[:size])])
    return f"{kind} {digest.hexdigest()}"


def _kind(hdu: Hdu) -> str:
    if hdu.size <= WHOLE_BYTES:
        return "whole"
    return "datasum" if hdu.header.get("DATASUM") else "samples"


def _pieces(size: int) -> Iterator[tuple[int, int]]:
    """Yield (offset, size) of the pieces of the data that are read."""
    if size <= WHOLE_BYTES:
        for offset in range(0, size, SAMPLE_BYTES):
            yield offset, min(SAMPLE_BYTES, size - offset)
        return
    for number in range(SAMPLES):
        yield (size - SAMPLE_BYTES) * number // (SAMPLES - 1), SAMPLE_BYTES


def _packed(path: Path) -> bytes:
    """Return the size of a gzipped file, and what stands at its end: CRC-32 and unpacked size."""
    with open_regular(path) as packed:
        size = packed.seek(0, io.SEEK_END)
        packed.seek(max(size - _TRAILER_BYTES, 0))
        return size.to_bytes(8) + packed.read()
