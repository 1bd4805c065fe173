"""HATS catalogs: of files and of a loaded schema the same rows, which SQL finds as well."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import psycopg
import pyarrow.parquet as pq
import pytest
from support.clusters import fresh_database
from support.dask_cluster import dask_cluster
from support.outcome import outcome
from support.waiting import wait_until

import specprod_copy

if missing := [name for name in ("hats_import", "lsdb") if find_spec(name) is None]:
    pytest.skip(f"needs {missing[0]} (extra hats, and lsdb)", allow_module_level=True)

MATCHED = 1.0
"""Radius of the crossmatch [arcsec]."""


def run(*arguments):
    return outcome("export", "hats", *arguments)


@pytest.fixture(scope="module")
def files(iron_root):
    return ("--specprod", "iron", "--root", iron_root)


@pytest.fixture(scope="module")
def schema(iron_database):
    return ("--schema", "iron", "--dsn", iron_database)


@pytest.fixture(scope="module")
def made(files, schema, tmp_path_factory) -> Path:
    """Return the folder of catalogs: zpix from files, by Dask, and ztile from the schema."""
    folder = tmp_path_factory.mktemp("hats")
    with dask_cluster() as cluster:
        by_dask = ("--executor", "dask", "--scheduler", cluster.scheduler_address)
        for name, table, *options in (
            ("zpix", "zpix", *files, *by_dask, "--pixel-rows", 30, "--margin", 0),
            ("ztile", "ztile", *schema, "--pixel-rows", 60, "--names", "fits", "--all-columns"),
        ):
            code, output = run(table, folder / name, *options)
            assert code == 0, output
    return folder


def rows(folder: Path, table: str, key: str):
    found = pq.read_table(folder / table / "dataset", partitioning=None).sort_by(key)
    return found.drop_columns("_healpix_29")


def query(dsn, text):
    with psycopg.connect(dsn) as connection:
        return connection.execute(text).fetchall()


def of_query(dsn, table):
    """Return what a query gives: exact ids, null where -9999 stands for NaN."""
    text = f"SELECT t.*, p.ra, p.dec FROM {table} t JOIN photometry p USING (targetid) ORDER BY id"
    return specprod_copy.query(text, schema="iron", dsn=dsn)


SKY = ["ra", "dec"]


def test_rows_of_files(made, iron_database):
    """They are those of the table: without sky and negative targets, with exact ids."""
    found, wanted = rows(made / "zpix", "zpix", "id"), of_query(iron_database, "zpix")
    frame = pl.from_arrow(found)
    assert frame.drop(SKY).equals(wanted.drop(SKY))
    assert frame["targetid"].min() > 0
    # Positions are those of the catalogs, not of photometry.
    apart = (frame.select(SKY) - wanted.select(SKY)).select(pl.all().abs().max())
    assert max(apart.row(0)) < 1 / 3600
    assert found.schema.field("id").type.precision == 38
    assert found.schema.field("z").metadata[b"description"] == b"Redshift from Redrock"


def test_rows_of_a_schema(made, iron_database):
    frame = pl.from_arrow(rows(made / "ztile", "ztile", "ID"))
    assert {"COEFF_0", "Z", "ZCAT_PRIMARY", "RA"} <= {*frame.columns}
    wanted = of_query(iron_database, "ztile")
    assert [name.lower() for name in frame.columns] == wanted.columns
    assert frame.rename(str.lower).equals(wanted)


def test_lsdb_finds_what_sql_finds(made, iron_database):
    import lsdb
    from dask.config import set as configured

    zpix, ztile = (lsdb.open_catalog(made / name) for name in ("zpix", "ztile"))
    assert {"id", "targetid", "z", "ra", "dec"} <= {*zpix.columns}
    assert "coeff_3" not in zpix.columns
    assert "coeff_3" in lsdb.open_catalog(made / "zpix", columns="all").columns
    [(ra, dec)] = query(iron_database, "SELECT ra, dec FROM iron.photometry ORDER BY ra LIMIT 1")
    with configured(scheduler="synchronous"):
        assert len(zpix.get_healpix_pixels()) > 1
        near = zpix.cone_search(ra, dec, 3600).compute()
        pairs = zpix.crossmatch(
            ztile, radius_arcsec=MATCHED, n_neighbors=50, suffixes=("_a", "_b")
        ).compute()
    cone = (
        "FROM iron.zpix JOIN iron.photometry p USING (targetid) WHERE iron.cone(ra, dec, %s, %s, 1)"
    )
    with psycopg.connect(iron_database) as connection:
        wanted = connection.execute(f"SELECT id {cone}", (ra, dec)).fetchall()
    assert sorted(map(int, near["id"])) == sorted(int(id_) for (id_,) in wanted)
    assert len(wanted) > 0
    wanted = query(
        iron_database,
        f"""SELECT a.id, b.id
            FROM iron.zpix a JOIN iron.photometry p USING (targetid),
                 iron.ztile b JOIN iron.photometry q USING (targetid)
            WHERE iron.cone(p.ra, p.dec, q.ra, q.dec, {MATCHED} / 3600.0)""",
    )
    found = zip(map(int, pairs["id_a"]), map(int, pairs["ID_b"]), strict=True)
    assert sorted(found) == sorted((int(a), int(b)) for a, b in wanted)


WRONG = {
    "no table": (["zpx"], "there is no table zpx; did you mean zpix"),
    "no position": (["version"], "no position, .* specprod-copy query writes any table as Parquet"),
    "no position in files": (["potential"], "have no positions of its targets: load it, and phot"),
    "other files": (
        ["zpix", "--specprod", "jura"],
        "computed in the database: load it, and export",
    ),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_what_cannot_be_exported(case, files, tmp_path):
    (table, *options), message = case
    code, output = run(table, tmp_path / "new", *files, *options)
    assert code == 1
    assert re.search(message, output)
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("name", ["my zpix", "zpix+", "été"])
def test_names_that_catalogs_cannot_have(name, files, cluster, iron_database, tmp_path):
    """Of folders and tables; nothing is read before it is said."""
    code, output = run("zpix", tmp_path / name, *files)
    assert (code, output) == (
        1,
        f"Error: {tmp_path / name}: a HATS catalog has a name of letters (A to Z), digits, '.', "
        "'_' and '-'; name another folder",
    )
    with fresh_database(cluster, iron_database) as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(f'CREATE TABLE iron."{name}" AS TABLE iron.zpix')
        code, output = run(name, tmp_path / "new", "--schema", "iron", "--dsn", dsn)
    assert (code, output) == (
        1,
        f"Error: table {name}: a HATS catalog has a name of letters (A to Z), digits, '.', "
        "'_' and '-'; rename the table",
    )
    assert not [*tmp_path.iterdir()]


HOLD = """
import os, pathlib, time
folder = pathlib.Path(os.environ["FOLDER"])
(folder / "pid").write_text(str(os.getpid()))
os.rename(folder / "pid", folder / "held")
while not (folder / "go").exists():
    time.sleep(0.01)
"""
"""What a worker of Dask does when it starts."""


def has_ended(pid: str) -> bool:
    """Say whether a process has; who inherits it may not have taken note of it yet."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


def test_interrupted_while_workers_start(files, tmp_path):
    """It says so, and leaves neither files nor processes."""
    preload, into = tmp_path / "preload.py", tmp_path / "into"
    preload.write_text(HOLD)
    into.mkdir()
    command = [sys.executable, "-m", "specprod_copy", "export", "hats", "zpix", into / "zpix"]
    variables = {"DASK_DISTRIBUTED__WORKER__PRELOAD": str([str(preload)]), "FOLDER": str(tmp_path)}
    with subprocess.Popen(
        [*command, *files], stderr=subprocess.PIPE, env=os.environ | variables, text=True
    ) as process:
        wait_until((tmp_path / "held").exists, "a worker starts", process)
        process.send_signal(signal.SIGINT)
        (tmp_path / "go").touch()
        errors = process.stderr.read()
    assert (process.returncode, errors.split("\n")[-2]) == (130, "Interrupted.")
    assert not [*into.iterdir()]
    assert has_ended((tmp_path / "held").read_text())


def test_a_folder_that_exists_stays(files, schema, tmp_path):
    (tmp_path / "kept").mkdir()
    code, output = run("zpix", tmp_path / "kept", *files)
    assert (code, "exists; name a new folder" in output) == (1, True)
    code, output = run("zpix", tmp_path / "new", "--schema", "jura", *schema[2:])
    assert (code, "Error: there is no schema jura; there are: " in output) == (1, True)
    assert [*tmp_path.iterdir()] == [tmp_path / "kept"]
