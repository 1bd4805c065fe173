"""A spectrum that the catalogs have twice: an error, quarantine, or the best one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import psycopg
import pytest
from support.catalogs_v2 import PRODUCTION, TARGETID, below, inputs_of, make_catalog, zall

from specprod_copy.desi.configuration import find_production
from specprod_copy.errors import ConfigurationError, DatabaseError
from specprod_copy.loading.api import LoadOptions, load
from specprod_copy.loading.set_aside import SetAside
from specprod_copy.plan.planning import Planner
from specprod_copy.plan.production_catalogue import production_catalogue
from specprod_copy.postgres.connection import connect
from specprod_copy.verification import VerifyOptions, verify

PLAIN = replace(PRODUCTION, photometry="v1.0")
BEST = replace(PLAIN, repeated_keys="best")
OPTIONS = LoadOptions(("redshift",), "loa", roles=())


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Of the first target three rows, of the second one two; the fourth row of all ranks first."""
    root = tmp_path_factory.mktemp("root")
    catalog = make_catalog("pix", 30, surveys=("main",))
    for part in (catalog.core, catalog.extra, catalog.imaging):
        part["TARGETID"][[0, 2, 4]] = TARGETID
        part["TARGETID"][[1, 5]] = TARGETID + 1
    catalog.core["ZWARN_BEST"][[0, 1, 2, 4, 5]] = [0, 0, 4, 0, 0]
    catalog.core["EFFTIME_SPEC"][[0, 1, 2, 4, 5]] = [10.0, np.nan, 5000.0, 20.0, -3.0]
    catalog.write(zall(root, "pix"))
    make_catalog("tile").write(zall(root, "tile"))
    return root


def healpixels(conninfo: str) -> list[tuple]:
    query = f"SELECT efftime_spec FROM loa.zpix WHERE targetid <= {TARGETID + 1} ORDER BY targetid"
    with psycopg.connect(conninfo) as connection:
        return connection.execute(query.encode()).fetchall()


def test_an_error_names_the_rows_and_the_ways_on(root, database):
    with pytest.raises(DatabaseError) as caught:
        load(database, inputs_of(root, PLAIN), OPTIONS)
    message = str(caught.value)
    for row in (0, 2, 4):
        assert f"{zall(root, 'pix')}[ZCATALOG] row {row}" in message
    assert "--on-error quarantine loads the first row of each key alone" in message
    assert 'repeated_keys = "best" in the configuration of the production' in message
    with psycopg.connect(database) as connection:
        query = "SELECT count(*) FROM pg_class WHERE relname = 'zpix'"
        assert connection.execute(query).fetchone() == (0,)


def test_quarantine_keeps_the_first_ones(root, database, tmp_path):
    options = replace(OPTIONS, max_quarantined=10, quarantine_folder=tmp_path)
    assert load(database, inputs_of(root, PLAIN), options).rows_refused == 3
    assert healpixels(database) == [(10.0,), (-9999.0,)]


@pytest.mark.parametrize("quarantine", [False, True])
def test_the_configuration_keeps_the_best_ones(root, database, tmp_path, quarantine):
    options = replace(OPTIONS, max_quarantined=10, quarantine_folder=tmp_path)
    summary = load(database, inputs_of(root, BEST), options if quarantine else OPTIONS)
    assert summary.rows_refused == 3
    # The second target's rows rank by their value, and -3 is more than a missing one.
    assert healpixels(database) == [(20.0,), (-3.0,)]
    name = zall(root, "pix").relative_to(root)
    [note] = [n for n in summary.notes if "come twice" in n]
    assert note == (
        "zpix: keys come twice, and what does not rank first is in quarantine: 3 rows, "
        f"{name} row 0, {name} row 1, {name} row 2"
    )
    if quarantine:
        found = pl.read_parquet(tmp_path / "loa.redshift.zpix.parquet").sort("row")
        assert found["row"].to_list() == [0, 1, 2]
        assert found["reason"][0] == (
            f"id is that of row 4 of {name}[ZCATALOG], which ranks before it"
        )
    results = verify(
        database, inputs_of(root, BEST), VerifyOptions(("redshift",), "loa", alone=True)
    )
    assert [str(result) for result in results if not result.passed] == []
    again = load(database, inputs_of(root, BEST), OPTIONS)
    assert sum(table.rows_kept for table in again.tables) == 0


def test_the_next_best_one(database, tmp_path):
    """When the best one has to go, the one that ranks next takes its place."""
    catalog = make_catalog("pix", 30, surveys=("main",))
    for part in (catalog.core, catalog.extra, catalog.imaging):
        part["TARGETID"][[0, 2, 4, 6]] = TARGETID
    catalog.core["ZWARN_BEST"][[0, 2, 4, 6]] = 0
    catalog.core["EFFTIME_SPEC"][[0, 2, 4, 6]] = [10.0, 20.0, 40.0, 30.0]
    catalog.write(zall(tmp_path, "pix"))
    make_catalog("tile").write(zall(tmp_path, "tile"))
    inputs = inputs_of(tmp_path, BEST)
    load(database, inputs, OPTIONS)
    with connect(database) as connection:
        gone = f"DELETE FROM loa.zpix WHERE targetid = {TARGETID} RETURNING id, efftime_spec"
        [(key, value)] = connection.execute(gone.encode()).fetchall()
        assert value == 40.0
        aside = SetAside(production_catalogue(inputs), connection, "loa", Planner(inputs))
        aside.let_in("zpix", [(key,)], ["key"])
        assert aside.removed == {"zpix<redshift": -1}
    query = f"SELECT efftime_spec FROM loa.zpix WHERE targetid = {TARGETID}"
    reasons = """SELECT (q->>'row')::int, q->>'reason'
                 FROM loa.load_ledger, jsonb_array_elements(quarantine) q ORDER BY 1"""
    name = zall(tmp_path, "pix").relative_to(tmp_path)
    why = f"id is that of row 6 of {name}[ZCATALOG], which ranks before it"
    with psycopg.connect(database) as connection:
        assert connection.execute(query.encode()).fetchall() == [(30.0,)]
        assert connection.execute(reasons).fetchall() == [(0, why), (2, why)]


def test_the_key_of_the_configuration(tmp_path):
    text = (
        '[new]\nrelease="a"\nphotometry="b"\ntarget_summary=false\nredshift="patch/v2"\ntiles="1"\n'
    )
    path = tmp_path / "own.toml"
    path.write_text(text)
    assert find_production("new", path).repeated_keys == "refuse"
    path.write_text(text + 'repeated_keys = "best"\n')
    assert find_production("new", path).repeated_keys == "best"
    path.write_text(text + 'repeated_keys = "first"\n')
    with pytest.raises(ConfigurationError, match="repeated_keys must be refuse or best"):
        find_production("new", path)


def test_a_catalog_that_comes_later(database, tmp_path):
    """The table has its key; among rows of the server and of files nothing is chosen."""
    for survey in ("sv1", "main"):
        for kind in ("pix", "tile"):
            catalog = make_catalog(kind, zall=False, surveys=(survey,))
            if kind == "tile":
                for part in (catalog.core, catalog.extra, catalog.imaging):
                    part["TILEID"] += 10 * (survey == "main")
            elif survey == "main":
                for part in (catalog.core, catalog.extra, catalog.imaging):
                    part["TARGETID"][3] = TARGETID
                catalog.core["ZWARN_BEST"][[0, 3]] = [4, 0]
                catalog.core["EFFTIME_SPEC"][[0, 3]] = [10.0, 20.0]
            catalog.write(below(tmp_path, kind, survey, "dark"))
    later = tmp_path / "later"
    below(tmp_path, "pix", "main", "dark").parent.rename(later)
    load(database, inputs_of(tmp_path, BEST), OPTIONS)
    later.rename(below(tmp_path, "pix", "main", "dark").parent)
    quarantine = replace(OPTIONS, max_quarantined=10, quarantine_folder=tmp_path)
    for options in (OPTIONS, quarantine):
        with pytest.raises(DatabaseError, match=r"row 3, column .*--overwrite loads all of them"):
            load(database, inputs_of(tmp_path, BEST), options)
    query = f"SELECT efftime_spec FROM loa.zpix WHERE survey = 'main' AND targetid = {TARGETID}"
    with psycopg.connect(database) as connection:
        assert connection.execute(query.encode()).fetchall() == []
    load(database, inputs_of(tmp_path, BEST), replace(OPTIONS, overwrite=True))
    with psycopg.connect(database) as connection:
        assert connection.execute(query.encode()).fetchall() == [(20.0,)]
