"""Rows without a position: no search on the sky finds them, whichever coordinate is missing."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import psycopg
import pytest
from astropy.io import fits
from psycopg import sql
from support.clusters import fresh_database
from support.quarantine_case import Case

from specprod_copy.desi import ids

UNKNOWN = [(np.nan, 2.5), (81.25, np.nan), (np.nan, np.nan), (np.inf, -7.5), (-9999.0, 3.5)]
"""Right ascensions and declinations, one pair for each row that is changed."""

SEARCHES = re.findall(
    r"    SELECT .*?;", (Path(__file__).parents[2] / "docs/sky-order.md").read_text(), re.DOTALL
)

COLUMNS = {
    "tile": ("TILERA", "TILEDEC"),
    "exposure": ("TILERA", "TILEDEC"),
    "photometry": ("RA", "DEC"),
    "fiberassign": ("TARGET_RA", "TARGET_DEC"),
}


@pytest.fixture(scope="module")
def iron(iron_root, tmp_path_factory, cluster):
    """Return a production with such rows in every table that is searched on the sky, loaded."""
    with fresh_database(cluster) as conninfo:
        case = Case(tmp_path_factory.mktemp("unknown"), iron_root, conninfo)
        tileid = int(fits.getdata(case.files.tiles(), "TILE_COMPLETENESS")["TILEID"][0])
        for path, hdu, table in (
            (case.files.tiles(), "TILE_COMPLETENESS", "tile"),
            (case.files.exposures(), "EXPOSURES", "exposure"),
            (case.files.tractorphot()[0], "TRACTORPHOT", "photometry"),
            (case.files.fiberassign([tileid])[tileid], "FIBERASSIGN", "fiberassign"),
        ):
            with fits.open(path, mode="update") as hdus:
                data = hdus[hdu].data
                science = [True] * len(data)
                if "TARGETID" in data.names:
                    science = [
                        t > 0 and not ids.decode_targetid(t)["sky"]
                        for t in data["TARGETID"].tolist()
                    ]
                rows = np.flatnonzero(science)
                for row, position in zip(rows[:-1], UNKNOWN, strict=False):
                    for name, value in zip(COLUMNS[table], position, strict=True):
                        data[name][row] = value
        case.output = case.load("all", quarantine=False, code=0)
        yield case


@pytest.mark.parametrize("table", COLUMNS)
def test_no_search_finds_them(iron: Case, table: str) -> None:
    ra, dec = map(str.lower, COLUMNS[table])
    unknown = f"(SELECT * FROM iron.{table} WHERE {ra} = -9999 OR {dec} = -9999) AS unknown"
    rows = iron.query(f"SELECT {ra}, {dec} FROM {unknown}")
    assert rows == [(-9999.0, -9999.0)] * len(rows)
    assert len(rows) >= 3
    for radius in (5, 30):
        # Cones all over the sky, of which each point is in several.
        found = f"""SELECT count(*) FROM {unknown}, generate_series(0, 355, 5) AS a,
            generate_series(-90, 90, 5) AS d WHERE q3c_radial_query({ra}, {dec}, a, d, {radius})"""
        assert iron.query(found) == [(0,)]
    assert iron.query(found.replace("= -9999", "> -9999"))[0][0] > 0
    joined = f"""SELECT count(*) FROM iron.{table} AS a, iron.photometry AS b
        WHERE a.{ra} = -9999 AND q3c_join(a.{ra}, a.{dec}, b.ra, b.dec, 1)"""
    assert iron.query(joined) == [(0,)]


@pytest.mark.parametrize("table", COLUMNS)
@pytest.mark.parametrize(
    "where",
    [
        "q3c_radial_query(ra, dec, 81, 2.5, 0.5)",
        "q3c_radial_query(ra, dec, 81, -90, 180)",
        "q3c_poly_query(ra, dec, ARRAY[0, -80, 90, -80, 180, -80, 270, -80])",
    ],
)
def test_documented_searches(iron: Case, table: str, where: str) -> None:
    """By the index, and even where a search as large as this would find them."""
    [search] = SEARCHES
    ra, dec = map(str.lower, COLUMNS[table])
    search = search.replace("q3c_radial_query(ra, dec, 150.1, 2.2, 0.5)", where)
    assert where in search
    search = re.sub(r"\bra\b", ra, re.sub(r"\bdec\b", dec, search)).replace("photometry", table)
    search = search.replace("targetid", "'x'") if table in ("tile", "exposure") else search
    with psycopg.connect(iron.conninfo) as connection:
        connection.execute("SET enable_seqscan = off")
        rows = connection.execute(search).fetchall()
        assert not [row for row in rows if -9999 in row]
        if "180" not in where:
            plan = "\n".join(line for (line,) in connection.execute(f"EXPLAIN {search}"))
            assert f"ix_{table}_q3c_ang2ipix" in plan


def test_what_was_known_of_them_is_counted(iron: Case) -> None:
    """The number of replaced values has the other coordinate of such a position."""
    query = sql.SQL(
        "SELECT sum(values_changed)::int FROM iron.load_ledger WHERE table_name = 'tile'"
    )
    with psycopg.connect(iron.conninfo) as connection:
        (changed,) = connection.execute(query).fetchone()
    # Of three tiles: NaN and a known coordinate, twice, and NaN twice.
    assert changed == 6
    assert iron.verify("exposures", "photometry", "targetphot", "fiberassign") == {}
