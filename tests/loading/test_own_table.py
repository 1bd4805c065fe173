"""A table of one's own: an SQL file, a source and a composite key, outside of the package."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import polars as pl
import psycopg
import pytest
from astropy.table import Table

from specprod_copy.desi.configuration import load_configuration
from specprod_copy.desi.production import ProductionFiles
from specprod_copy.errors import ConfigurationError, DatabaseError
from specprod_copy.loading.api import load
from specprod_copy.loading.dry_run import plan_load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.loading.summary import LoadSummary
from specprod_copy.plan.limits import Limits
from specprod_copy.status import schema_status
from specprod_copy.tables import Catalogue, Inputs, TableSource
from specprod_copy.tables.source import Check
from specprod_copy.verification import VerifyOptions, verify

FIELDS = """
{% block table %}
CREATE TABLE IF NOT EXISTS {{ schema }}.field (
    night integer NOT NULL,
    field smallint NOT NULL,
    seeing double precision
);
{% endblock %}
{% block keys %}
ALTER TABLE {{ schema }}.field ADD CONSTRAINT field_pkey PRIMARY KEY (night, field);
{% endblock %}
{% block comments %}
COMMENT ON TABLE {{ schema }}.field IS 'Fields of one''s own';
{% endblock %}
{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.field TO {{ role }};
{% endfor %}
{% endblock %}
"""
SOURCES = """
{% block table %}
CREATE TABLE IF NOT EXISTS {{ schema }}.star (
    night integer NOT NULL,
    field smallint NOT NULL,
    name varchar(8) NOT NULL,
    mag real NOT NULL
);
{% endblock %}
{% block keys %}
CREATE UNIQUE INDEX IF NOT EXISTS star_pkey ON {{ schema }}.star (night, field, name);
ALTER TABLE {{ schema }}.star ADD CONSTRAINT star_pkey PRIMARY KEY USING INDEX star_pkey;
{% endblock %}
{% block indexes %}
CREATE INDEX IF NOT EXISTS ix_star_mag ON {{ schema }}.star (mag);
{% endblock %}
{% block foreign_keys %}
ALTER TABLE {{ schema }}.star ADD CONSTRAINT star_field_fkey
FOREIGN KEY (night, field) REFERENCES {{ schema }}.field (night, field) NOT VALID;
{% endblock %}
{% block validation %}
ALTER TABLE {{ schema }}.star VALIDATE CONSTRAINT star_field_fkey;
{% endblock %}
"""
NIGHTS = [20200101, 20200101, 20200102]
NUMBERS = [1, 2, 1]


def source(table: str, folder: Path) -> TableSource:
    return TableSource(
        table,
        "sky",
        files=lambda inputs: sorted(folder.glob(f"{table}-*.fits")),
        hdus=("DATA",),
        checks=(Check("MAG", pl.col("MAG") > 90, "no magnitude"),) if table == "star" else (),
    )


def kept(summary: LoadSummary) -> int:
    return sum(table.rows_kept for table in summary.tables)


class Sky:
    """Files of fields and stars, and what is done with them by the public functions."""

    def __init__(self, folder: Path, conninfo: str) -> None:
        self.folder, self.conninfo = folder, conninfo
        for name, text in (("field", FIELDS), ("star", SOURCES)):
            (folder / f"{name}.sql").write_text(text)
        self.catalogue = Catalogue.of(
            [folder / "star.sql", folder / "field.sql"],
            [source("field", folder), source("star", folder)],
        )
        self.inputs = Inputs(ProductionFiles(load_configuration()["iron"], folder))
        self.options = LoadOptions(("all",), "sky", roles=(), quarantine_folder=folder / "bad")
        self.write("field-1", NIGHT=NIGHTS, FIELD=NUMBERS, SEEING=[1.0, 1.5, -0.0])
        self.stars("star-1", range(0, 60))
        self.stars("star-2", range(60, 90))

    def write(self, name: str, **columns: object) -> Path:
        path = self.folder / f"{name}.fits"
        types = {"NIGHT": "i4", "FIELD": "i2", "SEEING": "f8", "MAG": "f4"}
        arrays = {k: np.array(v, dtype=types.get(k)) for k, v in columns.items()}
        Table(arrays, meta={"EXTNAME": "DATA"}).write(path, overwrite=True)
        return path

    def stars(self, name: str, numbers: range, **changed: tuple[int, object]) -> Path:
        columns: dict[str, list] = {
            "NIGHT": [NIGHTS[n % 3] for n in numbers],
            "FIELD": [NUMBERS[n % 3] for n in numbers],
            "NAME": [f"s{n // 3}" for n in numbers],
            "MAG": [n / 8 for n in numbers],
        }
        for column, (row, value) in changed.items():
            columns[column][row] = value
        return self.write(name, **columns)

    def load(self, **options):
        options = dataclasses.replace(self.options, **options)
        return load(self.conninfo, self.inputs, options, catalogue=self.catalogue)

    def verify(self, jobs: int = 1):
        options = VerifyOptions(("all",), "sky", jobs=jobs)
        return verify(self.conninfo, self.inputs, options, catalogue=self.catalogue)

    def query(self, query: str) -> list[tuple]:
        with psycopg.connect(self.conninfo) as connection:
            return connection.execute(query.encode()).fetchall()


@pytest.fixture
def sky(tmp_path, database) -> Sky:
    return Sky(tmp_path, database)


def test_it_is_loaded_and_verified(sky):
    plan, statements = plan_load(None, sky.inputs, sky.options, sky.catalogue)
    assert plan.n_rows == 93
    assert {s.makes.name for s in statements if s.makes} >= {"star_pkey", "star_field_fkey"}
    assert kept(sky.load()) == 93
    assert sky.query("SELECT count(*), max(mag)::float FROM sky.star") == [(90, 89 / 8)]
    results = sky.verify()
    assert [result for result in results if not result.passed] == []
    details = {(r.table, r.name): r.detail for r in results}
    assert details["star", "primary-key"] == "night, field, name is unique"
    assert details["star", "foreign-key"] == "night, field in field.night, field: 0 orphans"
    assert details["star", "sample"].startswith("90 rows of 4 columns")
    assert kept(sky.load()) == 0
    with psycopg.connect(sky.conninfo) as connection:
        status = schema_status(connection, "sky", sky.inputs, sky.catalogue)
    assert status.steps_missing == {}
    assert [(stage.table, stage.rows_missing) for stage in status.progress] == [
        ("field", 0),
        ("star", 0),
    ]


def test_by_several_processes(sky):
    small = Limits(small_rows=10, batch_rows=20, unit_rows=20)
    assert kept(sky.load(jobs=2, limits=small)) == 93
    assert all(result.passed for result in sky.verify())


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("UPDATE sky.star SET mag = 5.5 WHERE name = 's7' AND field = 2", "values"),
        ("DELETE FROM sky.star WHERE name = 's7' AND field = 2", "rows"),
        ("UPDATE sky.field SET seeing = 0.0 WHERE seeing = 0", "values"),
    ],
)
def test_verify_sees_what_changed(sky, statement, name):
    sky.load()
    with psycopg.connect(sky.conninfo) as connection:
        connection.execute(statement.encode())
    failed = {result.name: result.detail for result in sky.verify() if not result.passed}
    assert name in failed
    if "star" in statement:
        assert "night 20200101, field 2, name s7 (star-1.fits[DATA] row 22)" in failed[name]


def test_rows_of_a_file_are_replaced(sky):
    sky.load()
    before = sky.query("SELECT ctid, * FROM sky.star ORDER BY night, field, name")
    path = sky.stars("star-1", range(3, 60), MAG=(7, 7.25))
    summary = sky.load(replace=(path,))
    assert "star: 1 rows changed, 0 new, 3 removed" in summary.notes
    after = sky.query("SELECT ctid, * FROM sky.star ORDER BY night, field, name")
    assert len({*before} - {*after}) == 4
    assert all(result.passed for result in sky.verify())


def test_a_replaced_file_must_not_have_keys_of_others(sky):
    sky.load()
    path = sky.stars("star-1", range(1, 61))
    message = r"star is not unique: \(night, field, name\) = \(20200101, 1, s20\)"
    with pytest.raises(DatabaseError, match=message):
        sky.load(replace=(path,))


def test_bad_rows_go_into_quarantine(sky):
    """A value, the key of another row, and a reference to nothing."""
    sky.stars("star-1", range(0, 60), MAG=(5, 99.0), FIELD=(9, 7))
    sky.stars("star-2", range(60, 90), NAME=(0, "s4"))
    summary = sky.load(max_quarantined=10)
    assert summary.rows_refused == 3
    found = pl.read_parquet(sky.folder / "bad" / "sky.sky.star.parquet")
    assert sorted(found.select("file", "row", "column", "reason").rows()) == [
        ("star-1.fits", 5, "MAG", "no magnitude"),
        ("star-1.fits", 9, "NIGHT+FIELD", "no row of field has this night, field"),
        (
            "star-2.fits",
            0,
            "NIGHT+FIELD+NAME",
            "night, field, name is that of row 12 of star-1.fits[DATA]",
        ),
    ]
    assert sky.query("SELECT count(*) FROM sky.star") == [(87,)]
    assert [result for result in sky.verify() if not result.passed] == []


def test_what_refers_to_a_row_goes_with_it(sky):
    """A field twice: one stays, with its stars; a field of a bad value: its stars go."""
    sky.write(
        "field-1", NIGHT=[*NIGHTS, 20200101], FIELD=[*NUMBERS, 2], SEEING=[1.0, 1.5, 2.0, 3.0]
    )
    summary = sky.load(max_quarantined=40)
    assert summary.rows_refused == 1
    assert sky.query("SELECT seeing FROM sky.field WHERE field = 2") == [(1.5,)]
    assert sky.query("SELECT count(*) FROM sky.star") == [(90,)]


def test_without_quarantine_the_rows_are_named(sky):
    sky.stars("star-1", range(0, 60), FIELD=(9, 7))
    with pytest.raises(DatabaseError) as error:
        sky.load()
    assert "(night, field) = (20200101, 7), from" in str(error.value)
    assert "star-1.fits[DATA] row 9" in str(error.value)


def test_a_source_must_have_a_table_with_a_key(sky, tmp_path):
    with pytest.raises(ConfigurationError, match="no file defines table other"):
        Catalogue.of([], [source("other", tmp_path)])
    (tmp_path / "field.sql").write_text(FIELDS.split("{% block keys")[0])
    with pytest.raises(ConfigurationError, match="table field has no primary key"):
        Catalogue.of([tmp_path / "field.sql"], [source("field", tmp_path)])


def test_stages_are_those_of_the_catalogue(sky):
    with pytest.raises(ConfigurationError, match="no stage is called 'redshift'; stages: sky;"):
        sky.load(stages=("redshift",))
