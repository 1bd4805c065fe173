"""Rows written into a file instead of a server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from specprod_copy.postgres.copy import File
from specprod_copy.postgres.encoder import HEADER, TRAILER, Encoded


def test_all_rows_or_no_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.bin"

    def chunks(*, complete: bool) -> Iterator[Encoded]:
        yield Encoded([memoryview(b"one")], 1)
        if not complete:
            raise KeyboardInterrupt
        yield Encoded([memoryview(b"two")], 2)

    assert File(path).copy(chunks(complete=True)) == 3
    whole = HEADER + b"onetwo" + TRAILER
    assert path.read_bytes() == whole
    with pytest.raises(KeyboardInterrupt):
        File(path).copy(chunks(complete=False))
    assert [*tmp_path.iterdir()] == [path]
    assert path.read_bytes() == whole
