"""Shares of files that come when their tables have foreign keys already."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.catalogues import Catalogues, table_sql, write_fits

N = 20
PARTS = ("1/2", "2/2")
TOML = """
name = "stars"
version = "v1"
[tables.stars]
sql = "stars.sql"
files = ["stars-*.fits"]
hdu = "STARS"
[tables.lines]
sql = "lines.sql"
files = ["lines-*.fits"]
hdu = "LINES"
[[tables.lines.references]]
columns = ["targetid"]
table = "stars"
keys = ["targetid"]
"""


def write(vac: Catalogues, hdu: str, name: str, first: int) -> None:
    """Write a file of stars, or of one line of each star."""
    columns = {"TARGETID": np.arange(first, first + N, dtype="i8")}
    if hdu == "LINES":
        columns = {"LINEID": columns["TARGETID"] + 1000, **columns}
    write_fits(vac.root / f"{hdu.lower()}-{name}.fits", {hdu: columns})


@pytest.fixture
def vac(tmp_path, database) -> Catalogues:
    vac = Catalogues(tmp_path, database)
    for hdu in ("STARS", "LINES"):
        write(vac, hdu, "a", 0)
    return vac


@pytest.fixture
def description(vac) -> Path:
    """Return a description of two tables, one of which refers to the other."""
    target, line = "targetid bigint NOT NULL", "lineid bigint NOT NULL"
    (vac.root / "stars.sql").write_text(table_sql(target))
    (vac.root / "lines.sql").write_text(table_sql(f"{line}, {target}", "lineid"))
    path = vac.root / "stars.toml"
    path.write_text(TOML)
    return path


def state(vac: Catalogues) -> list[list[tuple]]:
    tables = ("stars", "lines", "load_ledger")
    return [vac.query(f"SELECT t::text FROM vac.{table} t ORDER BY 1") for table in tables]


@pytest.mark.parametrize("way", [(), ("--on-error", "quarantine"), ("--dry-run",)], ids=str)
def test_late_rows_of_both_sides(vac, description, way):
    """No share is loaded: good rows would be taken for some that refer to nothing."""
    vac.load(description)
    for n, name in enumerate("bcde", 1):
        for hdu in ("STARS", "LINES"):
            write(vac, hdu, name, n * N)
    before = state(vac)
    for part in PARTS:
        message = vac.refuse_load(description, "--part", part, *way)
        assert "of schema vac have foreign keys already (lines refers to stars)" in message
        assert "Load without --part" in message
        assert state(vac) == before
    vac.load(description, *way)
    if "--dry-run" not in way:
        assert vac.query("SELECT count(*) FROM vac.lines JOIN vac.stars USING (targetid)") == [
            (5 * N,)
        ]
        vac.verify()


def test_late_rows_of_one_side(vac, description):
    vac.load(description)
    for hdu in ("STARS", "LINES"):
        for n, name in enumerate("bc", 1):
            write(vac, hdu, name, n * N)
        for part in PARTS:
            vac.load(description, "--part", part)
    assert vac.query("SELECT count(*) FROM vac.lines") == [(3 * N,)]
    vac.load(description)
    vac.verify()


def test_shares_before_the_foreign_key(vac, description):
    for hdu in ("STARS", "LINES"):
        write(vac, hdu, "b", N)
    for part in PARTS:
        vac.load(description, "--part", part)
    vac.load(description)
    assert vac.query("SELECT count(*) FROM vac.lines") == [(2 * N,)]
    vac.verify()
