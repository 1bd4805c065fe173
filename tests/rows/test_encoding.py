"""Units that two threads encode by turns arrive, and fail, in their order."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.waiting import PATIENCE

from specprod_copy.errors import InputError
from specprod_copy.loading.copying import copy_units
from specprod_copy.postgres.copy import Nothing
from specprod_copy.postgres.encoder import Encoded
from specprod_copy.reader.look import Stamp
from specprod_copy.rows import encoding
from specprod_copy.rows.encoding import Chunk
from specprod_copy.rows.units import Findings, Intake, Unit


def units(n: int, size: int) -> list[Unit]:
    """Return units of one row each, that of its number, of so many bytes.

    They are of several sources by turns, so that each is handled alone.
    """
    path, stamp = Path("a.fits"), Stamp(0, 0)
    return [
        Unit(f"source {k % 2}", "tile", "exposures", path, "a.fits", "A", k, k + 1, size, stamp)
        for k in range(n)
    ]


def chunks(n: int, size: int = 8) -> list[tuple[int, int]]:
    """Return the number of the unit, and that of the rows, of each chunk of some units."""
    found = encoding.encoded_units(Intake(units(n, size), {}, []), [Findings()] * n)
    return [(share.number, share.rows_read) for _, shares in found for share in shares]


@pytest.mark.parametrize("size", [1 << 40, 8], ids=["large", "small"])
@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_order(monkeypatch, n, size):
    """Also of units that have several chunks, or none."""

    def encoded(unit: Unit, *_: object) -> Iterator[Chunk]:
        for number in range(unit.first % 4):
            yield Chunk(Encoded([], 0), number, 0)

    monkeypatch.setattr(encoding, "encoded_chunks", encoded)
    assert chunks(n, size) == [(k, number) for k in range(n) for number in range(k % 4)]


def test_the_first_error_by_order_counts(monkeypatch):
    """Which file an error names does not depend on which thread was faster."""
    second_failed = threading.Event()

    def encoded(unit: Unit, *_: object) -> Iterator[Chunk]:
        if unit.first == 0:
            assert second_failed.wait(PATIENCE)
            yield Chunk(Encoded([], 1), 1, 0)
        else:
            second_failed.set()
        raise InputError(f"unit {unit.first}")

    monkeypatch.setattr(encoding, "encoded_chunks", encoded)
    with pytest.raises(InputError, match="unit 0"):
        chunks(2)


class Piece(bytearray):
    """Bytes of which can be seen whether anybody has them still."""


def test_what_was_sent_is_let_go(monkeypatch):
    """When rows are encoded, no others are there but those that are just being sent."""
    pieces: list[weakref.ref[Piece]] = []
    alive: list[int] = []

    def chunk(number: int) -> Chunk:
        alive.append(sum(piece() is not None for piece in pieces))
        piece = Piece(8)
        pieces.append(weakref.ref(piece))
        return Chunk(Encoded([piece], 1), 1, 0)

    monkeypatch.setattr(encoding, "encoded_chunks", lambda *_: map(chunk, range(6)))
    intake = Intake(units(2, 1 << 40), {}, [])
    assert [r.rows_kept for r in copy_units(Nothing(), intake, lambda *_: None)] == [6, 6]
    assert max(alive) <= 1
