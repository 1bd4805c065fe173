"""Loading through the command line: what works, what is refused, and that nothing is half done."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import numpy as np
import psycopg
import pytest
from astropy.io import fits
from astropy.table import Table
from click.testing import CliRunner
from support import limits

from specprod_copy.cli import cli
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import SpecprodCopyError
from specprod_copy.loading import copying, overwrite
from specprod_copy.loading.api import LoadOptions, load
from specprod_copy.postgres import locks
from specprod_copy.tables import Inputs

REDUX = Path("spectro/redux/fuji")


class Loader:
    """The command line, on a copy of the demo production and a fresh database."""

    def __init__(self, root: Path, conninfo: str) -> None:
        self.root, self.conninfo = root, conninfo
        self.tiles = root / REDUX / "tiles-fuji.fits"
        self.exposures = root / REDUX / "exposures-fuji.fits"

    def run(self, *arguments: str, dsn: str | None = None) -> str:
        """Run ``specprod-copy load``, expect success, return what it printed."""
        result = self.invoke(*arguments, dsn=dsn)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    def refuse(self, *arguments: str, dsn: str | None = None) -> str:
        """Run it, expect an error and an unchanged database, return the message."""
        before = self.state()
        with pytest.raises(SpecprodCopyError) as caught:
            self.run(*arguments, dsn=dsn)
        assert self.state() == before
        message = str(caught.value)
        assert "\n" not in message
        return message

    def invoke(self, *arguments: str, dsn: str | None = None):
        command = ["load", *arguments, "--specprod", "fuji", "--root", str(self.root)]
        return CliRunner().invoke(cli, [*command, "--dsn", dsn or self.conninfo])

    def query(self, query: str) -> list[tuple]:
        with psycopg.connect(self.conninfo) as connection:
            return connection.execute(query).fetchall()

    def state(self) -> list[tuple]:
        """Return every relation of the database with its row count: two equal ones are the same."""
        tables = self.query(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname !~ '^(pg_|information_)'"
        )
        objects = self.query(
            """SELECT relname, relkind, reltuples FROM pg_class JOIN pg_namespace n
               ON n.oid = relnamespace WHERE nspname !~ '^(pg_|information_)' ORDER BY 1, 2"""
        )
        counts = [(*t, self.query(f'SELECT count(*) FROM "{t[0]}"."{t[1]}"')) for t in tables]
        schemas = self.query("SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1")
        return [sorted(counts), objects, schemas]

    def change(self, path: Path, hdu: str, column: str, row: int, value: object) -> None:
        """Write one value into a FITS table."""
        with fits.open(path, mode="update") as hdus:
            hdus[hdu].data[column][row] = value


@pytest.fixture
def fuji(demo_root, database, tmp_path) -> Loader:
    root = tmp_path / "desi"
    shutil.copytree(demo_root / REDUX, root / REDUX)
    return Loader(root, database)


def edit(path: Path, hdu: str, change) -> None:
    """Rewrite one HDU of a FITS file as `change` makes its table."""
    with fits.open(path) as hdus:
        hdus = fits.HDUList([h.copy() for h in hdus])
    table = Table(hdus[hdu].data)
    new = fits.BinTableHDU(change(table) or table, name=hdu)
    hdus[hdus.index_of(hdu)] = new
    hdus.writeto(path, overwrite=True)


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


# What goes wrong ------------------------------------------------------------------------------


def test_no_file(fuji):
    fuji.exposures.unlink()
    message = fuji.refuse("exposures")
    assert str(fuji.exposures) in message and "check the data root" in message


def test_no_hdu(fuji):
    with fits.open(fuji.exposures) as hdus:
        fits.HDUList([hdus[0], hdus["EXPOSURES"]]).writeto(fuji.root / "e.fits")
    message = fuji.refuse("exposures", "--exposures-file", str(fuji.root / "e.fits"))
    assert "e.fits" in message and "FRAMES" in message and "EXPOSURES" in message


def test_missing_columns_are_all_named(fuji):
    def change(table):
        table.remove_columns(["NEXP", "LASTNIGHT"])
        table.rename_column("MINTFRAC", "MINTFRACT")

    edit(fuji.tiles, fits.getheader(fuji.tiles, 1)["EXTNAME"], change)
    message = fuji.refuse("exposures")
    assert (
        "no column NEXP, MINTFRAC, LASTNIGHT, which table tile needs (the file has MINTFRACT)"
        in message
    )
    assert str(fuji.tiles) in message


def test_wrong_type(fuji):
    def change(table):
        table["NEXP"] = [str(value) for value in table["NEXP"]]

    edit(fuji.tiles, fits.getheader(fuji.tiles, 1)["EXTNAME"], change)
    message = fuji.refuse("exposures")
    assert "column NEXP: is String, which cannot become tile.nexp int8" in message


def test_value_out_of_range(fuji):
    def change(table):
        table["EXPID"] = table["EXPID"].astype("i8")
        table["EXPID"][2] = 2**40

    edit(fuji.exposures, "EXPOSURES", change)
    message = fuji.refuse("exposures")
    assert (
        str(fuji.exposures) + "[EXPOSURES], column EXPID: value does not fit into int4" in message
    )
    assert f"row 2: {2**40}" in message


def test_text_too_long(fuji):
    def change(table):
        table["FAFLAVOR"] = table["FAFLAVOR"].astype("S40")
        table["FAFLAVOR"][1] = "x" * 40

    edit(fuji.exposures, "EXPOSURES", change)
    message = fuji.refuse("exposures")
    assert f"text is longer than 19 characters (row 1: '{'x' * 40}'" in message


def test_unknown_survey(fuji):
    fuji.change(fuji.exposures, "EXPOSURES", "SURVEY", 1, "xyz")
    message = fuji.refuse("exposures")
    assert "column SURVEY: none of cmx, special, sv1, sv2, sv3, main (row 1: 'xyz'" in message


def test_unknown_camera(fuji):
    fuji.change(fuji.exposures, "FRAMES", "CAMERA", 5, "q3")
    assert "column CAMERA: no such camera" in fuji.refuse("exposures")


def test_truncated(fuji):
    with fuji.exposures.open("r+b") as file:
        file.truncate(fuji.exposures.stat().st_size - 2880 * 3)
    message = fuji.refuse("exposures")
    assert str(fuji.exposures) in message


def test_not_fits(fuji):
    fuji.tiles.write_text("no FITS at all")
    assert str(fuji.tiles) in fuji.refuse("exposures")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission_to_read(fuji):
    fuji.tiles.chmod(0)
    assert str(fuji.tiles) in fuji.refuse("exposures")


def test_unknown_production(fuji):
    with pytest.raises(SpecprodCopyError, match=r"unknown production 'fujii'|fujii"):
        CliRunner().invoke(
            cli,
            ["load", "exposures", "-p", "fujii", "-r", str(fuji.root), "--dsn", fuji.conninfo],
            catch_exceptions=False,
        )


def test_unknown_stage(fuji):
    done = fuji.invoke("expos")
    assert done.exit_code == 2
    assert done.stderr.endswith(
        "no stage is called 'expos'; did you mean exposure or exposures? stages: exposures "
        "photometry targetphot target redshift fiberassign; parts of stages: exposure frame "
        "potential tile zpix ztile\n"
    )


def test_duplicate_key_names_files_and_rows(fuji):
    first = int(fits.getdata(fuji.tiles, 1)["TILEID"][0])
    fuji.change(fuji.tiles, 1, "TILEID", 2, first)
    fuji.change(fuji.exposures, "EXPOSURES", "TILEID", slice(None), first)
    message = fuji.refuse("exposures")
    assert f"tile_pkey of table tile is not unique: (tileid) = ({first})" in message
    assert f"{fuji.tiles}[" in message
    assert "row 0" in message and "row 2" in message


def test_orphan_foreign_key(fuji):
    fuji.change(fuji.exposures, "EXPOSURES", "TILEID", 0, 99999)
    message = fuji.refuse("exposures")
    assert message == (
        "exposure_tileid_fkey of table exposure has no counterpart in tile: (tileid) = (99999), "
        f"from {fuji.exposures}[EXPOSURES] row 0. "
        "Take the rows out of the files, or load the right files with --overwrite"
    )


def test_table_with_rows_of_unknown_origin(fuji):
    fuji.run("exposures")
    with psycopg.connect(fuji.conninfo) as connection:
        connection.execute("DELETE FROM fuji.load_ledger WHERE table_name = 'frame'")
    message = fuji.refuse("exposures")
    assert message.startswith("table fuji.frame already has rows that this program did not load")
    fuji.run("exposures", "--overwrite")


def test_changed_file_is_refused_and_overwrite_replaces(fuji):
    fuji.run("exposures")
    fuji.change(fuji.tiles, 1, "NEXP", 0, 77)
    message = fuji.refuse("exposures")
    assert "the file changed since its rows were loaded into tile" in message
    fuji.run("exposures", "--overwrite")
    assert fuji.query("SELECT count(*) FROM fuji.tile WHERE nexp = 77") == [(1,)]


def test_overwrite_leaves_views_alone(fuji):
    fuji.run("exposures")
    with psycopg.connect(fuji.conninfo) as connection:
        connection.execute("CREATE VIEW fuji.mine AS SELECT tileid FROM fuji.tile")
    message = fuji.refuse("exposures", "--overwrite")
    assert "view fuji.mine depends on table fuji.tile" in message
    assert "load all --overwrite" in message


def test_failed_overwrite_keeps_the_old_tables(fuji):
    fuji.run("exposures")
    fuji.change(fuji.exposures, "EXPOSURES", "SURVEY", 0, "xyz")
    fuji.refuse("exposures", "--overwrite")


def test_interrupted_overwrite_keeps_the_old_tables_and_goes_on(fuji, monkeypatch):
    fuji.run("exposures")
    fuji.change(fuji.tiles, 1, "NEXP", 0, 77)
    limits.cut(monkeypatch, 300, 300)
    old = {t: fuji.query(f"SELECT * FROM fuji.{t}") for t in ("tile", "frame", "load_ledger")}
    real, calls = copying.load_units, []

    def dying(*arguments, **options):
        calls.append(arguments)
        if len(calls) > 3:
            raise KeyboardInterrupt
        return real(*arguments, **options)

    monkeypatch.setattr(copying, "load_units", dying)
    assert fuji.invoke("exposures", "--overwrite", "-j", "1").exit_code != 0
    assert {table: fuji.query(f"SELECT * FROM fuji.{table}") for table in old} == old
    monkeypatch.setattr(copying, "load_units", real)
    printed = fuji.run("exposures", "--overwrite", "-j", "1")
    tile = next(line.split() for line in printed.splitlines() if line.startswith("tile"))
    assert tile[3] == "0"  # rows of tile: none were read again
    assert fuji.query("SELECT count(*) FROM fuji.tile WHERE nexp = 77") == [(1,)]
    assert fuji.query("SELECT count(*) FROM fuji.frame") == [(len(old["frame"]),)]
    assert not fuji.query("SELECT 1 FROM pg_namespace WHERE nspname LIKE 'specprod_copy_%'")


def test_overwrite_after_the_file_changed_twice(fuji, monkeypatch):
    """What an interrupted run left beside is of an older file, so it is not used."""
    fuji.run("exposures")
    with monkeypatch.context() as patched:
        patched.setattr(overwrite, "swap", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        fuji.change(fuji.tiles, 1, "NEXP", 0, 77)
        assert fuji.invoke("exposures", "--overwrite").exit_code != 0
    fuji.change(fuji.tiles, 1, "NEXP", 0, 78)
    fuji.run("exposures", "--overwrite")
    assert fuji.query("SELECT count(*) FROM fuji.tile WHERE nexp IN (77, 78)") == [(1,)]
    assert fuji.query("SELECT count(*) FROM fuji.tile WHERE nexp = 78") == [(1,)]


def test_readers_go_on_while_tables_are_replaced(fuji, monkeypatch):
    fuji.run("exposures")
    seen = []
    real = overwrite.swap

    def looking(*arguments):
        with psycopg.connect(fuji.conninfo, options="-c lock_timeout=100") as connection:
            seen.append(connection.execute("SELECT count(*) FROM fuji.frame").fetchone())
        real(*arguments)

    monkeypatch.setattr(overwrite, "swap", looking)
    fuji.run("exposures", "--overwrite")
    assert seen == fuji.query("SELECT count(*) FROM fuji.frame")


def test_no_server(fuji, tmp_path):
    message = ""
    with pytest.raises(SpecprodCopyError) as caught:
        fuji.run("exposures", dsn=f"host={tmp_path} dbname=x")
    message = str(caught.value)
    assert message.startswith("cannot connect: ")
    assert "or leave all of them out to use the embedded server" in message


def test_wrong_password(fuji, password_role):
    role, conninfo = password_role
    message = fuji.refuse("exposures", dsn=f"{conninfo} user={role} password=not-the-one")
    assert f'password authentication failed for user "{role}"' in message
    assert "not-the-one" not in message


def test_no_right_to_create(fuji, password_role):
    role, conninfo = password_role
    message = fuji.refuse("exposures", dsn=f"{conninfo} user={role} password=secret")
    assert "permission denied for database" in message
    assert "secret" not in message


def test_second_loader_is_told_who_is_at_work(fuji):
    with (
        psycopg.connect(fuji.conninfo) as connection,
        locks.hold_schema_lock(connection, "fuji", shared=False),
    ):
        message = fuji.refuse("exposures")
    assert message.startswith("another load is at work on schema fuji (process ")
    fuji.run("exposures")


@pytest.mark.parametrize(("batches", "jobs"), [(1, "1"), (3, "2"), (6, "1")])
def test_large_load_resumes(fuji, monkeypatch, batches, jobs):
    """A load of several transactions that dies is finished by the next one, without a row twice."""
    limits.cut(monkeypatch, 250, 100)
    fuji.run("exposures", "--schema", "whole", "-j", "1")
    real, calls = copying.load_units, []

    def dying(*arguments, **options):
        calls.append(arguments)
        if len(calls) > batches:
            raise KeyboardInterrupt
        return real(*arguments, **options)

    monkeypatch.setattr(copying, "load_units", dying)
    assert fuji.invoke("exposures", "-j", "1").exit_code != 0
    monkeypatch.setattr(copying, "load_units", real)
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
