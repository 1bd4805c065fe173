"""Loads of catalogs of the second format that are killed, and what doctor says of such files."""

from __future__ import annotations

import shutil
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg import sql
from support.killed_load import kill

from specprod_copy.cli import cli

NAME = "matterhorn"
TABLES = ("photometry", "target", "ztile", "zpix", "fiberassign", "potential")


def call(*command: str) -> Result:
    return CliRunner().invoke(cli, command)


def of(root: Path) -> list[str]:
    """Return the options that name the production below a root."""
    config = root / f"productions-{NAME}.toml"
    return ["--specprod", NAME, "--root", str(root), "--config", str(config)]


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """A production whose photometry, targets and fibers are those of the catalogs."""
    root = tmp_path_factory.mktemp("demo")
    done = call("demo", str(root), "--specprod", NAME, "--tiles", "4", "--targets", "40")
    assert done.exit_code == 0, done.output
    config = root / f"productions-{NAME}.toml"
    config.write_text(config.read_text().replace('photometry = "v1.0"', 'photometry = "zcatalog"'))
    return root


def contents(conninfo: str) -> dict[str, tuple]:
    """Return the number of rows of each table, and a hash of them."""
    hashed = """SELECT count(*), md5(string_agg(t::text, '\n' ORDER BY t::text COLLATE "C"))
                FROM {} t"""
    with psycopg.connect(conninfo) as connection:
        return {
            table: connection.execute(
                sql.SQL(hashed).format(sql.Identifier(NAME, table))
            ).fetchone()
            for table in TABLES
        }


def test_killed_and_resumed(root, database):
    """In the middle of joined tables, of a new schema and of one that takes its place."""
    where = [*of(root), "--dsn", database]
    assert call("load", "all", *where).exit_code == 0
    whole = contents(database)
    assert all(count > 0 for count, _ in whole.values())
    with psycopg.connect(database) as connection:
        connection.execute(f"DROP SCHEMA {NAME} CASCADE")
    entries = []
    for moment in (12, 4):
        kill(database, root, moment, NAME, "all")
        with psycopg.connect(database) as connection:
            query = f"SELECT table_name FROM {NAME}.load_ledger WHERE rows_kept > 0"
            entries.append([name for (name,) in connection.execute(query)])
    assert 4 < len(entries[0]) < len(entries[1])
    assert "photometry" in entries[0]
    resumed = call("load", "all", *where)
    assert resumed.exit_code == 0, resumed.output
    assert contents(database) == whole
    verified = call("verify", "all", *where)
    assert verified.exit_code == 0, verified.output
    kill(database, root, 14, NAME, "all", "--overwrite")
    assert contents(database) == whole
    resumed = call("load", "all", *where, "--overwrite")
    assert resumed.exit_code == 0, resumed.output
    assert contents(database) == whole
    assert call("verify", "all", *where).exit_code == 0


def test_doctor_looks_at_all_files(root, tmp_path):
    """As a load does; folders may have any name that the configuration gives them."""
    copy = shutil.copytree(root, tmp_path / "copy", copy_function=shutil.copyfile)
    there = ["doctor", *of(copy), "--embedded", str(tmp_path / "none")]
    assert "zpix         0." in call(*there).output
    folder = copy / f"spectro/redux/{NAME}/zcatalog/v2"
    for version in ("v2.1", "v2_new"):
        folder = folder.rename(folder.with_name(version))
        config = copy / f"productions-{NAME}.toml"
        renamed = copy / f"{version}.toml"
        renamed.write_text(config.read_text().replace('"patch/v2"', f'"patch/{version}"'))
        there[6] = str(renamed)
        found = call(*there)
        assert "A load is possible." in found.output, found.output
    imaging = folder / "zall" / f"zall-pix-{NAME}-imaging.fits"
    imaging.unlink()
    found = call(*there)
    assert found.exit_code == 1
    assert "zall-pix-matterhorn-imaging.fits: not there, and zall-pix" in " ".join(
        found.output.split()
    )
