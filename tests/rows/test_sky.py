"""The order of rows on the sky."""

from __future__ import annotations

import numpy as np
import polars as pl
import psycopg
import pytest

from specprod_copy.demo import write_production
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.postgres import statements
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.reader.selection import CHUNK_ROWS
from specprod_copy.rows.sky_order import morton_code, sorted_on_sky
from specprod_copy.tables import SOURCES, Inputs, specprod_catalogue


def test_places_on_the_curve():
    """Bits by turns, from right ascension and from declination above the south pole."""
    unit = 360 / 65536
    ra = np.array([0, 1.5, 2.5, 3.5, 0, 1.5, 65535.5]) * unit
    dec = np.array([0.5, 0.5, 0.5, 0.5, 1.5, 1.5, 32767.5]) * unit - 90
    assert morton_code(ra, dec).tolist() == [0, 1, 4, 5, 2, 3, (1 << 31) - 1]
    assert morton_code(np.array([359.99999]), np.array([90.0])).tolist() == [0xD5555555]


def test_places_off_the_sky():
    """What is not known has a place as well: -9999, and whatever an earlier release had."""
    ra = np.array([-9999.0, 1e300, np.inf, -1.0, 360.0])
    places = morton_code(ra, -ra)
    assert places.dtype == np.uint32
    assert len(places) == 5


def test_whole_rows_are_moved():
    frame = pl.DataFrame({"ra": [300.0, 10.0, 10.0], "n": [1, 2, 3], "dec": [0.0, 5.0, 5.0]})
    assert sorted_on_sky(frame, "ra", "dec")["n"].to_list() == [2, 3, 1]


def test_tables_that_are_searched_on_the_sky_are_sorted(tmp_path, database):
    write_production(tmp_path, "fuji", tiles=3, targets=400)
    inputs = Inputs(ProductionFiles(find_production("fuji", None), tmp_path))
    load(database, inputs, LoadOptions(("all",), "fuji"))
    sources = [source for source in SOURCES.values() if source.sky_order]
    assert {source.table for source in sources} == {"photometry", "fiberassign"}
    with psycopg.connect(database) as connection:
        for source in sources:
            ra, dec = source.position
            rows = connection.execute(
                f"SELECT {ra}, {dec} FROM fuji.{source.table} ORDER BY ctid"
            ).fetchall()
            places = morton_code(*np.array(rows).T).astype(np.int64)
            # Each file begins anew, and none is longer than a chunk.
            files = len(SOURCES[source.name].files(inputs)) if source.table == "photometry" else 3
            assert len(rows) < CHUNK_ROWS
            assert 0 < np.count_nonzero(np.diff(places) < 0) < 2 * files + 2


@pytest.mark.parametrize("name", SOURCES)
def test_positions_are_columns_of_the_table(name, database):
    """Data that name what there is: an order by columns that do not exist would be no order."""
    source = SOURCES[name]
    with psycopg.connect(database) as connection:
        statements.make(
            connection,
            specprod_catalogue().definition,
            ["schema", source.table],
            ["table"],
            schema="s",
        )
        columns = {column.name for column in read_schema(connection, "s").columns_of(source.table)}
    assert source.position is None or set(source.position) <= columns
