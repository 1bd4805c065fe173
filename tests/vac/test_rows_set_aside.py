"""Rows of catalogues that break a key go into quarantine, and no others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from support.catalogues import Catalogues, write_fits

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
SQL = """
{{% block table %}}
CREATE TABLE IF NOT EXISTS {{{{ schema }}}}.{{{{ table }}}} ({columns});
{{% endblock %}}
{{% block keys %}}
ALTER TABLE {{{{ schema }}}}.{{{{ table }}}}
    ADD CONSTRAINT {{{{ table }}}}_pkey PRIMARY KEY ({key});
{{% endblock %}}
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
        (vac.root / f"{table}.sql").write_text(SQL.format(columns=text, key=key))
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
