"""Tables that specprod-db has loaded, or that lost their ledger, are taken over."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.changing import TABLES, Case, edit, iron, loaded
from support.clusters import fresh_database
from support.listening import Heard, open_transaction
from support.reference_schema import build_reference

from specprod_copy.adopt.options import Adopted, AdoptOptions
from specprod_copy.adopt.run import adopt
from specprod_copy.errors import DatabaseError, InUseError
from specprod_copy.plan.failures import failures
from specprod_copy.plan.loaded_tiles import note_failures
from specprod_copy.postgres.connection import connect
from specprod_copy.postgres.schema_differences import differences
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.tables import Inputs, specprod_catalogue
from specprod_copy.upgrade.run import UpgradeOptions, upgrade

__all__ = ["iron", "loaded"]


@pytest.fixture(scope="module")
def template(module_database: str, shared: Path) -> str:
    """A database with the iron of the reference loader; nobody changes it."""
    build_reference(module_database, shared)
    return module_database


@pytest.fixture
def reference(cluster, template: str, shared: Path, tmp_path: Path) -> Iterator[Case]:
    """A copy of that database, and of the files."""
    shutil.copytree(shared / "reference" / "iron", tmp_path / "iron")
    with fresh_database(cluster, template) as conninfo:
        yield Case(tmp_path / "iron", conninfo)


def run(case: Case, **options) -> Adopted:
    return adopt(case.conninfo, Inputs(case.files), AdoptOptions("iron", **options))


def rows_read(case: Case, *stages: str, **options) -> int:
    return sum(row.rows_read for row in case.load(*stages, **options).tables)


def test_reference(reference):
    """What is different and harmless is listed; no row is touched."""
    before = {table: reference.versions(table) for table in TABLES}
    found = run(reference)
    assert found.rows == {t: len(rows) for t, rows in before.items()}
    assert found.harmless["zpix"] == [
        "0.0 for -0.0 in 78 values of 39 columns",
        "program varchar(6) NOT NULL, not program varchar(8) NOT NULL",
        "100 comments",
    ]
    assert found.harmless["potential"] == ["6 comments"]
    assert found.harmless["version"] == ["lsdr9-photometry is called lsd9-photometry"]
    assert {table: reference.versions(table) for table in TABLES} == before


def test_repaired_reference(reference):
    """It is then just what this program loads, and everything goes on from there."""
    found = run(reference, repair=True)
    assert found.repaired
    with connect(reference.conninfo) as connection:
        there = read_schema(connection, "iron")
    definition = specprod_catalogue().definition
    ours = [table for table in definition.tables if table in there.tables]
    assert [str(d) for d in differences(definition, there, ours)] == []
    assert rows_read(reference, "all") == 0
    reference.assert_equals_fresh_load()
    path = sorted(reference.root.rglob("fiberassign-*.fits*"))[0]
    reference.replace("fiberassign", files=[path])
    reference.load("zpix", overwrite=True)
    assert reference.command("verify", "all").exit_code == 0
    with pytest.raises(DatabaseError, match="there is nothing to adopt"):
        run(reference)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("UPDATE iron.zpix SET z = z + 1 WHERE id = {id}", r"z: 1 value differs \(id {id}: file "),
        ("UPDATE iron.zpix SET desiname = 'DESI J000.500000.-500' WHERE id = {id}",
         r"desiname: 1 value differs \(id {id}: file 'DESI J[0-9.+-]+', table 'DESI J000.500000"),
        ("DELETE FROM iron.zpix WHERE id = {id}", r"1 row missing from the table \(id {id}\)"),
        ("UPDATE iron.zpix SET id = 1 WHERE id = {id}", r"1 row missing from the table "
         r"\(id {id}\); 1 row in the table, but in no file \(id 1\)"),
        ("ALTER TABLE iron.zpix DROP CONSTRAINT zpix_pkey", r"no primary key \(id\)"),
        ("ALTER TABLE iron.zpix ALTER z TYPE real", "its values were rounded"),
        ("ALTER TABLE iron.zpix ALTER zwarn DROP NOT NULL", "zwarn int8, not zwarn int8 NOT NULL"),
    ],
    ids=["value", "name", "row lost", "row of nobody", "key", "type", "null"],
)  # fmt: skip
def test_other_tables(loaded, change, what):
    """They are refused, with rows and values, repaired or not; nothing is changed."""
    loaded.execute("DROP TABLE iron.load_ledger")
    [(number,)] = loaded.query("SELECT max(id) FROM iron.zpix")
    loaded.execute(change.format(id=number))
    before = loaded.state()
    for repair in (False, True):
        with pytest.raises(DatabaseError, match=what.format(id=number)):
            run(loaded, repair=repair)
        assert loaded.state() == before


def test_lost_ledger(loaded):
    """A schema of this program that lost its ledger gets the same one again."""
    columns = """table_name, stage, entry, first_row, last_row, inputs, tables, rows_read,
                 rows_kept, values_changed"""
    ledger = f"SELECT {columns} FROM iron.load_ledger ORDER BY 1, 3, 4"
    before = loaded.query(ledger)
    rows = {table: loaded.versions(table) for table in TABLES}
    loaded.execute("DROP TABLE iron.load_ledger")
    refused = loaded.command("load", "all")
    assert "'specprod-copy adopt' takes them over" in str(refused.exception)
    done = loaded.command("adopt")
    assert done.exit_code == 0
    assert f"zpix: {len(rows['zpix'])} rows, equal to the files\n" in done.output
    assert "harmless" not in done.output
    assert loaded.query(ledger) == before
    assert {table: loaded.versions(table) for table in TABLES} == rows
    assert rows_read(loaded, "all") == 0


def test_stage_by_stage(loaded):
    loaded.execute("DROP TABLE iron.load_ledger")
    assert [*run(loaded, stages=("exposures",)).rows] == ["tile", "exposure", "frame"]
    with pytest.raises(DatabaseError, match="there is nothing to adopt"):
        run(loaded, stages=("exposures",))
    assert "zpix" in run(loaded).rows
    assert rows_read(loaded, "all") == 0


def test_one_stage_of_two_that_fill_a_table(loaded):
    """It is refused, and the other one is named."""
    loaded.execute("DROP TABLE iron.load_ledger")
    together = r"fill it: adopt them together.* \(specprod-copy adopt photometry targetphot\)"
    for stage in ("photometry", "targetphot"):
        with pytest.raises(DatabaseError, match=together):
            run(loaded, stages=(stage,))
    assert [*run(loaded, stages=("photometry", "targetphot")).rows] == ["photometry"]


def test_tables_without_rows_are_named(loaded):
    """But for those of whose files the ledger knows."""
    loaded.execute("DROP TABLE iron.load_ledger, iron.potential; TRUNCATE iron.fiberassign")
    assert run(loaded, stages=("exposures", "fiberassign")).left_out == ["fiberassign", "potential"]
    shown = loaded.command("adopt").output
    assert "fiberassign: no rows, left out ('specprod-copy load fiberassign' loads " in shown
    assert rows_read(loaded, "potential", "fiberassign") > 0
    assert rows_read(loaded, "all") == 0


def test_the_ledger_is_written_before_definitions_are_mended(loaded):
    """Who gives up then, for others use a table, says what was found, and what does the rest."""
    loaded.execute("ALTER TABLE iron.zpix ALTER program TYPE varchar(6)")
    loaded.execute("DROP TABLE iron.load_ledger")
    loaded.keep_autovacuum_away()
    heard = Heard()
    options = AdoptOptions("iron", repair=True, patience=0)
    reading = open_transaction(loaded.conninfo, "SELECT count(*) FROM iron.zpix")
    rest = "the ledger is written: run 'specprod-copy upgrade --schema iron' when they have ended"
    with reading, pytest.raises(InUseError, match=rest):
        adopt(loaded.conninfo, Inputs(loaded.files), options, heard)
    assert heard.having("harmless: zpix: program varchar(6) NOT NULL, not program varchar(8)")
    with pytest.raises(DatabaseError, match="there is nothing to adopt"):
        run(loaded)
    upgrade(loaded.conninfo, UpgradeOptions("iron"))
    assert rows_read(loaded, "all") == 0


def test_trust(loaded):
    """Rows are counted, values are not looked at."""
    loaded.execute("DROP TABLE iron.load_ledger")
    loaded.execute("UPDATE iron.zpix SET z = z + 1")
    with pytest.raises(DatabaseError, match=r"z: .* values differ"):
        run(loaded)
    run(loaded, trust=True)
    assert rows_read(loaded, "all") == 0
    loaded.execute(
        "DROP TABLE iron.load_ledger; DELETE FROM iron.zpix WHERE z = (SELECT max(z) "
        "FROM iron.zpix)"
    )
    with pytest.raises(DatabaseError, match=r"it has .* rows, and its files .*; nothing"):
        run(loaded, trust=True)


def test_earlier_names(loaded):
    """Names that desiutil before 3.5 wrote are harmless, and mended."""
    path = loaded.files.zall_pix()
    edit(
        path,
        values={
            (row, name): value
            for row in range(40)
            for name, value in (("TARGET_RA", 0.05), ("TARGET_DEC", -0.05))
        },
    )
    loaded.replace("zpix", files=[path])
    now = "SELECT count(*) FROM iron.zpix WHERE desiname = 'DESI J000.0500-00.0500'"
    [(number,)] = loaded.query(now)
    assert number
    loaded.execute(
        "UPDATE iron.zpix SET desiname = 'DESI J000.500000.-500' WHERE desiname = "
        "'DESI J000.0500-00.0500'; DROP TABLE iron.load_ledger"
    )
    found = run(loaded, repair=True)
    named = f"desiname: {number} names as desiutil before 3.5 wrote them"
    assert found.harmless == {"zpix": [named]}
    assert loaded.query(now) == [(number,)]
    loaded.execute("ALTER INDEX iron.ix_zpix_z RENAME TO mine; DROP TABLE iron.load_ledger")
    assert run(loaded, repair=True).harmless == {"zpix": ["mine is called ix_zpix_z now"]}
    assert loaded.command("verify", "all").exit_code == 0


def test_what_could_not_be_loaded_and_is_there(loaded):
    """Neither this nor a tile that failed is left to be told, or in the way."""
    loaded.execute("DELETE FROM iron.load_ledger WHERE table_name IN ('tile', 'exposure', 'frame')")
    with pytest.raises(DatabaseError, match="'specprod-copy adopt' takes them over"):
        loaded.load("exposures")
    with connect(loaded.conninfo) as connection:
        note_failures(connection, "iron", [], {1000: "no"})
        assert [one.table for one in failures(connection, "iron")] == ["exposure", "frame"] + 2 * [
            "tile"
        ]
        assert [*run(loaded, stages=("exposures",)).rows] == ["tile", "exposure", "frame"]
        assert failures(connection, "iron") == []
