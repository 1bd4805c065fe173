"""Rows of catalogues that break a key go into quarantine, and no others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import psycopg
import pytest
from support.catalogues import Catalogues, table_sql, write_fits

from specprod_copy.errors import SpecprodCopyError

TOML = """
name = "own"
version = "v1"
[tables.field]
files = "field*.fits"
[tables.star]
files = "star*.fits"
[[tables.star.references]]
columns = ["field"]
table = "field"
keys = ["id"]
[tables.line]
files = "line*.fits"
[[tables.line.references]]
columns = ["star"]
table = "star"
keys = ["k"]
"""
NOWHERE = 99
WAY = ("--on-error", "quarantine", "--quarantine")


def describe(vac: Catalogues, number: str = "bigint") -> Path:
    """Describe lines of stars in fields; `number` is the type of a star's key."""
    columns = {
        "field": ("id bigint NOT NULL", "id"),
        "star": (f"k {number} NOT NULL, field bigint NOT NULL, x bigint NOT NULL", "k"),
        "line": (f"n bigint NOT NULL, star {number} NOT NULL", "n"),
    }
    for table, (text, key) in columns.items():
        (vac.root / f"{table}.sql").write_text(table_sql(text, key))
    path = vac.root / "own.toml"
    path.write_text(TOML)
    return path


def write(vac: Catalogues, name: str, **columns: list) -> None:
    arrays = {key.upper(): np.array(values) for key, values in columns.items()}
    table = name.rstrip("0123456789").upper()
    write_fits(vac.root / f"{name}.fits", {table: arrays})


def stars(vac: Catalogues, name: str, keys: list, fields: list) -> None:
    """Write stars; x is 10 times the row."""
    x = [10 * row for row in range(len(keys))]
    write(vac, name, k=keys, field=fields, x=x)


def quarantined(vac: Catalogues, table: str) -> list[tuple]:
    (path,) = vac.root.glob(f"bad/*.{table}.parquet")
    found = pl.read_parquet(path)
    return sorted(found.select("row", "reason").rows())


def quarantine(vac: Catalogues, description: Path, code: int = 3) -> None:
    vac.load(description, *WAY, vac.root / "bad", code=code)


@pytest.fixture
def vac(tmp_path, database) -> Catalogues:
    """Two fields, 1 and 2."""
    vac = Catalogues(tmp_path, database)
    write(vac, "field", id=[1, 2])
    return vac


NO_FIELD = "no row of field has this id"


@pytest.fixture(params=[False, True], ids=["at once", "later"])
def name(request, vac) -> str:
    """Return the name of a file of stars that is loaded with the keys, or when they are there."""
    if request.param:
        stars(vac, "star1", [1], [1])
        write(vac, "line", n=[1], star=[1])
        quarantine(vac, describe(vac), code=0)
    else:
        write(vac, "line", n=[], star=[])
    return "star2"


def test_a_key_that_is_no_number_comes_twice(vac):
    """NaN is a key as good as others: the server finds NaN equal to NaN."""
    stars(vac, "star", [np.nan, np.nan, 0.0, -0.0, 3.0], [1, 1, 1, 1, 1])
    write(vac, "line", n=[1, 2], star=[np.nan, 3.0])
    quarantine(vac, describe(vac, "double precision"))
    assert vac.query("SELECT x FROM vac.star ORDER BY x") == [(0,), (20,), (40,)]
    assert quarantined(vac, "star") == [
        (1, "k is that of row 0 of star.fits[STAR]"),
        (3, "k is that of row 2 of star.fits[STAR]"),
    ]


def test_a_key_that_is_no_number_refers_to_nothing(vac):
    stars(vac, "star", [np.nan, 3.0], [NOWHERE, 1])
    write(vac, "line", n=[1, 2], star=[np.nan, 3.0])
    quarantine(vac, describe(vac, "double precision"))
    assert quarantined(vac, "star") == [(0, NO_FIELD)]
    assert quarantined(vac, "line") == [(0, "no row of star has this k")]
    assert vac.query("SELECT n FROM vac.line") == [(2,)]


def test_a_value_that_is_no_number_may_refer_to_nothing(vac):
    """The note on it names its row."""
    stars(vac, "star", [3.0], [1])
    write(vac, "line", n=[1, 2], star=[3.0, np.nan])
    description = describe(vac, "double precision")
    description.write_text(TOML + 'orphans = "allow"\n')
    said = vac.load(description)
    assert "1 rows refer to no row of star: star nan" in said
    assert "line.fits[LINE] row 1" in said


def test_the_first_row_of_a_key_refers_to_nothing(vac, name):
    """Then the next one is loaded that does not, and those behind it name that one."""
    stars(vac, name, [7, 7, 7, 7, 8], [NOWHERE, NOWHERE, 2, 1, 2])
    quarantine(vac, describe(vac))
    assert vac.query("SELECT k, field, x FROM vac.star WHERE k > 1 ORDER BY 1") == [
        (7, 2, 20),
        (8, 2, 40),
    ]
    assert quarantined(vac, "star") == [
        (0, NO_FIELD),
        (1, NO_FIELD),
        (3, f"k is that of row 2 of {name}.fits[STAR]"),
    ]
    figures = """SELECT sum(rows_read)::int, sum(rows_kept)::int, sum(rows_quarantined)::int
                 FROM vac.load_ledger WHERE inputs -> 0 ->> 'file' LIKE '%star2%'"""
    assert vac.query(figures) == [(5, 2, 3)]
    vac.verify()


def test_no_row_of_a_key_refers_to_anything(vac, name):
    stars(vac, name, [7, 8, 7], [NOWHERE, 2, NOWHERE])
    quarantine(vac, describe(vac))
    assert quarantined(vac, "star") == [(0, NO_FIELD), (2, NO_FIELD)]
    vac.verify()


def test_the_second_row_of_a_key_refers_to_nothing(vac, name):
    """What is wrong with it first is its key."""
    stars(vac, name, [7, 7], [1, NOWHERE])
    quarantine(vac, describe(vac))
    assert quarantined(vac, "star") == [(1, f"k is that of row 0 of {name}.fits[STAR]")]
    vac.verify()


def test_what_refers_to_the_row_of_a_key_that_takes_the_place_of_the_first(vac):
    """It is loaded as if the first one had never been there, and so is what refers to that."""
    stars(vac, "star1", [7, 9], [NOWHERE, NOWHERE])
    stars(vac, "star2", [7, 8], [2, 1])
    write(vac, "line", n=[1, 2, 2, 3, 1], star=[7, 9, 8, 9, 8])
    quarantine(vac, describe(vac))
    assert vac.query("SELECT k, field FROM vac.star ORDER BY 1") == [(7, 2), (8, 1)]
    assert vac.query("SELECT n, star FROM vac.line ORDER BY 1") == [(1, 7), (2, 8)]
    no_star = "no row of star has this k"
    assert quarantined(vac, "star") == [(0, NO_FIELD), (1, NO_FIELD)]
    assert quarantined(vac, "line") == [
        (1, no_star),
        (3, no_star),
        (4, "n is that of row 0 of line.fits[LINE]"),
    ]
    vac.verify()


OWN = {
    "ADD COLUMN flag int NOT NULL DEFAULT 0": "with a value that is not sent",
    "ADD COLUMN tag int UNIQUE": "with a key",
    "ADD COLUMN person int REFERENCES vac.people (id)": "with a foreign key",
}


@pytest.mark.parametrize("own", OWN, ids=OWN.values())
def test_columns_of_users_are_in_nobodys_way(vac, own):
    stars(vac, "star1", [1], [1])
    write(vac, "line", n=[1], star=[1])
    description = describe(vac)
    vac.load(description)
    with psycopg.connect(vac.conninfo) as connection:
        connection.execute("CREATE TABLE vac.people (id int PRIMARY KEY)")
        connection.execute(f"ALTER TABLE vac.star {own}".encode())
    stars(vac, "star2", [1, 7, 8], [1, 1, 1])
    assert "row 0, column K, 1: k is that of a row that was loaded before" in vac.refuse_load(
        description
    )
    quarantine(vac, description)
    assert [row for row, _ in quarantined(vac, "star")] == [0]
    assert vac.query("SELECT k FROM vac.star ORDER BY 1") == [(1,), (7,), (8,)]


ALL_KEYS_AT_ONCE = {
    "field": "id bigint PRIMARY KEY",
    "star": (
        "k bigint PRIMARY KEY, field bigint NOT NULL REFERENCES {{ schema }}.field (id), "
        "x bigint NOT NULL, UNIQUE (field, x)"
    ),
}


@pytest.fixture
def with_keys(vac) -> Path:
    """Describe tables that have their keys before the first row; the stars are filled as frozen."""
    description = describe(vac)
    for table, columns in ALL_KEYS_AT_ONCE.items():
        (vac.root / f"{table}.sql").write_text(
            "{% block table %}CREATE TABLE IF NOT EXISTS {{ schema }}.{{ table }} "
            f"({columns});{{% endblock %}}"
        )
    stars(vac, "star1", [1, 2, 1, 4, 5], [1, 2, 2, 1, NOWHERE])
    write(vac, "star2", k=[6, 7], field=[1, 2], x=[30, 0])
    write(vac, "line", n=[1, 2], star=[1, 6])
    return description


def test_tables_that_have_their_keys_before_the_first_row(vac, with_keys):
    quarantine(vac, with_keys)
    assert vac.query("SELECT k, field, x FROM vac.star ORDER BY 1") == [
        (1, 1, 0),
        (2, 2, 10),
        (4, 1, 30),
        (7, 2, 0),
    ]
    assert quarantined(vac, "star") == [
        (0, "field, x is that of row 3 of star1.fits[STAR]"),
        (2, "k is that of row 0 of star1.fits[STAR]"),
        (4, NO_FIELD),
    ]
    assert quarantined(vac, "line") == [(1, "no row of star has this k")]
    vac.verify()


def test_a_reference_before_the_first_row_without_quarantine(vac, with_keys):
    stars(vac, "star1", [1, 5], [1, NOWHERE])
    with pytest.raises(SpecprodCopyError) as caught:
        vac.load(with_keys)
    assert str(caught.value).endswith(
        f"star1.fits[STAR] row 1, column FIELD, {NOWHERE}: {NO_FIELD}. Take the row out of the "
        "file, or use --on-error quarantine"
    )


def test_rows_that_an_earlier_version_has_set_aside(vac):
    """It called the number of a row as it is called inside; verify knows the reason again."""
    path = describe(vac)
    path.write_text(path.read_text() + "[tables.line.columns]\nn = { row = true }\n")
    (vac.root / "line.sql").write_text(table_sql("n smallint NOT NULL, star bigint NOT NULL", "n"))
    write(vac, "field", id=[1])
    stars(vac, "star", [7], [1])
    write(vac, "line", star=[7] * (2**15 + 2))
    vac.load(path, *WAY, vac.root / "out", code=3)
    quarantine = "SELECT quarantine FROM vac.load_ledger WHERE rows_quarantined > 0"
    [(before,)] = vac.query(quarantine)
    assert [entry["column"] for entry in before] == ["number of the row"] * 2
    vac.verify()
    with psycopg.connect(vac.conninfo) as connection:
        connection.execute(
            """UPDATE vac.load_ledger SET quarantine = replace(
                   quarantine::text, 'number of the row', 'ROW?')::jsonb"""
        )
    assert vac.query(quarantine) != [(before,)]
    vac.verify()
