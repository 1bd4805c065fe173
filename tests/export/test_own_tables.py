"""Tables of a user's own in a schema, as catalogs have them; without hats-import."""

from __future__ import annotations

import psycopg
import pyarrow.parquet as pq
import pytest
from support.clusters import fresh_database

from specprod_copy.errors import ConfigurationError
from specprod_copy.export.contents import exported
from specprod_copy.export.parts import from_server
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.progress import ProgressListener
from specprod_copy.tables import layout_of, specprod_catalogue

TABLES = """
    CREATE TABLE iron.mine AS SELECT targetid, ra + 1 AS ra, dec, flux_g FROM iron.photometry;
    CREATE TABLE iron.indexed (n integer, ra float8, dec float8, "Ra" real);
    INSERT INTO iron.indexed VALUES (1, 360, 90, 1), (2, 0, -90, 1), (3, 359.9, 0, NULL),
        (4, -1e-14, 0, 1), (5, -9999, -9999, 1), (6, 'nan', 0, 1), (7, NULL, NULL, 1),
        (8, 10, 91, 1), (9, 'inf', 0, 1), (10, 400, 0, 1);
    CREATE INDEX ON iron.indexed (q3c_ang2ipix(ra, dec));
    CREATE TABLE iron.half AS SELECT targetid, ra FROM iron.photometry
"""


@pytest.fixture(scope="module")
def dsn(cluster, iron_database, q3c):
    with fresh_database(cluster, iron_database) as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(TABLES)
        yield dsn


def rows(dsn, table, names, folder):
    """Return what a catalog would be made of, and how many rows are left out."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        found = read_schema(connection, "iron")
    catalogue = specprod_catalogue(layout_of(found))
    export = exported(catalogue, found, table, names)
    [part] = from_server(dsn, catalogue, found, export, folder, listener=ProgressListener())
    return pq.read_table(part.path), part.left_out


def test_a_table_has_its_own_position(dsn, tmp_path):
    """And not that of its targets beside it."""
    found, _ = rows(dsn, "mine", "fits", tmp_path)
    assert found.column_names == ["TARGETID", "RA", "DEC", "FLUX_G"]
    with psycopg.connect(dsn) as connection:
        wanted = connection.execute("SELECT sum(ra) FROM iron.mine WHERE ra <= 360").fetchone()
    assert sum(found["RA"].to_pylist()) == pytest.approx(wanted[0])


def test_what_is_no_position_is_left_out(dsn, tmp_path):
    found, left_out = rows(dsn, "indexed", "database", tmp_path)
    assert (found["n"].to_pylist(), left_out) == ([1, 2, 3], 7)


def test_names_that_files_do_not_tell_apart(dsn, tmp_path):
    with pytest.raises(ConfigurationError, match="several columns that are RA in files"):
        rows(dsn, "indexed", "fits", tmp_path)


@pytest.mark.parametrize("names", ["fits", "database"])
def test_half_a_position(dsn, tmp_path, names):
    with pytest.raises(ConfigurationError, match="table half has ra alone of ra and dec"):
        rows(dsn, "half", names, tmp_path)
