"""Where -9999 stands for NaN: in tables, and in what others make of them."""

from __future__ import annotations

import psycopg
import pytest
from support.result_case import TABLES

import specprod_copy as sc
from specprod_copy.results import meanings as meanings_module
from specprod_copy.results.api import preview
from specprod_copy.results.branches import null_columns
from specprod_copy.results.meanings import meanings, prepared
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
    CREATE TABLE t.mine (x real);
    INSERT INTO t.mine VALUES (-9999), (5);
    CREATE VIEW t.arrays AS
        SELECT array[0::real, null::real, 1::real] AS a, x * 1::real AS x, 1 AS i FROM t.mine
        UNION ALL SELECT array[1::real], z, 2 FROM s.zpix WHERE zwarn = 0;
    CREATE VIEW t.array_of_null AS SELECT array[z, null, z] AS a, z FROM s.zpix;
    CREATE VIEW t.mixed_items AS
        SELECT DISTINCT null::float8 AS n, 'a, (null::real), [' AS "b, ]",
               (array[z, null])[1:2] AS c, coalesce(null::real, z)::real AS d, chi2 AS e
        FROM s.zpix;
    CREATE VIEW t.ordered AS SELECT null::float8 AS n, 1::float8 AS x ORDER BY 2, 1;
    CREATE VIEW t.two AS SELECT n, e, d FROM t.mixed_items UNION ALL SELECT z, z, z FROM s.zpix;
    CREATE VIEW t.three AS SELECT n AS w, n AS v FROM t.mixed_items
        UNION SELECT n, n FROM t.mixed_items;
    COMMENT ON COLUMN t.three.v IS 'Nothing [deg]';
    CREATE VIEW t.four AS SELECT v FROM t.three UNION ALL SELECT z FROM s.zpix;
    CREATE VIEW t.server AS SELECT blk_read_time FROM pg_stat_database;
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
    "x FROM t.arrays WHERE i = 1 AND x < 0": (-9999.0, "", DIFFERENT),
    "z FROM t.array_of_null WHERE z = -9999": (None, "", ""),
    "n FROM t.mixed_items LIMIT 1": (None, "", ""),
    "d FROM t.mixed_items WHERE d = -9999": (-9999.0, "", DIFFERENT),
    "e FROM t.mixed_items WHERE e = -9999": (None, "", ""),
    "n FROM t.two WHERE n = -9999": (None, "", ""),
    "d FROM t.two WHERE d = -9999 LIMIT 1": (-9999.0, "", DIFFERENT),
    "x FROM t.ordered": (1.0, "", DIFFERENT),
    "w FROM t.three": (None, "", ""),
    "v FROM t.three": (None, "deg", ""),
    "v FROM t.four WHERE v = -9999": (None, "", ""),
    "max(blk_read_time) * 0 AS a FROM t.server": (0.0, "", DIFFERENT),
    "blk_read_time FROM t.server LIMIT 1": (0.0, "", ""),
    "blk_read_time FROM pg_stat_database LIMIT 1": (0.0, "", ""),
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


N = "NULL::real"
LISTS = {
    f"SELECT {N} AS a, b FROM c": {0},
    f" SELECT ALL {N} AS a, {N} FROM c": {0, 1},
    f"SELECT DISTINCT b, {N} AS a": {1},
    f"SELECT DISTINCT ON (b, a) {N} AS a, {N} AS b FROM c": {1},
    f"SELECT ARRAY[1, (2), a[1:2][3:4]] AS a, {N} AS b WHERE true": {1},
    f"SELECT a[1] AS x, {N} AS b FROM c": {1},
    f"SELECT ',]'::text AS \"],\", {N} AS b FROM c": {1},
    f"SELECT ({N})::double precision AS a, ({N} IS NULL) AS b FROM c": set(),
    f"SELECT 1 AS a, {N} AS b ORDER BY 1, 2": set(),
    f"SELECT a, {N} AS b, c FROM d": set(),
    f"SELECT {N} AS a": set(),
    f"VALUES (1, {N})": set(),
    f"WITH a AS (SELECT 1) SELECT b, {N} FROM a": set(),
}
"""Queries of two columns, and which of them are found to be null in all rows."""


@pytest.mark.parametrize("query", LISTS)
def test_columns_that_are_null(query):
    assert null_columns(query, 2) == LISTS[query]


class Counting(psycopg.Connection):
    """Notes which statements it was asked for."""

    def execute(self, query, *arguments, **options):
        self.asked.append(query)
        return super().execute(query, *arguments, **options)


def test_statements_grow_with_the_views_not_with_the_ways_through_them(database, monkeypatch):
    """Of a tower each view of which is the one below twice, with ten columns."""
    prepared_texts = []

    def counted(connection, query):
        prepared_texts.append(query)
        return prepared(connection, query)

    monkeypatch.setattr(meanings_module, "prepared", counted)
    columns = ", ".join(f"z + {n} AS z{n}" for n in range(9))
    with Counting.connect(database, autocommit=True) as connection:
        connection.asked = []
        connection.execute(TABLES)
        connection.execute(f"CREATE VIEW v0 AS SELECT z, {columns} FROM s.zpix")
        for n in range(10):
            connection.execute(f"CREATE VIEW v{n + 1} AS TABLE v{n} UNION ALL TABLE v{n}")
        connection.asked.clear()
        with connection.transaction():
            found = meanings(connection, prepared(connection, "TABLE v10"))
    assert [(m.origin, m.finitized) for m in found] == [("public.v10.z", True)] + [("", False)] * 9
    # The view and its two branches; the lowest one has none.
    assert len(prepared_texts) == 10 * 3 + 1
    # The columns of each of these queries but views with UNION; the text of each view, and that
    # the table has none.
    kinds = [sum(part in text for text in connection.asked) for part in ("attname", "viewdef")]
    assert (kinds, len(connection.asked)) == ([1 + 10 * 2 + 1, 11 + 1], 34)
