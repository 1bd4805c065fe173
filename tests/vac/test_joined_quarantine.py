"""Rows of a catalogue that go into quarantine for what is joined to them, or has another name."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from support.catalogues import Catalogues, table_sql, write_fits

TOML = """
name = "stars"
version = "v1"
[tables.stars]
files = "a.fits"
hdu = "ONE"
"""
SQL = table_sql("targetid bigint NOT NULL, label varchar(4) NOT NULL")
N = 6
TARGETS = np.arange(N, dtype="i8") + 100
BAD = b"\xff\xfe"


@pytest.fixture
def vac(tmp_path, database) -> Catalogues:
    (tmp_path / "stars.sql").write_text(SQL)
    return Catalogues(tmp_path, database)


def quarantined(vac: Catalogues, more: str) -> list[tuple]:
    """Load twice, verify, and return targets in the table, and what is in quarantine."""
    description = vac.root / "stars.toml"
    description.write_text(f"{TOML}{more}")
    folder = vac.root / "bad"
    options = ("--on-error", "quarantine", "--quarantine", folder)
    vac.load(description, *options, code=3)
    vac.load(description, *options, code=3)
    vac.verify()
    (path,) = folder.glob("*.parquet")
    return pl.read_parquet(path).drop("table", "file", "reason").rows(named=True)


@pytest.mark.parametrize("how", ["all", "left", "inner"])
def test_a_counterpart_that_cannot_be_read(vac, how):
    """It is in row 1 of the joined HDU, and its target in row 4 of the first one."""
    labels = np.array([b"ok", BAD, b"ok", b"ok", b"ok", b"ok"], "S4")
    other = {"TARGETID": TARGETS[::-1].copy(), "NAME": labels}
    write_fits(vac.root / "a.fits", {"ONE": {"TARGETID": TARGETS}, "TWO": other})
    (row,) = quarantined(
        vac,
        f"""[[tables.stars.join]]
        hdu = "TWO"
        by = "TARGETID"
        how = "{how}"
        rename = {{ NAME = "label" }}
        """,
    )
    assert (row["row"], row["TARGETID"], row["column"]) == (4, 104, "LABEL")
    assert vac.query("SELECT targetid FROM vac.stars ORDER BY 1") == [
        (n,) for n in TARGETS.tolist() if n != 104
    ]


def test_whose_row_an_error_names(vac):
    labels = np.array(["ok", "too long", "ok", "ok", "ok", "ok"])
    other = {"TARGETID": TARGETS[::-1].copy(), "LABEL": labels}
    path = write_fits(vac.root / "a.fits", {"ONE": {"TARGETID": TARGETS}, "TWO": other})
    description = vac.root / "stars.toml"
    description.write_text(f'{TOML}[[tables.stars.join]]\nhdu = "TWO"\nby = "TARGETID"\n')
    assert vac.refuse_load(description) == (
        f"{path}[TWO], column LABEL: text is longer than 4 characters "
        f"(row 4: 'too long'; rows counted from 0, those of {path}[ONE])"
    )


@pytest.mark.parametrize(
    "more",
    [
        '[tables.stars.columns]\nlabel = { from = "NAME" }',
        'rename = { NAME = "label" }',
        '[[tables.stars.join]]\nhdu = "TWO"\nsame = "TARGETID"\nprefix = "la"\ndrop = "NAME"',
    ],
    ids=["from", "rename", "prefix"],
)
def test_a_column_of_another_name(vac, more):
    labels = np.full(N, b"ok", "S4")
    labels[1] = BAD
    two = {"TARGETID": TARGETS, "BEL": labels, "NAME": labels}
    write_fits(vac.root / "a.fits", {"ONE": {"TARGETID": TARGETS, "NAME": labels}, "TWO": two})
    (row,) = quarantined(vac, more)
    assert (row["row"], row["column"], row["TARGETID"]) == (1, "LABEL", 101)
    assert row["value"] == repr(BAD + b"\0\0")
    assert vac.query("SELECT count(*) FROM vac.stars") == [(N - 1,)]
