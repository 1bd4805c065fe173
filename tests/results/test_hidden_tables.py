"""Views over tables that the reader may not look at."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from support.result_case import TABLES

from specprod_copy.results.api import preview
from specprod_copy.results.options import QueryOptions


@pytest.fixture
def reader(database, password_role) -> str:
    """Return how a role connects that may read the views of `open`, and nothing in schema `s`."""
    name, place = password_role
    role = sql.Identifier(name)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(TABLES)
        connection.execute(
            """CREATE SCHEMA open;
               CREATE VIEW open.of_hidden AS SELECT targetid, flux_g, pmra FROM s.photometry;
               COMMENT ON COLUMN open.of_hidden.flux_g IS 'Flux of the view [nanomaggy]';
               CREATE TABLE open.zpix AS SELECT * FROM s.zpix;
               COMMENT ON COLUMN open.zpix.chi2 IS 'Of the best fit';
               CREATE VIEW open.above AS SELECT * FROM open.of_hidden;
               CREATE VIEW open.united AS TABLE open.above UNION TABLE open.of_hidden;
               CREATE VIEW open.of_open AS SELECT targetid, chi2 FROM open.zpix"""
        )
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA open TO {}").format(role))
        connection.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA open TO {}").format(role))
        yield make_conninfo(place, user=name, password="secret")
        connection.execute(sql.SQL("DROP OWNED BY {}").format(role))


@pytest.mark.parametrize("view", ["of_hidden", "above", "united"])
def test_what_is_not_known_of_a_view_is_told(reader, view):
    text = f"SELECT flux_g, pmra FROM {view} ORDER BY targetid LIMIT 1"
    shown = preview(reader, text, QueryOptions("open"), 5)
    assert shown.rows == [["0.1", "-9999"]]
    [note] = shown.notes
    assert note.startswith(f"view open.{view}: you may not use the schema of its tables")
    assert [column.meaning.unit for column in shown.columns] == ["nanomaggy", ""]


def test_other_views_are_known_beside_it(reader):
    text = "SELECT pmra, chi2 FROM of_hidden JOIN of_open USING (targetid) WHERE targetid = 1"
    shown = preview(reader, text, QueryOptions("open"), 5)
    assert shown.rows == [["-9999", None]]
    assert shown.columns[1].meaning.description == "Of the best fit"
