"""What a query gives, found out before it runs."""

from __future__ import annotations

import math

import psycopg
import pytest

import specprod_copy as sc
from specprod_copy.errors import DatabaseError
from specprod_copy.results.prepare import describe
from specprod_copy.results.stream import trimmed
from specprod_copy.tables import finitized_columns, specprod_catalogue

WAYS = {
    "SELECT flux_g FROM photometry": True,
    "SELECT a.flux_g FROM photometry a JOIN zpix USING (targetid)": True,
    "SELECT a.flux_g FROM zpix LEFT JOIN photometry a USING (targetid)": True,
    "WITH w AS (SELECT * FROM photometry) SELECT flux_g FROM w": True,
    "SELECT q.flux_g FROM (SELECT flux_g FROM photometry LIMIT 3) AS q": True,
    "SELECT l.flux_g FROM zpix z, LATERAL (SELECT * FROM photometry p "
    "WHERE p.targetid = z.targetid) AS l": True,
    "SELECT DISTINCT ON (targetid) flux_g FROM photometry": True,
    "SELECT flux_g::real FROM photometry": True,
    "SELECT flux_g AS g FROM photometry; -- of view": True,
    "SELECT flux FROM bright": True,
    "SELECT flux FROM brighter": True,
    "SELECT flux_g + 0 FROM photometry": False,
    "SELECT max(flux_g) FROM photometry": False,
    "SELECT flux_g::text FROM photometry": False,
    "SELECT flux_g FROM photometry UNION SELECT flux_g FROM photometry": False,
    "SELECT twice FROM brighter": False,
}
"""Queries of one column, and whether its unit is known."""


@pytest.fixture(scope="module")
def connection(dsn):
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET search_path = pg_catalog, s, pg_temp")
        yield connection


@pytest.mark.parametrize("query", WAYS)
def test_origin_of_a_column(connection, query):
    [column] = describe(connection, query)
    known = WAYS[query]
    assert column.meaning.unit == ("nanomaggy" if known else "")
    assert column.meaning.finitized == known


def test_a_view_says_it_better(connection):
    [own] = describe(connection, "SELECT flux FROM bright")
    [other] = describe(connection, "SELECT flux FROM brighter")
    assert own.meaning.description == "Flux of the view"
    assert own.meaning.origin == "s.bright.flux"
    assert other.meaning.description == "Flux of the view"


@pytest.mark.parametrize(
    ("query", "statement", "copies"),
    [
        ("SELECT 1", "SELECT 1", True),
        ("select 1 ;  ", "select 1 ", True),
        ("SELECT 1; -- done; really", "SELECT 1", True),
        ("SELECT 1 -- no; end", "SELECT 1 -- no; end", True),
        (";; ; TABLE t;;", " TABLE t", True),
        ("/* a /* ; */ ' */ VALUES (';', \";\", $$;$$, $x$;$$;$x$, e'\\';')", None, True),
        ("(SELECT 1) UNION (SELECT 2)", None, True),
        ("-- with\nEXPLAIN SELECT 1;", "-- with\nEXPLAIN SELECT 1", False),
        ("SHOW work_mem", None, False),
        ("", "", False),
    ],
)
def test_the_end_of_a_statement(query, statement, copies):
    assert trimmed(query) == (query if statement is None else statement, copies)


def test_9999_is_null_where_the_loader_has_put_it_and_nowhere_else(dsn):
    query = "SELECT chi2, chi2 + 0 AS sum, -9999::float8 AS lit, z FROM zpix WHERE targetid = 1"
    assert sc.query(query, dsn=dsn, schema="s").row(0) == (None, -9999.0, -9999.0, 0.1)
    kept = sc.query(query, dsn=dsn, schema="s", keep_9999=True)
    assert kept.row(0) == (-9999.0, -9999.0, -9999.0, 0.1)


def test_columns_with_9999_are_those_of_all_productions():
    assert {"z", "z_rr", "chi2"} <= finitized_columns("zpix")
    assert finitized_columns("zpix").isdisjoint({"id", "mine"})
    assert "flux_i" in finitized_columns("photometry")
    assert finitized_columns("load_ledger") == finitized_columns("lightcurve") == frozenset()
    for name in {source.table for source in specprod_catalogue().sources.values()}:
        columns = specprod_catalogue().definition.tables[name].columns
        assert {c.name for c in columns if c.type.startswith("float")} <= finitized_columns(name)


def test_numbers_without_a_number_of_digits(dsn):
    query = "SELECT avg(coadd_numexp) AS a, sum(targetid) - 2 AS s, round(2.5) AS r FROM zpix"
    frame = sc.query(query, dsn=dsn, schema="s")
    assert frame.row(0) == (1.0, float(2**63), 3.0)


def test_arrays_of_such_numbers(dsn, tmp_path):
    text = "SELECT ARRAY[0.1, 2] AS a"
    [note] = sc.query(text, dsn=dsn, output=tmp_path / "r.parquet").notes
    assert note.endswith("for exact digits write a::numeric(39)[] or a::text[]")


def test_a_whole_number_that_a_float_does_not_hold(dsn):
    with pytest.raises(
        DatabaseError, match=r"column max: 85070591730234615865843651857942052865 is"
    ):
        sc.query("SELECT max(id) FROM zpix", dsn=dsn, schema="s")
    exact = sc.query("SELECT max(id)::numeric(39) AS m FROM zpix", dsn=dsn, schema="s")
    assert int(exact.item()) == 2**126 + 1


def test_an_id_of_39_digits(dsn):
    with pytest.raises(
        DatabaseError, match="column n: 1000000000000000000000000000000000000000 do"
    ):
        sc.query("SELECT 1e39::numeric(40) AS n", dsn=dsn)


def test_a_numeric_that_is_no_number(dsn):
    with pytest.raises(DatabaseError, match=r"column n: NaN does not fit into decimal128\(38, 0\)"):
        sc.query("SELECT 'NaN'::numeric(39) AS n", dsn=dsn)
    assert math.isnan(sc.query("SELECT 'NaN'::numeric AS n", dsn=dsn).item())


def test_times_that_arrow_has_no_number_for(dsn):
    for value in ("'infinity'::timestamptz", "'-infinity'::date", "'0044-03-15 BC'::date"):
        with pytest.raises(DatabaseError, match="column t: a time that is infinite"):
            sc.query(f"SELECT {value} AS t", dsn=dsn)


def test_astropy_table(dsn):
    query = "SELECT id, z, spectype, zcat_primary, date_obs, targetid FROM zpix ORDER BY targetid"
    table = sc.query(query, dsn=dsn, schema="s", kind="astropy")
    assert [str(name) for name in table["id"]] == [str(2**126 + 1), "0", "-170"]
    assert table["z"].mask.tolist() == [False, False, True]
    assert table["spectype"].filled("?").tolist() == ["GALAXY", "STAR", "?"]
    assert table["targetid"].tolist() == [1, 2, 2**63 - 1]
    assert table["z"].description == "Redshift from Redrock"
    flux = sc.query("SELECT flux_g, pmra FROM photometry", dsn=dsn, schema="s", kind="astropy")
    assert (str(flux["pmra"].unit), flux["flux_g"].unit.to_string()) == ("mas / yr", "nmgy")
