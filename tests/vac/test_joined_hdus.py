"""HDUs joined by the values of columns: several of them, and after their file was packed."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from support.catalogues import Catalogues, table_sql, write_fits

TOML = """
name = "stars"
version = "v1"
[tables.stars]
files = "a.fits"
hdu = "ONE"
"""
JOIN = """
[[tables.stars.join]]
hdu = "{hdu}"
file = "b.fits"
by = "TARGETID"
how = "{how}"
"""
SQL = table_sql("targetid bigint NOT NULL, two integer, three integer")


@pytest.fixture
def vac(tmp_path, database) -> Catalogues:
    (tmp_path / "stars.sql").write_text(SQL)
    return Catalogues(tmp_path, database)


def write(vac: Catalogues, n: int, two: slice, three: slice, *hows: str):
    """Write a file of targets, and one with two HDUs about some of them; return a description."""
    targets, values = np.arange(n, dtype="i8"), np.arange(n, dtype="i4")
    write_fits(vac.root / "a.fits", {"ONE": {"TARGETID": targets}})
    others = {
        hdu: {"TARGETID": targets[chosen], hdu: values[chosen]}
        for hdu, chosen in (("TWO", two), ("THREE", three))
    }
    write_fits(vac.root / "b.fits", others)
    joins = [JOIN.format(hdu=hdu, how=how) for hdu, how in zip(others, hows, strict=True)]
    description = vac.root / "stars.toml"
    description.write_text(TOML + "".join(joins))
    return description


@pytest.mark.parametrize(
    ("hows", "wanted"),
    [
        (("inner", "inner"), [(2, 2, 2), (3, 3, 3)]),
        (("inner", "left"), [(0, 0, None), (1, 1, None), (2, 2, 2), (3, 3, 3)]),
    ],
)
def test_two_hdus_are_joined_by_the_same_column(vac, hows, wanted):
    vac.load(write(vac, 6, slice(4), slice(2, 6), *hows))
    assert vac.query("SELECT * FROM vac.stars ORDER BY 1") == wanted
    vac.verify()


def test_a_file_of_several_units_that_is_packed_later(vac):
    """The units were ranges of its rows, and any of the joined rows may belong to each of them."""
    n = 100_001
    vac.load(write(vac, n, slice(n), slice(2, None), "all", "left"))
    assert vac.query("SELECT count(*) FROM vac.load_ledger") == [(2,)]
    path = vac.root / "a.fits"
    path.with_name("a.fits.gz").write_bytes(gzip.compress(path.read_bytes(), 1))
    path.unlink()
    vac.verify()
