"""Where the spectra of targets lie."""

from __future__ import annotations

import json

import psycopg
import pytest
from click.testing import CliRunner

from specprod_copy.cli import cli
from specprod_copy.errors import DatabaseError
from specprod_copy.results.target_files import files_of

TABLES = """
    CREATE SCHEMA x;
    CREATE TABLE x.zpix (targetid bigint, survey text, program text, spgrp text, spgrpval integer);
    INSERT INTO x.zpix VALUES (7, 'main', 'dark', 'healpix', 27258),
        (7, 'sv3', 'bright', 'healpix', 8),
        (8, 'main', 'dark', 'uniqpix', 61234), (9, 'main', 'dark', 'other', 1);
    CREATE TABLE x.ztile (targetid bigint, tileid integer, spgrpval integer);
    INSERT INTO x.ztile VALUES (7, 1234, 20210517), (8, 99, 20220101);
    CREATE TABLE x.fiberassign (targetid bigint, tileid integer, fiber integer);
    INSERT INTO x.fiberassign VALUES (7, 1234, 4999), (8, 1, 3);
"""


@pytest.fixture(scope="module")
def dsn(module_database):
    with psycopg.connect(module_database, autocommit=True) as connection:
        connection.execute(TABLES)
    return module_database


def test_the_command(dsn):
    result = CliRunner().invoke(cli, ["files", "7", "5", "--schema", "x", "--dsn", dsn])
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "7  zpix   coadd        healpix/main/dark/272/27258/coadd-main-dark-27258.fits",
        "7  zpix   redrock      healpix/main/dark/272/27258/redrock-main-dark-27258.fits",
        "7  zpix   coadd        healpix/sv3/bright/0/8/coadd-sv3-bright-8.fits",
        "7  zpix   redrock      healpix/sv3/bright/0/8/redrock-sv3-bright-8.fits",
        "7  ztile  fiberassign  fiberassign-001234.fits.gz",
        "7  ztile  coadd        tiles/cumulative/1234/20210517/coadd-9-1234-thru20210517.fits",
        "7  ztile  redrock      tiles/cumulative/1234/20210517/redrock-9-1234-thru20210517.fits",
    ]
    assert result.stderr == "target 5 has no spectrum in schema x\n"


def test_pixels_of_several_sizes_and_a_tile_without_a_fiber(dsn):
    result = CliRunner().invoke(cli, ["files", "8", "-s", "x", "--dsn", dsn, "--json"])
    assert [file["path"] for file in json.loads(result.output)] == [
        "spectra/main/dark/612/61234/coadd-main-dark-61234.fits",
        "spectra/main/dark/612/61234/redrock-main-dark-61234.fits",
        "fiberassign-000099.fits.gz",
    ]


def test_what_is_not_known(dsn):
    with psycopg.connect(dsn) as connection:
        with pytest.raises(
            DatabaseError, match=r"target 9 of x\.zpix: where spectra of group other"
        ):
            files_of(connection, "x", [9])
        with pytest.raises(DatabaseError, match="neither a table zpix nor ztile"):
            files_of(connection, "y", [9])
