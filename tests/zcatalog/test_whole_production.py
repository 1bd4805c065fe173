"""A production of the second format with a catalog for each survey and program, by commands."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import psycopg
import pytest
from astropy.io import fits
from astropy.table import Table
from click.testing import CliRunner, Result

from specprod_copy.cli import cli


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("demo")
    tiny = ["--tiles", "8", "--targets", "40", "--no-zall"]
    assert call("demo", str(root), "--specprod", "matterhorn", *tiny).exit_code == 0
    return root


@pytest.fixture
def copy(root, tmp_path) -> Path:
    return shutil.copytree(root, tmp_path / "copy", copy_function=shutil.copyfile)


def call(*command: str) -> Result:
    return CliRunner().invoke(cli, command)


def of(root: Path) -> list[str]:
    """Return the options that name the production below a root."""
    config = root / "productions-matterhorn.toml"
    return ["--specprod", "matterhorn", "--root", str(root), "--config", str(config)]


def count(database: str, table: str) -> int:
    with psycopg.connect(database) as connection:
        [(n,)] = connection.execute(f"SELECT count(*) FROM {table}").fetchall()
    return n


def catalogs(root: Path) -> Path:
    return root / "spectro/redux/matterhorn/zcatalog/v2"


def test_tables_of_rendered_sql_are_those_of_a_load(root, database):
    script = call("render-ddl", "--schema", "m", "--no-q3c", *of(root))
    assert script.exit_code == 0, script.output
    with psycopg.connect(database) as connection:
        connection.execute(script.stdout.encode())
    loaded = call("load", "all", *of(root), "--schema", "m", "--dsn", database)
    assert loaded.exit_code == 0, loaded.output
    assert count(database, "m.zpix") > 0
    compared = call("diff", "--schema", "m", "--role", "desi", "--dsn", database)
    assert "no differences" in compared.output
    for table in json.loads(call("describe", "-s", "m", "--json", "--dsn", database).output):
        assert table["differences"] == [], table["name"]
        if table["name"] == "zpix":
            assert table["sources"] == ["ZCATALOG + ZCATALOG_EXTRA"]
            sources = {column["name"]: column["source"] for column in table["columns"]}
            assert (sources["z_conf"], sources["efftime_spec"]) == ("Z_CONF", "EFFTIME_SPEC")


def test_rendered_sql_wants_the_catalogs(root, tmp_path):
    [*production, config] = [*of(tmp_path)[:4], of(root)[5]]
    done = call("render-ddl", "--schema", "m", *production, "--config", config)
    assert done.exit_code == 1
    assert re.match("not found: .*/zall-tilecumulative-matterhorn.fits", str(done.exception))
    done = call("render-ddl", "--schema", "m", "--specprod", "matterhorn")
    assert (done.exit_code, "need both, --specprod and --root" in done.output) == (2, True)


def test_rendered_sql_does_not_replace_the_configuration(copy):
    config = of(copy)[5]
    before = Path(config).read_text()
    done = call("render-ddl", "--schema", "m", *of(copy), "-o", config)
    assert str(done.exception) == f"{config}: is an input; it is not replaced"
    assert Path(config).read_text() == before


def test_a_survey_that_is_missing_as_a_whole(copy, database):
    for path in catalogs(copy).glob("sv1/z*-sv1-dark*"):
        path.unlink()
    load = ["load", "redshift", *of(copy), "--dsn", database]
    missing = "has tiles of sv1-dark, and there are no {} catalogs of that"
    for more in ([], ["--dry-run"]):
        done = call(*load, *more)
        assert done.exit_code == 1
        assert missing.format("ztile") in str(done.exception)
    assert count(database, "pg_class WHERE relname = 'zpix'") == 0
    done = call(*load, "--skip-missing")
    assert done.exit_code == 0, done.output
    for table in ("zpix", "ztile"):
        assert " ".join(done.output.split()).count(missing.format(table)) == 1


@pytest.mark.parametrize("efftime", [0, np.nan])
def test_tiles_without_exposure_need_no_catalog(copy, database, efftime):
    """Nor those of dark1b: their spectra are in the catalogs of dark."""
    for path in catalogs(copy).glob("sv1/z*-sv1-dark*"):
        path.unlink()
    tiles = copy / "spectro/redux/matterhorn/tiles-matterhorn.fits"
    with fits.open(tiles, mode="update") as file:
        rows = file[1].data
        rows["EFFTIME_SPEC"][rows["SURVEY"] == "sv1"] = efftime
        rows["PROGRAM"][(rows["SURVEY"] == "main") & (rows["PROGRAM"] == "dark")] = "dark1b"
    done = call("load", "redshift", *of(copy), "--dsn", database)
    assert done.exit_code == 0, done.output


def test_a_cell_of_the_tiles_file_that_is_no_number(copy):
    """A note says where, and that it is not known which catalogs there have to be."""
    tiles = copy / "tiles.csv"
    table = Table.read(copy / "spectro/redux/matterhorn/tiles-matterhorn.fits")
    table["EFFTIME_SPEC"] = [*table["EFFTIME_SPEC"].astype(str)[:-1], "n/a"]
    table.write(tiles)
    done = call("load", "redshift", *of(copy), "--tiles-file", str(tiles), "--dry-run")
    assert done.exit_code == 0, done.output
    said = " ".join(done.output.split())
    where = f"{tiles}, column EFFTIME_SPEC: not a number (row {len(table) - 1}: 'n/a'"
    assert where.replace(" ", "") in said.replace(" ", "")
    assert "not known whether the zpix catalogs of all are there" in said
