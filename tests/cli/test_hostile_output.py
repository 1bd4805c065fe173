"""Names of files, values of columns and messages of servers steer no terminal, page or program."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from astropy.io import fits

from specprod_copy.demo import write_production

HOSTILE = "\x1b[2Ja\rb\x9b31mc\u202ed\x07e"
"""ESC, CR, a C1 control character, one that turns text round, BEL."""
SHOWN = r"\x1b[2Ja\rb\x9b31mc\u202ed\x07e"
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069]")


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """Return a production below a folder with a hostile name."""
    root = tmp_path_factory.mktemp("hostile") / HOSTILE
    write_production(root, "fuji", tiles=2, targets=20)
    return root


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "specprod_copy", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=False)
    out, err = done.stdout.decode(), done.stderr.decode()
    assert not STEERING.search(out + err)
    return subprocess.CompletedProcess(command, done.returncode, out, err)


def test_names_of_folders(database, root, tmp_path):
    where = ["-p", "fuji", "-r", root, "--dsn", database]
    loaded = run("load", "tile", "-v", *where)
    assert loaded.returncode == 0, loaded.stderr
    missing = run("load", "tile", "--tiles-file", root / "none.fits", *where)
    assert (missing.returncode, len(missing.stderr.splitlines())) == (1, 1)
    assert f"{SHOWN}/none.fits" in missing.stderr
    page = tmp_path / "page.html"
    (root / "spectro/redux/fuji/tiles-fuji.fits").rename(tmp_path / "tiles-fuji.fits")
    try:
        failed = run("verify", "tile", "--html", page, *where)
        assert failed.returncode == 1
        assert not STEERING.search(page.read_text())
        assert run("verify", "tile", "--json", *where).stdout.isascii()
    finally:
        (tmp_path / "tiles-fuji.fits").rename(root / "spectro/redux/fuji/tiles-fuji.fits")


def test_values_of_columns(database, root, tmp_path):
    path = tmp_path / "exposures.fits"
    source = root / "spectro/redux/fuji/exposures-fuji.fits"
    with fits.open(source) as hdus:
        rows = hdus["EXPOSURES"].data
        columns = [c for c in hdus["EXPOSURES"].columns if c.name != "SURVEY"]
        bad = ["\x1b[2J\r", *rows["SURVEY"][1:]]
        survey = fits.Column("SURVEY", "7A", array=bad)
        hdus["EXPOSURES"] = fits.BinTableHDU.from_columns([*columns, survey], name="EXPOSURES")
        hdus.writeto(path)
    where = ["-p", "fuji", "-r", root, "--dsn", database, "--exposures-file", path]
    done = run("load", "exposures", *where)
    assert done.returncode == 1
    assert r"\x1b[2J" in done.stderr


def test_messages_of_servers(database, root):
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA s")
        connection.execute(
            f"""CREATE FUNCTION s.refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$
                BEGIN RAISE EXCEPTION USING MESSAGE = '{HOSTILE}'; END $$"""
        )
        connection.execute(
            "CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN TAG IN ('CREATE TABLE') "
            "EXECUTE FUNCTION s.refuse()"
        )
    done = run("load", "tile", "-p", "fuji", "-r", root, "--dsn", database)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: cannot load schema fuji: ")
    assert r"\x9b31mc\u202ed\x07e" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["load", HOSTILE, "-p", "fuji", "-r", "/"],
        [HOSTILE],
        ["status", f"--{HOSTILE}"],
        ["load", "tile", "-p", HOSTILE, "-r", "/"],
        ["status", "-s", "x", "--embedded", f"/tmp/{HOSTILE}"],
    ],
    ids=["stage", "command", "option", "production", "folder"],
)
def test_names_on_the_command_line(arguments):
    done = run(*arguments)
    assert done.returncode in (1, 2)
    assert r"\x9b31m" in done.stderr
