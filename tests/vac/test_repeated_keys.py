"""A key that is not unique is one error before the first row is sent, with files and rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import psycopg
import pytest
from support import limits
from support.catalogues import Catalogues, table_sql, write_fits

from specprod_copy.errors import SpecprodCopyError
from specprod_copy.loading.described import load_catalogue, plan_catalogue
from specprod_copy.loading.options import LoadOptions
from specprod_copy.vac.parsing import read_description

N = 100
SMALL = limits.cut(60, 20)


def stars(vac: Catalogues, name: str, first: int, **twins: int):
    """Write a file; `twins` gives rows the number of another one."""
    targets = np.arange(first, first + N, dtype="i8")
    for row, target in twins.items():
        targets[int(row.removeprefix("row"))] = target
    surveys = np.where(targets % 2, "main", "sv1").astype("S4")
    return write_fits(
        vac.root / f"stars-{name}.fits", {"STARS": {"TARGETID": targets, "SURVEY": surveys}}
    )


@pytest.fixture
def vac(tmp_path, database) -> Catalogues:
    """Two good files, and the description that was drafted from them."""
    vac = Catalogues(tmp_path, database)
    vac.draft(stars(vac, "a", 0), stars(vac, "b", N))
    return vac


def refused(vac: Catalogues, **options) -> str:
    description = read_description(next((vac.root / "own").glob("*.toml")))
    given = LoadOptions(("all",), "vac", roles=(), **options)
    before = vac.relations()
    with pytest.raises(SpecprodCopyError) as planned:
        plan_catalogue(vac.conninfo, description, vac.root, given)
    with pytest.raises(SpecprodCopyError) as caught:
        load_catalogue(vac.conninfo, description, vac.root, given)
    assert str(planned.value) == str(caught.value)
    assert vac.relations() == before
    return str(caught.value)


@pytest.mark.parametrize(
    "options", [{}, {"limits": SMALL}, {"limits": SMALL, "jobs": 2}], ids=["one", "many", "jobs"]
)
def test_before_the_first_row(vac, options):
    b = stars(vac, "b", N, row3=N + 1, row99=5)
    assert refused(vac, **options) == (
        f"PRIMARY KEY (targetid) of table stars is not unique: (targetid) = (5) in "
        f"{vac.root}/stars-a.fits[STARS] row 5 and {b}[STARS] row 99; (targetid) = ({N + 1}) in "
        f"{b}[STARS] row 1 and {b}[STARS] row 3. Take the rows out of the files, make a key of "
        "more columns, or load the first row of each key alone by --on-error quarantine"
    )


def test_later_loads(vac):
    """After an interruption all files count; where the key is there, it is the server's."""
    description = next((vac.root / "own").glob("*.toml"))
    vac.load(description, "--part", "1/2")
    c = stars(vac, "c", 5000, row7=1)
    description.write_text(description.read_text().replace("{a,b}", "*"))
    assert f"stars-a.fits[STARS] row 1 and {c}[STARS] row 7" in refused(vac)
    c.unlink()
    vac.load(description)
    stars(vac, "c", 5000, row7=5001)
    assert "(targetid) = (5001)" in refused(vac)
    stars(vac, "c", 5000, row7=1)
    assert "that of a row that was loaded before" in vac.refuse_load(description)
    assert "rows in quarantine: 1 of stars" in vac.load(
        description, "--on-error", "quarantine", "--quarantine", vac.root / "bad", code=3
    )
    vac.verify()


def test_too_many_rows_for_it(vac):
    """Then the server finds out, and what is said names file and row all the same."""
    b = stars(vac, "b", N, row99=5)
    description = read_description(next((vac.root / "own").glob("*.toml")))
    options = LoadOptions(("all",), "vac", roles=(), limits=replace(SMALL, key_rows=2 * N - 1))
    plan, _ = plan_catalogue(vac.conninfo, description, vac.root, options)
    assert "stars: 200 rows: their PRIMARY KEY (targetid) is checked when it is made" in plan.notes
    with pytest.raises(SpecprodCopyError, match=r"stars-b.fits\[STARS\] row 99"):
        load_catalogue(vac.conninfo, description, vac.root, options)
    assert b.exists()


def test_other_keys(vac):
    """Every key counts, and NULL equals nothing."""
    sql = next((vac.root / "own").glob("*.sql"))
    text = sql.read_text().replace("survey varchar(4) NOT NULL", "survey varchar(4) UNIQUE")
    sql.write_text(text)
    toml = next((vac.root / "own").glob("*.toml"))
    toml.write_text(f"{toml.read_text()}\n[tables.stars.columns]\nsurvey = {{ null = ['main'] }}\n")
    message = refused(vac)
    assert "UNIQUE (survey) of table stars is not unique: (survey) = (sv1) in" in message
    assert message.endswith("Take the rows out of the files, or make a key of more columns")
    toml.write_text(toml.read_text().replace("['main']", "['main', 'sv1']"))
    vac.load(toml)
    with psycopg.connect(vac.conninfo) as connection:
        assert connection.execute("SELECT count(survey) FROM vac.stars").fetchone() == (0,)


def test_another_key_and_the_quarantine(vac):
    """A row that comes later goes; of rows that come at once it is not said which one would."""
    (toml,), (sql,) = (vac.root.glob(f"own/*.{ending}") for ending in ("toml", "sql"))
    unique = "ALTER TABLE {{ schema }}.stars ADD CONSTRAINT stars_survey_key UNIQUE (survey);"
    keys = "{% block keys %}\n"
    sql.write_text(sql.read_text().replace(keys, f"{keys}{unique}\n"))
    first, second = ({"TARGETID": np.array([n]), "SURVEY": np.array(["main"])} for n in (1, 2))
    write_fits(vac.root / "stars-a.fits", {"STARS": first})
    later = write_fits(vac.root / "stars-b.fits", {"STARS": second})
    quarantine = ("--on-error", "quarantine", "--quarantine", vac.root / "bad")
    with pytest.raises(SpecprodCopyError, match="is not unique") as caught:
        vac.load(toml, *quarantine)
    assert str(caught.value).endswith("or load the right files with --overwrite")
    elsewhere = later.rename(vac.root / "later")
    vac.load(toml, *quarantine)
    elsewhere.rename(later)
    assert "rows in quarantine: 1 of stars" in vac.load(toml, *quarantine, code=3)
    vac.verify()


def test_keys_of_columns_that_may_be_null_before_them(vac):
    """Tables that were loaded so are used; none is made so."""
    (toml,), (sql,) = (vac.root.glob(f"own/*.{ending}") for ending in ("toml", "sql"))
    vac.load(toml)
    strict, lax = "targetid bigint NOT NULL", "targetid bigint"
    sql.write_text(sql.read_text().replace(strict, lax))
    with psycopg.connect(vac.conninfo) as connection:
        query = "UPDATE vac.vac SET sql = replace(sql::text, %s, %s)::jsonb"
        connection.execute(query, (strict, lax))
    vac.verify()
    assert "no differences" in vac.run("diff", "--schema", "vac")
    vac.load(toml)
    assert "column targetid of the primary key, which is made after" in refused(vac, overwrite=True)


def test_keys_that_no_column_of_the_files_gives(vac):
    """A row for each file: its key is a part of the name."""
    for path in vac.root.glob("own/*"):
        path.unlink()
    for name in ("c", "d"):
        write_fits(vac.root / f"sum-{name}.fits", {"SUM": {"N": np.ones(1, "i8")}})
    toml, sql = vac.root / "own/sum.toml", vac.root / "own/sum.sql"
    toml.write_text(
        'name = "sum"\nversion = "v1"\n[tables.sums]\nsql = "sum.sql"\nfiles = ["sum-{x}.fits"]\n'
        'hdu = "SUM"\n[tables.sums.columns]\nx = { path = "x" }\n'
    )
    sql.write_text(table_sql("x varchar(1) NOT NULL, n bigint NOT NULL", "x"))
    vac.load(toml)
    assert vac.query("SELECT x, n FROM vac.sums ORDER BY x") == [("c", 1), ("d", 1)]
    write_fits(vac.root / "sum-d.fits", {"SUM": {"N": np.ones(2, "i8")}})
    assert "(x) = (d) in" in refused(vac, overwrite=True)
    write_fits(vac.root / "sum-d.fits", {"SUM": {"N": np.zeros(1, "i8")}})
    vac.load(toml, "--replace", vac.root / "sum-d.fits")
    vac.verify()
