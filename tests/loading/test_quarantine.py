"""Rows that cannot be loaded go into quarantine, the others into the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from support import limits
from support.quarantine_case import WHY, Case, iron

from specprod_copy.desi.ids import SKY_BIT
from specprod_copy.desi.production import ProductionFiles
from specprod_copy.errors import SpecprodCopyError
from specprod_copy.rows import read
from specprod_copy.tables import SOURCES

__all__ = ["iron"]

SURVEYS = "none of cmx, special, sv1, sv2, sv3, main"


@pytest.fixture
def small_pieces(iron, monkeypatch) -> None:
    """Load in many transactions, of several chunks each."""
    iron.limits = limits.cut(40, 20)
    monkeypatch.setattr(read, "CHUNK_ROWS", 8)


@dataclass
class Fault:
    """A bad value in the fourth row of a file that counts, and what becomes of it."""

    source: str
    path: Callable[[ProductionFiles], Path]
    hdu: str
    column: str
    bad: Any
    value: str
    reason: str


def fiberassign(files: ProductionFiles) -> Path:
    return files.fiberassign([1000])[1000]


FAULTS = [
    Fault("tile", lambda f: f.tiles(), "TILE_COMPLETENESS", "SURVEY", "xyz", "'xyz'", SURVEYS),
    Fault(
        "exposure",
        lambda f: f.exposures(),
        "EXPOSURES",
        "MJD",
        1e9,
        "1000000000.0",
        "not a date of the years 1 to 9999",
    ),
    Fault(
        "frame",
        lambda f: f.exposures(),
        "FRAMES",
        "CAMERA",
        "q1",
        "'q1'",
        "no such camera (b, r or z and a digit)",
    ),
    Fault(
        "photometry",
        lambda f: f.tractorphot()[0],
        "TRACTORPHOT",
        "DEC",
        90.5,
        "90.5",
        "not in [-90.0, 90.0], no position on the sky",
    ),
    Fault("target", lambda f: f.targetphot()[-1], "TARGETPHOT", "SURVEY", "sv9", "'sv9'", SURVEYS),
    Fault(
        "ztile",
        lambda f: f.zall_tilecumulative(),
        "ZCATALOG",
        "SPGRPVAL",
        2**27,
        "134217728",
        "not in [0, 134217727], no id",
    ),
    Fault(
        "zpix",
        lambda f: f.zall_pix(),
        "ZCATALOG",
        "TARGET_DEC",
        -91.0,
        "-91.0",
        "not in [-90.0, 90.0], no DESINAME",
    ),
    Fault(
        "fiberassign",
        fiberassign,
        "FIBERASSIGN",
        "LOCATION",
        2**30,
        "1073741824",
        "not in [0, 1073741823], no id",
    ),
    Fault(
        "potential",
        fiberassign,
        "POTENTIAL_ASSIGNMENTS",
        "LOCATION",
        -1,
        "-1",
        "not in [0, 1073741823], no id",
    ),
]


def test_every_table_has_a_fault():
    assert {fault.source for fault in FAULTS} == {source.table for source in SOURCES.values()}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.source)
def test_bad_value(iron, fault):
    """The row is in the Parquet file, the table is that of a file without the row."""
    path, table = fault.path(iron.files), fault.source
    stages = ("tile", table) if path == fiberassign(iron.files) else (table,)
    rows = fits.getdata(path, fault.hdu)
    counted = np.ones(len(rows), dtype=bool)
    if "TARGETID" in rows.columns.names:
        counted = (rows["TARGETID"] > 0) & (rows["TARGETID"] & SKY_BIT == 0)
    wanted = int(np.flatnonzero(counted)[3])
    iron.change(path, fault.hdu, fault.column, wanted, fault.bad)
    message = iron.load(*stages)
    [stage] = {s.stage for s in SOURCES.values() if s.table == table} - {"targetphot"}
    file = iron.folder / f"iron.{stage}.{table}.parquet"
    assert f"rows in quarantine: 1 of {table}, in {file}\n" in message
    found = iron.parquet(f"{stage}.{table}")
    name = str(path.relative_to(iron.root))
    assert found.select("table", *WHY).rows() == [
        (table, name, fault.hdu, wanted, fault.column, fault.value, fault.reason)
    ]
    stored = fits.getdata(path, fault.hdu)[wanted]
    inputs = [column for column in found.columns if column.isupper()]
    assert fault.column in inputs
    for column in inputs:
        np.testing.assert_array_equal(found[column][0], stored[column], column)
    query = f"""SELECT rows_read, rows_kept, rows_quarantined FROM iron.load_ledger
                WHERE table_name = '{table}' AND inputs -> 0 ->> 'file' = '{name}'"""
    [(read, kept, refused)] = iron.query(query)
    assert refused == 1
    assert iron.verify(*stages) == {}

    iron.without(path, fault.hdu, [wanted])
    iron.load(*stages, "--schema", "clean", code=0)
    assert iron.table(table) == iron.table(table, "clean")
    [(read_clean, kept_clean, _)] = iron.query(query.replace("iron.", "clean.", 1))
    assert (read, kept) == (read_clean + 1, kept_clean)


def test_the_default_stops(iron):
    iron.change(iron.files.tiles(), "TILE_COMPLETENESS", "SURVEY", 1, "xyz")
    with pytest.raises(SpecprodCopyError, match=r"column SURVEY: none of .*row 1: 'xyz'"):
        iron.load("tile", quarantine=False)
    assert iron.query("SELECT 1 FROM pg_namespace WHERE nspname = 'iron'") == []
    assert not iron.folder.exists()


def spoil(iron: Case) -> list[tuple]:
    """Damage rows of zpix in several ways; return what is to be said of them."""
    path = iron.files.zall_pix()
    marked = b"QQQQQQ"
    for column, row, value in [
        ("SPECTYPE", 2, marked.decode()),
        ("TARGET_DEC", 2, 91.0),  # a second fault of the same row
        ("TARGET_RA", 3, np.nan),
        ("TARGET_RA", 4, 360.0),
        ("SURVEY", 5, "xyz"),
        ("TARGET_DEC", 5, -91.0),
        ("PROGRAM", 77, "night"),
        ("SPECTYPE", 118, marked.decode()),
    ]:
        iron.change(path, "ZCATALOG", column, row, value)
    data = path.read_bytes()
    assert data.count(marked) == 2
    path.write_bytes(data.replace(marked, b"QQ\xffQQQ"))
    ra, programs = (
        "not in [0.0, 360.0), no DESINAME",
        "backup, bright, dark, other, bright1b, dark1b",
    )
    bad_text = ("SPECTYPE", r"b'QQ\xffQQQ'", "text that is not UTF-8")
    return [
        (2, *bad_text),
        (3, "TARGET_RA", "nan", ra),
        (4, "TARGET_RA", "360.0", ra),
        (5, "SURVEY", "'xyz'", SURVEYS),
        (77, "PROGRAM", "'night'", f"none of {programs}"),
        (118, *bad_text),
    ]


@pytest.mark.parametrize("pieces", ["one transaction", "many"])
def test_several_faults(iron, pieces, request):
    """Each row appears once, with its first fault, however the file is cut into pieces."""
    expected = spoil(iron)
    with fits.open(iron.files.zall_pix(), mode="update") as hdus:
        hdus[1].data["TARGETID"][[2, 3, 4, 5, 77, 118]] = np.arange(1, 7)  # no sky
    if pieces == "many":
        request.getfixturevalue("small_pieces")
    iron.load("zpix")
    found = iron.parquet("redshift.zpix")
    assert found.select("row", "column", "value", "reason").rows() == expected
    assert found["TARGETID"].to_list() == [1, 2, 3, 4, 5, 6]
    assert found["SPECTYPE"].is_null().to_list() == [True, False, False, False, False, True]
    assert found["TARGET_DEC"][0] == 91.0
    assert np.isnan(found["TARGET_RA"][1])
    [(units, quarantined)] = iron.query(
        "SELECT count(*), sum(rows_quarantined)::int FROM iron.load_ledger"
    )
    assert (units, quarantined) == (1 if pieces == "one transaction" else 6, 6)
    assert iron.verify("zpix") == {}
    iron.without(iron.files.zall_pix(), "ZCATALOG", [row for row, *_ in expected])
    iron.load("zpix", "--schema", "clean", code=0)
    assert iron.table("zpix") == iron.table("zpix", "clean")


def test_more_than_may_be(iron, small_pieces):
    """The rows of all transactions count; the one that is too much rolls back."""
    spoil(iron)
    with pytest.raises(SpecprodCopyError) as caught:
        iron.load("zpix", "--max-quarantined", "4")
    assert str(caught.value) == (
        "5 rows of schema iron would be in quarantine, and at most 4 may be: mend the files, or "
        "allow more with --max-quarantined"
    )
    assert iron.query("SELECT sum(rows_quarantined)::int FROM iron.load_ledger") == [(4,)]
    assert not iron.folder.exists()
    iron.load("zpix", "--max-quarantined", "6")
    assert iron.parquet("redshift.zpix").height == 6
    assert iron.verify("zpix") == {}


def test_a_file_with_nothing_but_bad_rows(iron):
    path = iron.files.tiles()
    with fits.open(path, mode="update") as hdus:
        hdus[1].data["SURVEY"] = "xyz"
    with pytest.raises(SpecprodCopyError) as caught:
        iron.load("tile")
    assert str(caught.value) == (
        f"{path}[TILE_COMPLETENESS], column SURVEY: all rows that would be loaded are bad (4), so "
        f"the file is wrong, and nothing of it goes into quarantine: {SURVEYS} (row 0: 'xyz')"
    )
    assert iron.query("SELECT 1 FROM pg_namespace WHERE nspname = 'iron'") == []


@pytest.mark.parametrize("what", ["column", "truncated"])
def test_what_is_wrong_with_the_file_stops(iron, what):
    path = iron.files.tiles()
    if what == "column":
        data = path.read_bytes()
        path.write_bytes(data.replace(b"'SURVEY  '", b"'SURVAY  '"))
    else:
        path.write_bytes(path.read_bytes()[:-2880])
    with pytest.raises(SpecprodCopyError, match=r"no column SURVEY|truncated"):
        iron.load("tile")
    assert iron.query("SELECT 1 FROM pg_namespace WHERE nspname = 'iron'") == []


def test_part_of_a_load(iron, small_pieces):
    expected = spoil(iron)
    first = iron.load("zpix", "--part", "1/2")
    second = iron.load("zpix", "--part", "2/2")
    assert "of zpix, in column quarantine of iron.load_ledger" in first
    assert "6 of zpix, in column quarantine of iron.load_ledger" in second
    assert not iron.folder.exists()
    iron.load("zpix")
    assert iron.parquet("redshift.zpix").select(*WHY[2:]).rows() == expected
