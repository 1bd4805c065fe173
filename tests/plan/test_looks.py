"""Files that are looked at, and digested, by others than this thread."""

from __future__ import annotations

from dataclasses import replace

import pytest
from astropy.io import fits
from astropy.table import Table

from specprod_copy.errors import InputError
from specprod_copy.executors.workers import threads
from specprod_copy.plan.changed_files import rows_to_digest
from specprod_copy.plan.ledger import LoadedRange
from specprod_copy.plan.looks import Looks, open_looks, tasks_of
from specprod_copy.reader.look import Stamp, look
from specprod_copy.rows.units import Input, Unit

ROWS = 300


@pytest.fixture
def whole(tmp_path) -> Unit:
    """Return all rows of a file."""
    path = tmp_path / "t.fits"
    fits.BinTableHDU(Table({"X": range(ROWS)}), name="T").writeto(path)
    return Unit("t", "t", "t", path, "t.fits", "T", 0, ROWS, 8, Stamp.of(path))


def test_many_digests_are_taken_by_others(whole):
    (part,) = whole.parts
    each = [(part, n, n + 1) for n in range(ROWS)]
    expected = [Looks().digest(*rows) for rows in each]
    with threads(2) as workers, open_looks((), workers) as looks:
        looks.take_digests([*each, (replace(part, hdu="U"), 0, 1)])
        whole.path.rename(whole.path.with_name("moved.fits"))
        assert [looks.digest(*rows) for rows in each] == expected
        assert len({*expected}) == ROWS
        # What could not be read is an error in its turn.
        with pytest.raises(InputError, match="no such file"):
            looks.digest(replace(part, hdu="U"), 0, 1)


def test_which_rows_are_digested(whole):
    """Of files with another stamp, where there is a digest to compare with; of all if asked for."""
    older = Stamp(whole.stamp.size, whole.stamp.mtime_ns - 1)

    def wanted(stamp: Stamp, digest: str | None, *, check_content: bool = False) -> int:
        ranges = [
            LoadedRange(n, n + 1, (Input("t.fits", "T", stamp, digest),)) for n in (0, 1, ROWS)
        ]
        return len(rows_to_digest([whole], {whole.place: ranges}, check_content=check_content))

    assert wanted(whole.stamp, "1") == 0
    assert wanted(whole.stamp, "1", check_content=True) == 2  # the last one is beyond the file
    assert wanted(older, "1") == 2
    assert wanted(older, None) == 0


def test_tasks():
    """Each worker gets several; none is large."""
    for n_files, at_once in ((1, 1), (7, 64), (300, 2), (20_000, 64)):
        tasks = tasks_of(range(n_files), at_once)
        assert [one for task in tasks for one in task] == [*range(n_files)]
        assert len(tasks) >= min(n_files, 4 * at_once)
        assert max(map(len, tasks)) <= 25


def test_an_error_is_that_of_its_hdu(whole):
    """Though a file is opened once for all its HDUs."""
    found, missing = look(whole.path, [("T",), ("U",)])
    assert found == look(whole.path, [("T",)])[0]
    assert "has no HDU U" in str(missing)
