"""Large tables in hash partitions: the same rows, by the same commands."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path

import psycopg
import pytest
from astropy.io import fits
from click.testing import CliRunner
from support import limits
from support.changing import edit
from support.daily_tiles import Daily
from support.killed_load import kill
from support.reference import TABLES, assert_equal, expected_rows, read_table
from support.schemas import build

import specprod_copy.models as db
from specprod_copy.cli import cli
from specprod_copy.errors import InUseError, SpecprodCopyError
from specprod_copy.postgres.connection import connect
from specprod_copy.postgres.patience import Patience, with_patience
from specprod_copy.postgres.schema import Partitions
from specprod_copy.postgres.schema_differences import differences
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.progress import ProgressListener
from specprod_copy.tables import Layout, layout_of, specprod_catalogue
from specprod_copy.tiles.read import TABLES as TILE_TABLES

SMALL = limits.cut(2000, 1000)
LARGE = ("photometry", "target", "ztile", "zpix", "fiberassign", "potential")
IRON = "spectro/redux/iron/zcatalog/v1/zall-pix-iron.fits"


def run(
    conninfo: str, root: Path, command: str, *arguments: str, code: int = 0, cut: bool = False
) -> str:
    """Run a command on the production that its folder is named after; return what it printed."""
    options = ["--specprod", root.name, "--root", str(root), "--dsn", conninfo]
    done = CliRunner().invoke(cli, [command, *arguments, *options], obj=SMALL if cut else None)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return done.stdout


def partitions(conninfo: str, schema: str) -> set[Partitions | None]:
    with connect(conninfo) as connection:
        found = read_schema(connection, schema)
    return {found.tables[name].partitions for name in LARGE if name in found.tables}


def assert_reference(conninfo: str, shared: Path, name: str) -> None:
    with psycopg.connect(conninfo) as connection:
        for table in TABLES:
            assert_equal(read_table(connection, name, table), expected_rows(shared, name, table))


def failed(conninfo: str, root: Path, code: int = 0) -> list[tuple[str, str]]:
    results = json.loads(run(conninfo, root, "verify", "--json", "-j", "1", code=code))
    return [(one["table"], one["name"]) for one in results if not one["passed"]]


@pytest.fixture(scope="module")
def root(shared) -> Path:
    return shared / "reference" / "iron"


@pytest.fixture(scope="module")
def loaded(module_database, root) -> str:
    kill(module_database, root, 30, "iron", "all", "--four-partitions")
    with psycopg.connect(module_database) as connection:
        query = "SELECT DISTINCT table_name FROM iron.load_ledger"
        begun = {table for (table,) in connection.execute(query)}
    assert "photometry" in begun and "potential" not in begun
    run(module_database, root, "load", "all", "-q", "--part", "1/3", cut=True)
    run(module_database, root, "load", "all", "-q", "-j", "2", cut=True)
    return module_database


def test_files_and_server_say_the_same(database):
    layout = Layout(partitions=3)
    defined = specprod_catalogue(layout).definition
    with connect(database) as connection:
        build(connection, "three", q3c="public", defined=defined)
        found = read_schema(connection, "three")
        assert found.tables == {name: defined.tables[name] for name in found.tables}
        assert differences(defined, found) == []
        assert layout_of(found) == layout
        flat = specprod_catalogue().definition
        text = "PARTITION BY HASH (targetid), 3 partitions, not no partitions"
        assert text in [str(d) for d in differences(flat, found, ["zpix"])]


def test_rows_are_those_of_the_reference(loaded, shared, root):
    assert partitions(loaded, "iron") == {Partitions(("targetid",), 4)}
    assert_reference(loaded, shared, "iron")
    assert failed(loaded, root) == []
    state = json.loads(run(loaded, root, "status", "--json"))
    assert not any(state["steps_missing"].values()) and not state["conflicts"]
    assert not any(state["upgrades"].values())
    plan = json.loads(run(loaded, root, "load", "all", "--dry-run", "--json"))
    assert plan["tables_to_make"] == [] and not any(s["rows"] + s["steps"] for s in plan["sources"])


def test_one_changed_bit_is_found(loaded, root):
    change = "UPDATE iron.zpix SET z = z + %s * 2.2204460492503131e-16 WHERE id = %s"
    with psycopg.connect(loaded, autocommit=True) as connection:
        query = "SELECT id, z FROM iron.zpix WHERE z BETWEEN 1 AND 1.9 ORDER BY id LIMIT 1"
        [(one, z)] = connection.execute(query).fetchall()
        connection.execute(change, (1, one))
        wrong = failed(loaded, root, code=1)
        assert ("zpix", "values") in wrong and {table for table, _ in wrong} == {"zpix"}
        connection.execute("UPDATE iron.zpix SET z = %s WHERE id = %s", (z, one))
    assert failed(loaded, root) == []


def test_classes_and_cones(loaded):
    models = db.connect("iron", loaded)
    names = {"Tile", "Exposure", "Frame", "Version", *map(str.capitalize, LARGE)}
    assert {*models.classes} - {"Zpixpatch", "Ztilepatch"} == names
    with models.session() as session:
        row = session.query(models.Ztile).order_by(models.Ztile.id).first()
        assert row.target.id == row.targetphotid
        assert row in row.photometry.ztile_redshifts
    models.engine.dispose()
    with psycopg.connect(loaded) as connection:
        [(ra, dec, targetid)] = connection.execute(
            "SELECT ra, dec, targetid FROM iron.photometry ORDER BY targetid LIMIT 1"
        ).fetchall()
        found = connection.execute(
            "SELECT targetid FROM iron.photometry"
            " WHERE public.q3c_radial_query(ra, dec, %s, %s, 1e-4)",
            (ra, dec),
        ).fetchall()
        assert (targetid,) in found


def test_who_uses_a_partition_is_named(loaded):
    """A session that has locked no more than one of them: an autovacuum, or a query of it."""
    patience = Patience(ProgressListener(), seconds=0)
    with psycopg.connect(loaded, application_name="one of four") as user:
        user.execute("LOCK TABLE iron.zpix_p1 IN SHARE UPDATE EXCLUSIVE MODE")
        with connect(loaded) as connection, connection.transaction():
            lock = partial(connection.execute, "LOCK TABLE iron.zpix")
            with pytest.raises(InUseError, match="one of four"):
                with_patience(connection, lock, [("iron", "zpix")], patience, readers=False)


def test_columns_derived_afterwards(loaded, root):
    done = CliRunner().invoke(cli, ["primary", "--schema", "iron", "--dsn", loaded])
    assert "iron.zpix: 140 rows changed" in done.output
    assert failed(loaded, root) == []


def test_tables_become_partitioned_and_whole_again(database, shared):
    """Rows are the same whichever way; tables that stay decide on those beside them."""
    root = shared / "reference" / "fuji"
    again = ("--overwrite", "-y", "-q", "-j", "1")
    run(database, root, "load", "all", "-q", "-j", "1")
    with pytest.raises(SpecprodCopyError, match="are whole: partitions cannot become 4 for some"):
        run(database, root, "load", "redshift", *again, "--partitions", "4")
    run(database, root, "load", "all", *again, "--partitions", "4")
    assert partitions(database, "fuji") == {Partitions(("targetid",), 4)}
    run(database, root, "load", "fiberassign", *again)
    assert partitions(database, "fuji") == {Partitions(("targetid",), 4)}
    assert_reference(database, shared, "fuji")
    with pytest.raises(SpecprodCopyError, match="have 4 partitions each"):
        run(database, root, "load", "all", "--partitions", "2")
    run(database, root, "load", "all", *again, "--no-verify", "--partitions", "1")
    assert partitions(database, "fuji") == {None}
    assert_reference(database, shared, "fuji")
    with psycopg.connect(database) as connection:
        left = connection.execute("SELECT relname FROM pg_class WHERE relispartition").fetchall()
        assert left == []


def test_files_are_replaced_and_rows_refused(database, root, tmp_path):
    own = shutil.copytree(root, tmp_path / "iron")
    file = own / IRON
    before = fits.getdata(file, 1)
    edit(file, 1, values={(7, "TARGETID"): before["TARGETID"][3]})
    edit(file, 1, values={(7, name): before[name][3] for name in ("SURVEY", "PROGRAM")})
    quarantine = ("--on-error", "quarantine", "--quarantine", str(tmp_path / "out"))
    run(database, own, "load", "all", "-q", "-j", "1", "--partitions", "4", *quarantine, code=3)
    with psycopg.connect(database) as connection:
        query = "SELECT rows_quarantined FROM iron.load_ledger WHERE rows_quarantined > 0"
        assert connection.execute(query).fetchall() == [(1,)]
    assert failed(database, own) == []
    edit(file, 1, values={(2, "Z"): 0.125, (7, "TARGETID"): before["TARGETID"][7]})
    edit(file, 1, values={(7, name): before[name][7] for name in ("SURVEY", "PROGRAM")})
    run(database, own, "load", "redshift", "-q", "-y", "-j", "1", "--replace", str(file))
    assert failed(database, own) == []
    with psycopg.connect(database) as connection:
        assert_equal(
            read_table(connection, "iron", "zpix").drop("z"),
            expected_rows(root.parents[1], "iron", "zpix").drop("z"),
        )


def test_tiles_night_by_night(database, shared):
    first, second = (
        Daily(shared / "reference" / name, database) for name in ("daily", "daily-night2")
    )
    first.sync(partitions=4)
    assert partitions(database, "daily") == {Partitions(("targetid",), 4)}
    assert first.sync().loaded == []
    for daily, name, options in (
        (first, "daily", {}),
        (second, "daily-night2", {"jobs": 2, "primary": True}),
        (first, "daily", {"delete": True}),
    ):
        daily.sync(**options)
        with psycopg.connect(database) as connection:
            for table in TILE_TABLES:
                found = read_table(connection, "daily", table)
                assert_equal(found, expected_rows(shared, name, table))
