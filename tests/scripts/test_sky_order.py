"""The script that compares orders of rows on the sky: equal rows, and pages that differ as told."""

from __future__ import annotations

import numpy as np
import pytest

from sky_ordering.filling import CASES, SCHEMA, Case, make, see_q3c
from sky_ordering.rows import Sky, fiberassign, photometry, targets
from sky_ordering.searching import PLANNER, search
from specprod_copy.errors import DatabaseError
from specprod_copy.postgres import catalog
from specprod_copy.postgres.connection import connect


def test_pieces_stay_within_files():
    rows = Sky("photometry", np.zeros(7), np.zeros(7), [3, 4])
    assert [piece.tolist() for piece in rows.pieces(2)] == [[0, 1], [2], [3, 4], [5, 6]]
    assert [piece.tolist() for piece in rows.pieces(9)] == [[0, 1, 2], [3, 4, 5, 6]]


@pytest.fixture(scope="module")
def made() -> dict[str, Sky]:
    rng = np.random.default_rng(0)
    ra, dec = targets(rng, 20_000)
    return {"photometry": photometry(rng, ra, dec), "fiberassign": fiberassign(rng, ra, dec)}


def test_rows_of_photometry_are_those_of_the_targets(made):
    ra, dec = targets(np.random.default_rng(0), 20_000)
    rows = made["photometry"]
    assert sorted(zip(rows.ra, rows.dec, strict=True)) == sorted(zip(ra, dec, strict=True))
    assert sum(rows.files) == 20_000


@pytest.mark.parametrize("table", ["photometry", "fiberassign"])
def test_every_order_has_the_same_rows(database, made, table):
    rows = made[table]
    centres = np.stack([rows.ra[:3], rows.dec[:3]], axis=1)
    names = rows.position
    query = f"SELECT {names[0]}, {names[1]} FROM {SCHEMA}.{table} ORDER BY 1, 2"
    expected = sorted(zip(rows.ra.tolist(), rows.dec.tolist(), strict=True))
    cases = {name: Case(name) for name in CASES}
    with connect(database) as connection:
        if catalog.q3c_version(connection, installed=True) is None:
            pytest.skip("this server has no q3c")
        for name, value in PLANNER.items():
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        for case in cases.values():
            make(connection, rows, case)
            assert connection.execute(query).fetchall() == expected
            search(connection, rows, case, centres, warm=False)
    assert len({tuple(case.found.items()) for case in cases.values()}) == 1
    pages = [cases[name].heap["10'"] for name in ("clustered", "sorted by unit", "shuffled")]
    assert pages == sorted(pages)
    assert pages[0] < pages[-1] / 2
    assert cases["clustered"].seconds.keys() == {"sort", "copy", "q3c", "cluster"}


def test_others_may_not_stand_in_for_q3c(database):
    with connect(database) as connection:
        if catalog.q3c_version(connection, installed=True) is None:
            pytest.skip("this server has no q3c")
        connection.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")
        with pytest.raises(DatabaseError, match="PUBLIC may make operators and functions"):
            see_q3c(connection)


def test_other_plans_are_refused(database, made):
    case = Case("as in the files")
    with connect(database) as connection:
        if catalog.q3c_version(connection, installed=True) is None:
            pytest.skip("this server has no q3c")
        make(connection, made["photometry"], case)
        connection.execute("SET enable_bitmapscan = off")
        with pytest.raises(DatabaseError, match="the server chose a "):
            search(connection, made["photometry"], case, np.array([[140.0, 30.0]]), warm=False)
