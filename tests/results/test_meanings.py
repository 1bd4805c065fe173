"""Where -9999 stands for NaN: in tables, and in what others make of them."""

from __future__ import annotations

import psycopg
import pytest
from support.result_case import TABLES

import specprod_copy as sc
from specprod_copy.results.api import preview
from specprod_copy.results.options import QueryOptions

DIFFERENT = "computed, or of a UNION: "
BY_HAND = "of tables that no production has: "

MORE = """
    CREATE SCHEMA t;
    CREATE TABLE t.photometry (targetid bigint, flux_g real, pmra double precision, ra float8)
        PARTITION BY HASH (targetid);
    CREATE TABLE t.photometry_p0 (targetid bigint, pmra double precision, flux_g real, ra float8);
    ALTER TABLE t.photometry ATTACH PARTITION t.photometry_p0
        FOR VALUES WITH (MODULUS 1, REMAINDER 0);
    COMMENT ON COLUMN t.photometry.flux_g IS 'Flux in g [nanomaggy] (UCD phot.flux;em.opt.B)';
    COMMENT ON COLUMN t.photometry.pmra IS 'Proper motion [arcsec yr^-1] (UCD pos.pm)';
    INSERT INTO t.photometry VALUES (7, -9999, 1.5, -9999);
    CREATE TABLE t.copied AS SELECT * FROM t.photometry;
    CREATE VIEW t.of_copied AS SELECT ra AS place FROM t.copied;
    CREATE TABLE t.own (flux_g real, "UNION" real);
    INSERT INTO t.own VALUES (-9999, -9999);
    CREATE TABLE t.own_ra (ra float8);
    INSERT INTO t.own_ra VALUES (-9999);
    CREATE VIEW t.everything AS
        SELECT 's'::text AS production, targetid, flux_g, pmra, flux_g + 0 AS sum, ra AS one,
               NULL::double precision AS later, flux_g AS "a UNION b", ra AS mixed
        FROM s.photometry
        UNION ALL
        (SELECT DISTINCT ON (targetid)
                't', targetid, flux_g, pmra, flux_g, NULL::float8, pmra, flux_g, 1
         FROM t.photometry WHERE 'x, (UNION' <> '' ORDER BY targetid LIMIT 5);
    COMMENT ON COLUMN t.everything.sum IS 'A sum [nanomaggy]';
    CREATE VIEW t.above AS SELECT *, pmra * 1 AS product FROM t.everything;
    CREATE VIEW t.nested AS
        SELECT NULL::real AS flux UNION ((SELECT flux_g FROM s.photometry EXCEPT
        SELECT flux_g FROM t.photometry) UNION SELECT flux_g FROM t.everything) ORDER BY 1 LIMIT 9;
    CREATE VIEW t.with_own AS SELECT flux_g FROM s.photometry UNION SELECT flux_g FROM t.own;
    CREATE VIEW t.by_name AS WITH photometry AS (SELECT "UNION" AS flux_g FROM t.own)
        SELECT flux_g FROM s.photometry UNION SELECT flux_g FROM photometry;
    CREATE VIEW t.with_names AS SELECT 1::real AS one, 2::real AS two, ra FROM s.photometry UNION
        (WITH a AS (SELECT 3), b AS (SELECT 4) SELECT 5::real, NULL::real AS six, ra FROM t.own_ra);
    CREATE MATERIALIZED VIEW t.kept AS
        SELECT z FROM s.zpix INTERSECT SELECT z FROM s.zpix;
"""


@pytest.fixture(scope="module")
def more(module_database):
    with psycopg.connect(module_database, autocommit=True) as connection:
        connection.execute(TABLES)
        connection.execute(MORE)
    return module_database


WAYS = {
    "flux_g FROM t.photometry": (None, "nanomaggy", ""),
    "flux_g FROM t.photometry_p0": (None, "nanomaggy", ""),
    "ra FROM t.photometry_p0": (None, "", ""),
    "flux_g FROM t.everything WHERE targetid = 7": (None, "nanomaggy", ""),
    "pmra FROM t.everything WHERE targetid = 1": (None, "", ""),
    "later FROM t.everything WHERE targetid = 7": (1.5, "arcsec yr^-1", ""),
    '"a UNION b" FROM t.everything WHERE targetid = 7': (None, "nanomaggy", ""),
    "sum FROM t.everything WHERE targetid = 7": (-9999.0, "nanomaggy", DIFFERENT),
    "one FROM t.everything WHERE targetid = 1": (10.125, "deg", ""),
    "mixed FROM t.everything WHERE targetid = 7": (1.0, "", DIFFERENT),
    "flux_g FROM t.above WHERE targetid = 7": (None, "nanomaggy", ""),
    "product FROM t.above WHERE targetid = 1": (-9999.0, "", DIFFERENT),
    "flux FROM t.nested WHERE flux = -9999": (None, "nanomaggy", ""),
    "flux_g FROM t.with_own WHERE flux_g = -9999": (-9999.0, "", DIFFERENT),
    "flux_g FROM t.by_name WHERE flux_g = -9999": (-9999.0, "", DIFFERENT),
    "ra FROM t.with_names WHERE ra = -9999": (-9999.0, "", DIFFERENT),
    "two FROM t.with_names WHERE ra = 10.125": (2.0, "", DIFFERENT),
    "z FROM t.kept WHERE z = -9999": (None, "", ""),
    "ra FROM t.copied": (-9999.0, "", BY_HAND),
    "place FROM t.of_copied": (-9999.0, "", BY_HAND),
    "targetid FROM t.copied": (7, "", ""),
    "pmra FROM s.photometry WHERE pmra = -9999 UNION SELECT pmra FROM s.photometry WHERE false": (
        -9999.0,
        "",
        DIFFERENT,
    ),
}
"""What is selected: its value, its unit, and the beginning of the note on it."""


@pytest.mark.parametrize("selected", WAYS)
def test_values_and_notes(more, tmp_path, selected):
    value, unit, note = WAYS[selected]
    file = tmp_path / "r.parquet"
    summary = sc.query(f"SELECT {selected}", dsn=more, output=file)
    [column] = summary.columns
    shown = preview(more, f"SELECT {selected}", QueryOptions(), 5)
    assert sc.query(f"SELECT {selected}", dsn=more).rows() == [(value,)]
    assert shown.rows == [[None if value is None else f"{value:g}"]]
    assert column.meaning.unit == unit
    told = [f"{note}{column.name}; "] if note else []
    for notes in (summary.notes, shown.notes):
        assert [text[: len(start)] for text, start in zip(notes, told, strict=True)] == told
    kept = preview(more, f"SELECT {selected}", QueryOptions(keep_9999=True), 5)
    assert kept.notes == []


def test_a_list_is_what_it_is_whatever_it_is_called(more, tmp_path):
    file = tmp_path / "l.csv"
    file.write_text("z,chi2\n-9999.0,1.5\n")
    for lists in ([("zpix", file)], [("mine", file)]):
        text = f"SELECT * FROM {lists[0][0]}"
        assert sc.query(text, dsn=more, lists=lists).rows() == [(-9999.0, 1.5)]
        shown = preview(more, text, QueryOptions(lists=tuple(lists)), 5)
        assert (shown.rows, shown.notes) == ([["-9999", "1.5"]], [])
