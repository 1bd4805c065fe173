"""Loading through the command line: what works."""

from __future__ import annotations

import os
import stat

import numpy as np
import psycopg
import pytest
from astropy.table import Table
from click.testing import CliRunner
from support import limits
from support.load_command import fuji

from specprod_copy.cli import cli
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.loading import send
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.tables import Inputs

__all__ = ["fuji"]


def test_exposures(fuji):
    printed = fuji.run("exposures")
    tiles, exposures = Table.read(fuji.tiles), Table.read(fuji.exposures, hdu="EXPOSURES")
    assert fuji.query("SELECT count(*) FROM fuji.tile") == [(len(tiles),)]
    assert fuji.query("SELECT count(*) FROM fuji.exposure") == [(len(exposures),)]
    got = fuji.query("SELECT expid, tileid, night FROM fuji.exposure ORDER BY expid")
    exposures.sort("EXPID")
    assert got == [tuple(int(r[c]) for c in ("EXPID", "TILEID", "NIGHT")) for r in exposures]
    assert "schema fuji: " in printed and "rows loaded" in printed
    assert "note: role desi does not exist: nothing granted to it" in printed


def test_frame_ids_and_times(fuji):
    """date_obs agrees with astropy to the microsecond, frameid with its definition."""
    from astropy.time import Time

    fuji.run("exposures")
    table = Table.read(fuji.exposures, hdu="EXPOSURES")
    table.sort("EXPID")
    times = Time(np.asarray(table["MJD"], float), format="mjd").to_datetime()
    got = fuji.query("SELECT date_obs AT TIME ZONE 'UTC' FROM fuji.exposure ORDER BY expid")
    assert [t for (t,) in got] == list(times)
    wrong = fuji.query(
        """SELECT * FROM fuji.frame WHERE frameid <>
           100 * expid + 10 * (position(left(camera, 1) IN 'brz') - 1) + right(camera, 1)::int"""
    )
    assert wrong == []


def test_keys_and_indexes_come_after_the_rows(fuji):
    fuji.run("exposures")
    names = {
        name for (name,) in fuji.query("SELECT indexname FROM pg_indexes WHERE schemaname='fuji'")
    }
    assert {"tile_pkey", "exposure_pkey", "frame_pkey", "ix_exposure_night"} <= names
    if fuji.query("SELECT 1 FROM pg_extension WHERE extname = 'q3c'"):
        assert {"ix_tile_q3c_ang2ipix", "ix_exposure_q3c_ang2ipix"} <= names
    foreign = fuji.query("SELECT conname FROM pg_constraint WHERE contype = 'f' ORDER BY 1")
    assert foreign == [("exposure_tileid_fkey",), ("frame_expid_fkey",)]
    analyzed = fuji.query("SELECT reltuples FROM pg_class WHERE oid = 'fuji.frame'::regclass")
    assert analyzed[0] == fuji.query("SELECT count(*)::real FROM fuji.frame")[0]


def test_versions(fuji):
    fuji.run("exposures")
    rows = fuji.query("SELECT id, package, version FROM fuji.version ORDER BY id")
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    got = {package: version for _, package, version in rows}
    assert list(got) == sorted(got, key=str.lower)
    production = find_production("fuji")
    expected = {
        "lsdr9-photometry": production.photometry,
        "redshift": production.redshift,
        "release": production.release,
        "specprod": "fuji",
        "tiles": production.tiles,
        "numpy": np.__version__,
        "PostgreSQL": fuji.query("SHOW server_version")[0][0].split()[0],
    }
    assert {k: got[k] for k in expected} == expected
    fuji.run("exposures")
    assert fuji.query("SELECT id, package, version FROM fuji.version ORDER BY id") == rows


def test_twice_changes_nothing(fuji):
    fuji.run("exposures")
    before = fuji.state()
    printed = fuji.run("exposures")
    assert "schema fuji: 0 rows loaded and 0 keys" in printed
    assert fuji.state() == before


def test_hostile_schema_name(fuji):
    name = 'we"ird; DROP SCHEMA public; --\n%s {{ x }}'
    fuji.run("exposures", "--schema", name)
    assert fuji.query("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'we%'") == [(name,)]
    assert fuji.query("SELECT count(*) FROM pg_namespace WHERE nspname = 'public'") == [(1,)]


def test_sign_of_zero_is_kept(fuji):
    fuji.change(fuji.tiles, 1, "EFFTIME_GFA", 0, -0.0)
    fuji.run("exposures")
    signed = fuji.query("SELECT count(*) FROM fuji.tile WHERE efftime_gfa::text = '-0'")
    assert signed == [(1,)]


def test_not_finite_becomes_minus_9999(fuji):
    for row, value in enumerate((np.nan, np.inf)):
        fuji.change(fuji.tiles, 1, "EFFTIME_GFA", row, value)
    printed = fuji.run("exposures")
    assert fuji.query("SELECT count(*) FROM fuji.tile WHERE efftime_gfa = -9999") == [(2,)]
    read = fuji.query("SELECT values_changed FROM fuji.load_ledger WHERE table_name = 'tile'")
    assert read[0][0] >= 2
    assert str(read[0][0]) in next(line for line in printed.splitlines() if line.startswith("tile"))


def test_tiles_from_csv(fuji):
    table = Table.read(fuji.tiles)
    csv = fuji.root / "tiles.csv"
    table.write(csv, format="ascii.csv")
    fuji.run("exposures", "--schema", "from_fits")
    fuji.run("exposures", "--schema", "from_csv", "--tiles-file", str(csv))
    wanted = "SELECT * FROM {}.tile ORDER BY tileid"
    assert fuji.query(wanted.format("from_csv")) == fuji.query(wanted.format("from_fits"))


def test_grants(fuji):
    roles = [f"reader_{os.getpid()}", f'Odd "public" {os.getpid()}']
    for role in roles:
        fuji_role = '"' + role.replace('"', '""') + '"'
        with psycopg.connect(fuji.conninfo, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {fuji_role}")
    try:
        fuji.run("exposures", "--role", roles[0], "--public", "--public-role", roles[1])
        for role in roles:
            can = fuji.query(
                f"""SELECT has_schema_privilege('{role}', 'fuji', 'USAGE'),
                    has_table_privilege('{role}', 'fuji.frame', 'SELECT'),
                    has_table_privilege('{role}', 'fuji.frame', 'INSERT')"""
            )
            assert can == [(True, True, False)]
    finally:
        with psycopg.connect(fuji.conninfo, autocommit=True) as connection:
            for role in roles:
                fuji_role = '"' + role.replace('"', '""') + '"'
                connection.execute(f"DROP OWNED BY {fuji_role}; DROP ROLE {fuji_role}")


def test_grant_to_a_role_that_is_made_later(fuji):
    role = f"later_{os.getpid()}"
    printed = fuji.run("exposures", "--role", role)
    assert f"role {role} does not exist" in printed
    with psycopg.connect(fuji.conninfo, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role}")
        try:
            arguments = ["grant", "-s", "fuji", "--role", role, "--dsn", fuji.conninfo]
            done = CliRunner().invoke(cli, arguments, catch_exceptions=False)
            assert done.output == f"{role} may read 5 tables of schema fuji\n"
            may = f"SELECT has_table_privilege('{role}', 'fuji.tile', 'SELECT')"
            assert fuji.query(may) == [(True,)]
        finally:
            connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


@pytest.mark.parametrize(("batches", "jobs"), [(1, "1"), (3, "2"), (6, "1")])
def test_large_load_resumes(fuji, monkeypatch, batches, jobs):
    """A load of several transactions that dies is finished by the next one, without a row twice."""
    fuji.limits = limits.cut(250, 100)
    fuji.run("exposures", "--schema", "whole", "-j", "1")
    real, calls = send.load_units, []

    def dying(*arguments, **options):
        calls.append(arguments)
        if len(calls) > batches:
            raise KeyboardInterrupt
        return real(*arguments, **options)

    monkeypatch.setattr(send, "load_units", dying)
    assert fuji.invoke("exposures", "-j", "1").exit_code != 0
    monkeypatch.setattr(send, "load_units", real)
    assert len(calls) == batches + 1
    tables = fuji.query("SELECT count(DISTINCT table_name) FROM fuji.load_ledger")
    assert tables == [(min(batches, 3),)]
    fuji.run("exposures", "-j", jobs)
    for table in ("tile", "exposure", "frame"):
        query = "SELECT * FROM {}.{} ORDER BY 1, 2, 3"
        assert fuji.query(query.format("fuji", table)) == fuji.query(query.format("whole", table))
    kinds = "SELECT indexname FROM pg_indexes WHERE schemaname = '{}' ORDER BY 1"
    assert fuji.query(kinds.format("fuji")) == fuji.query(kinds.format("whole"))


def test_inputs_are_not_written_to(fuji):
    for path in (fuji.tiles, fuji.exposures):
        path.chmod(stat.S_IRUSR)
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in (fuji.tiles, fuji.exposures)}
    fuji.run("exposures")
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in before} == before


def test_python_twin(fuji):
    files = ProductionFiles(find_production("fuji"), fuji.root)
    options = LoadOptions(("exposures",), "twin")
    summary = load(fuji.conninfo, Inputs(files), options)
    assert [(row.table, row.rows_read == row.rows_kept) for row in summary.tables] == [
        ("tile", True),
        ("exposure", True),
        ("frame", True),
    ]
    assert summary.steps > 0
