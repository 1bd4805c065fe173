"""Files whose key columns are of several types, where only the first row per key counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from specprod_copy.errors import InputError
from specprod_copy.plan.first_occurrences import first_rows
from specprod_copy.tables import TableSource

SOURCE = TableSource("t", "s", lambda inputs: (), ("T",))


def rows(folder: Path, *columns: object) -> list[list[int]]:
    paths = [folder / f"{n}.fits" for n in range(len(columns))]
    for path, values in zip(paths, columns, strict=True):
        table = Table({"TARGETID": values})
        table.meta["EXTNAME"] = "T"
        table.write(path)
    return [found.tolist() for found in first_rows(SOURCE, "TARGETID", None, paths)]


def test_types_may_differ(tmp_path):
    whole, double, single = np.array([5, 7]), np.array([7.0, 8.0]), np.array([8, 9], "f4")
    assert rows(tmp_path, whole, double, single, np.array([9, 2**63], "u8")) == [
        *([0, 1], [1], [1], [1])
    ]


def test_no_row_vanishes_that_would_be_refused(tmp_path):
    """Doubles that are no whole number, or not for certain, are all kept: each is named later."""
    doubles = [np.nan, np.nan, 0.5, 0.5, 2.0**60, 2.0**60, 4.0, 4.0]
    assert rows(tmp_path, np.array(doubles)) == [[0, 1, 2, 3, 4, 5, 6]]


def test_text(tmp_path):
    with pytest.raises(InputError, match="column TARGETID: is String, not a whole number"):
        rows(tmp_path, ["a", "b"])
