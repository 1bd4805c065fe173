"""Where the spectra of targets lie."""

from __future__ import annotations

import json

import psycopg
import pytest
from click.testing import CliRunner

from specprod_copy.cli import cli
from specprod_copy.errors import DatabaseError
from specprod_copy.loading.schema_functions import make_functions
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
        with pytest.raises(DatabaseError, match="there is no schema y; there are: "):
            files_of(connection, "y", [9])
        with pytest.raises(DatabaseError, match="neither a table zpix nor ztile"):
            files_of(connection, "public", [9])


QUERY = """
    SELECT targetid, 'zpix', kind, x.spectra_file(kind, survey, program, spgrp, spgrpval)
    FROM x.zpix, (VALUES ('coadd'), ('redrock')) AS k (kind)
    UNION ALL
    SELECT z.targetid, 'ztile', kind, x.spectra_file(kind, z.tileid, z.spgrpval, f.fiber / 500)
    FROM x.ztile z JOIN x.fiberassign f USING (targetid, tileid),
         (VALUES ('coadd'), ('redrock')) AS k (kind)
    UNION ALL
    SELECT targetid, 'ztile', 'fiberassign', x.fiberassign_file(tileid) FROM x.ztile"""


def test_functions_in_sql(dsn):
    """They give what the command does; of what is not known, null."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        assert make_functions(connection, "x") == []
        found = connection.execute(QUERY).fetchall()
        files = files_of(connection, "x", [7, 8])
        wanted = [(file.targetid, file.table, file.kind, file.path) for file in files]
        unknown = [(9, "zpix", kind, None) for kind in ("coadd", "redrock")]
        assert sorted(found, key=str) == sorted(wanted + unknown, key=str)
        plan = connection.execute(f"EXPLAIN (VERBOSE) {QUERY}").fetchall()
        assert "spectra_file" not in str(plan)  # the server has put the bodies into the query
        odd = connection.execute(
            "SELECT x.spectra_file('raw', 1, 2, 3), x.fiberassign_file(12345678)"
        ).fetchone()
        assert odd == (None, "fiberassign-12345678.fits.gz")
        before = connection.execute("SELECT oid, xmin FROM pg_proc ORDER BY 1").fetchall()
        assert make_functions(connection, "x") == []
        assert connection.execute("SELECT oid, xmin FROM pg_proc ORDER BY 1").fetchall() == before
        connection.execute("COMMENT ON FUNCTION x.fiberassign_file IS 'Mine'")
        [note] = make_functions(connection, "x")
        assert note == "schema x has a function fiberassign_file of somebody else: it stays"
