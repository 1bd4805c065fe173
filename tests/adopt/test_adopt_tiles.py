"""Tables that were filled tile by tile get the ledger that they lack."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result
from support.daily_tiles import Daily, demo, loaded, own_copy
from support.damage import change_columns
from support.reference import assert_equal, expected_rows, read_table
from support.reference_schema import build_reference

from specprod_copy.adopt.options import Adopted, AdoptOptions
from specprod_copy.adopt.run import adopt
from specprod_copy.cli import cli
from specprod_copy.errors import ConfigurationError, DatabaseError, InputError
from specprod_copy.postgres.connection import connect
from specprod_copy.postgres.schema_differences import differences
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.status import schema_status
from specprod_copy.tables import specprod_catalogue
from specprod_copy.tables.common import PRIMARY
from specprod_copy.tiles.read import TABLES
from specprod_copy.verification import VerifyOptions, verify

__all__ = ["demo", "loaded", "own_copy"]

ENTRIES = """SELECT entry, inputs, tables, details, rows_read, rows_kept, first_row, last_row,
                    values_changed FROM daily.load_ledger WHERE stage = 'daily' ORDER BY entry"""
"""What tells one ledger from another, but for when it was written."""

ORDER = ("tile", "exposure", "fiberassign", "potential", "target", "frame", "ztile", "photometry")
"""Tables, in the order in which they are compared."""


def run(daily: Daily, **options) -> Adopted:
    return adopt(daily.conninfo, daily.inputs, AdoptOptions(daily.schema, **options))


def refused(daily: Daily, kind: type[Exception] = DatabaseError, **options) -> str:
    """Adopt, expect an error and an unchanged schema, return the message."""
    before = daily.places()
    with pytest.raises(kind) as caught:
        run(daily, **options)
    assert daily.places() == before
    assert daily.query("SELECT to_regclass('daily.load_ledger')") == [(None,)]
    return str(caught.value)


def failures(daily: Daily) -> list[tuple[str, str]]:
    results = verify(daily.conninfo, daily.inputs, VerifyOptions(("all",), daily.schema))
    return [(result.table, result.detail) for result in results if not result.passed]


def assert_second_night(daily: Daily, shared: Path) -> None:
    """Check tables against what they must hold after the second night, and verify."""
    with psycopg.connect(daily.conninfo) as connection:
        for table in TABLES:
            wanted = expected_rows(shared, "daily-night2", table)
            assert_equal(read_table(connection, "daily", table), wanted)
    assert failures(daily) == []


@pytest.fixture
def reference(database, shared) -> Daily:
    """The daily production of the reference loader."""
    build_reference(database, shared, "daily")
    return Daily(shared / "reference" / "daily", database)


def test_reference(reference, shared):
    """What is harmless is listed, then mended; the next night goes on from there."""
    before = reference.places()
    rows = {
        "tile": 4, "exposure": 13, "frame": 352, "photometry": 114, "target": 134,
        "fiberassign": 90, "potential": 280, "ztile": 81,
    }  # fmt: skip
    found = run(reference)
    assert found.rows == rows
    program = "program varchar(6) NOT NULL, not program varchar(8) NOT NULL"
    assert found.harmless == {
        "tile": [program, "22 comments"],
        "exposure": ["0.0 for -0.0 in 7 values of 7 columns", program, "53 comments"],
        "frame": ["0.0 for -0.0 in 36 values of 9 columns", "17 comments"],
        "photometry": [
            "0.0 for -0.0 in 92 values of 51 columns",
            "maskbits int2 NOT NULL, not maskbits int4 NOT NULL",
            "96 comments",
        ],
        "target": [program, "29 comments"],
        "ztile": [program, "88 comments"],
        "fiberassign": ["0.0 for -0.0 in 6 values of 4 columns", "22 comments"],
        "potential": ["6 comments"],
    }
    assert reference.places() == before
    reference.execute("DROP TABLE daily.load_ledger")
    assert run(reference, repair=True).repaired
    definition = specprod_catalogue().definition
    with connect(reference.conninfo) as connection:
        there = read_schema(connection, "daily")
        assert [str(d) for d in differences(definition, there, [*TABLES])] == []
        status = schema_status(connection, "daily", reference.inputs)
    assert (status.lost, status.tiles.changed) == ({}, [])
    assert failures(reference) == []
    assert reference.sync().loaded == []
    second = Daily(shared / "reference" / "daily-night2", reference.conninfo)
    assert [result.tileid for result in second.sync().loaded] == [1001, 1005]
    assert_second_night(second, shared)


def test_a_night_later(reference, shared):
    """A tile that was observed again is named; taken over as it is, sync brings it up to date."""
    second = Daily(shared / "reference" / "daily-night2", reference.conninfo)
    assert refused(second) == (
        "schema daily has tiles that the files have not: 1001 (LASTNIGHT 20210517 became "
        "20210520); nothing was changed. With --outdated they are taken over without a look at "
        "their rows, and sync loads them again, or removes them (--delete)"
    )
    found = run(second, outdated=True, repair=True)
    assert found.outdated == ["tile 1001: LASTNIGHT 20210517 became 20210520"]
    assert {(table, detail) for table, detail in failures(second) if table == "tile"} >= {
        ("tile", "1 tile never loaded: 1005; sync loads what is missing")
    }
    assert [result.tileid for result in second.sync().loaded] == [1001, 1005]
    assert_second_night(second, shared)


def test_lost_ledger(own_copy):
    """The same one comes again, no row is touched, and every command goes on."""
    before, rows = own_copy.query(ENTRIES), own_copy.places()
    own_copy.execute("DROP TABLE daily.load_ledger")
    with pytest.raises(DatabaseError, match="'specprod-copy adopt --by-tile' takes them over"):
        own_copy.sync()
    found = run(own_copy)
    assert (found.harmless, found.outdated) == ({}, [])
    assert found.rows == {table: len(of_table) for table, of_table in rows.items()}
    assert own_copy.query(ENTRIES) == before
    assert own_copy.places() == rows
    assert own_copy.sync().loaded == []
    assert failures(own_copy) == []
    with pytest.raises(DatabaseError, match="there is nothing to adopt"):
        run(own_copy)


def test_one_bit_of_any_column(own_copy):
    """Each is found, in each table, and what follows from others is told apart."""
    own_copy.execute("DROP TABLE daily.load_ledger")
    [(spectrum, number)] = own_copy.query(
        "UPDATE daily.ztile SET zcat_nspec = zcat_nspec + 1 WHERE id = "
        "(SELECT min(id) FROM daily.ztile) RETURNING id, zcat_nspec"
    )
    assert run(own_copy).harmless == {
        "ztile": [
            f"zcat_nspec: 1 value not by the rule of primary: id {spectrum}: primary {number - 1}, "
            f"table {number}; mended by specprod-copy primary --schema daily"
        ]
    }
    own_copy.execute("DROP TABLE daily.load_ledger")
    run(own_copy, repair=True)
    rule = "SELECT zcat_nspec FROM daily.ztile WHERE id = %s"
    assert own_copy.query(rule, spectrum) == [(number - 1,)]
    own_copy.execute("DROP TABLE daily.load_ledger")
    for table in reversed(ORDER):
        # A tile of another night is another kind of error.
        changed = change_columns(own_copy, table, but=(*PRIMARY, "lastnight"))
        with pytest.raises(DatabaseError, match=f"^table daily.{table} is not what ") as caught:
            run(own_copy, repair=True)
        said = str(caught.value)
        for name, (value, _, _) in changed.items():
            assert f"{name}: 1 value differs (" in said
            assert f" {value}: file " in said


def test_rows_that_are_lost_and_rows_of_no_tile(own_copy):
    """Which tile decides on photometry is not asked of a table that has lost a row."""
    own_copy.execute("DROP TABLE daily.load_ledger")
    [(number,)] = own_copy.query("SELECT min(id) FROM daily.target")
    own_copy.execute(
        f"""CREATE TABLE daily.kept AS SELECT * FROM daily.target WHERE id = {number};
            SET session_replication_role = replica; DELETE FROM daily.target WHERE id = {number}"""
    )
    said = (
        f"table daily.target is not what its files give: 1 row missing from the table (id {number})"
    )
    assert refused(own_copy).startswith(said)
    assert refused(own_copy, trust=True).startswith("table daily.target is not what its files ")
    own_copy.execute(
        """INSERT INTO daily.target SELECT * FROM daily.kept;
           UPDATE daily.ztile SET z = z + 1 WHERE id = (SELECT min(id) FROM daily.ztile)"""
    )
    assert "z: 1 value differs" in refused(own_copy)
    run(own_copy, trust=True)
    assert own_copy.sync().loaded == []
    own_copy.execute("DROP TABLE daily.load_ledger; TRUNCATE daily.tile CASCADE")
    assert refused(own_copy) == "table daily.tile has no rows: no tile was loaded"
    own_copy.execute("DROP TABLE daily.potential")
    with pytest.raises(DatabaseError, match="has no table potential, which has rows of every tile"):
        run(own_copy)


def test_tiles_that_vanished_and_files_that_are_gone(own_copy):
    first, second, third = own_copy.tileids()
    own_copy.execute("DROP TABLE daily.load_ledger")
    own_copy.drop_tile(first)
    own_copy.change_tile(second, EFFTIME_SPEC=0)
    found = run(own_copy, outdated=True)
    assert found.outdated == [
        f"tile {first}: vanished from the tiles file",
        f"tile {second}: EFFTIME_SPEC is 0.0",
    ]
    removed = own_copy.sync(delete=True).removed
    assert [result.tileid for result in removed] == [first, second]
    assert own_copy.tileids() == [third]
    assert failures(own_copy) == []
    own_copy.execute("DROP TABLE daily.load_ledger")
    assigned = next(own_copy.root.rglob(f"fiberassign-{third:06}.fits*"))
    assigned.unlink()
    assert f"no fiberassign file of tile {third}" in refused(own_copy, InputError)


def test_command(own_copy):
    def command(*more: str) -> Result:
        where = ["-p", "daily", "-r", str(own_copy.root), "--dsn", own_copy.conninfo]
        return CliRunner().invoke(cli, ["adopt", *more, *where])

    first = own_copy.tileids()[0]
    own_copy.execute("DROP TABLE daily.load_ledger")
    own_copy.drop_tile(first)
    assert isinstance(command("tile", "--by-tile").exception, ConfigurationError)
    assert isinstance(command("exposures", "--outdated").exception, ConfigurationError)
    assert json.loads(command("--outdated", "--json", "--trust").stdout)["outdated"] == [
        f"tile {first}: vanished from the tiles file"
    ]
    own_copy.execute("DROP TABLE daily.load_ledger")
    lines = command("--by-tile", "--outdated").stdout.splitlines()
    assert "tile: 3 rows, equal to the files" in lines
    assert lines[-1] == (
        f"not compared, for sync to bring up to date: tile {first}: vanished from the tiles file"
    )
