"""Tables that were filled tile by tile are verified like all others."""

from __future__ import annotations

import html
import json
import re

import pytest
from click.testing import CliRunner
from click.testing import Result as Outcome
from support.daily_tiles import Daily, demo, edit, empty, loaded, own_copy
from support.damage import change_columns

from specprod_copy.cli.verify import verify as command
from specprod_copy.plan.limits import Limits
from specprod_copy.tables import specprod_catalogue
from specprod_copy.tables.common import PRIMARY
from specprod_copy.tiles.read import TABLES
from specprod_copy.verification import Result, VerifyOptions, verify
from specprod_copy.verification.compare import shown

__all__ = ["demo", "empty", "loaded", "own_copy"]


def verified(daily: Daily, *stages: str, **options) -> list[Result]:
    wanted = VerifyOptions(stages or ("all",), daily.schema, **options)
    return verify(daily.conninfo, daily.inputs, wanted)


def failures(daily: Daily, *stages: str, **options) -> list[tuple[str, str, str]]:
    results = verified(daily, *stages, **options)
    return [(r.table, r.name, r.detail) for r in results if not r.passed]


def test_all_is_well(loaded):
    results = verified(loaded)
    assert [r for r in results if not r.passed or r.note] == []
    assert {r.table for r in results} == TABLES
    unchanged = [r.detail for r in results if r.name == "file-unchanged"]
    assert [detail.partition(":")[0] for detail in unchanged] == [
        f"tile {tileid}" for tileid in loaded.tileids()
    ]
    rows = {r.table: r.detail for r in results if r.name == "rows"}
    for table in TABLES:
        [(count,)] = loaded.query(f"SELECT count(*) FROM daily.{table}")
        assert rows[table] == f"{count:,} row{'s' * (count != 1)}, keys equal"
    # Several processes do it as well.
    assert verified(loaded, jobs=2, limits=Limits(quick_rows=0)) == results


def test_one_bit_of_any_column(own_copy):
    """Each value that was changed is named, with its tile, its file, and what it was."""
    tileids = own_copy.tileids()
    for table in sorted(TABLES):
        changes = change_columns(own_copy, table, but=PRIMARY)
        [key] = specprod_catalogue().definition.tables[table].primary_key
        values = [d for _, name, d in failures(own_copy, table, sample=0) if name == "values"]
        # Which spectrum is the best one follows from some of the values.
        details = [detail for detail in values if "not by the rule of primary" not in detail]
        assert len(details) == len(changes)
        for detail, (name, (value, before, after)) in zip(details, changes.items(), strict=True):
            found = re.fullmatch(
                r"(.*): 1 value: (.*) \(tile (\d+): (.*) row \d+\): file (.*), table (.*)", detail
            )
            assert found, detail
            assert found[1] == name
            assert found[2] == f"{key} {value}"
            assert int(found[3]) in tileids
            assert (own_copy.root / found[4].partition("[")[0]).is_file()
            assert [found[5], found[6]] == [shown(before), shown(after)]


def test_rows_lost_and_rows_of_no_tile(own_copy):
    first, second, _ = own_copy.tileids()
    daily = own_copy
    daily.execute(f"DELETE FROM daily.potential WHERE tileid = {second}")
    daily.execute(
        f"""INSERT INTO daily.frame SELECT (r).* FROM (
              SELECT jsonb_populate_record(f, '{{"frameid": 7, "tileid": 4711}}') AS r
              FROM daily.frame AS f WHERE tileid = {first} LIMIT 1) AS one"""
    )
    [(targetid,)] = daily.query("SELECT min(targetid) FROM daily.photometry")
    daily.execute(
        f"""SET session_replication_role = replica;
            DELETE FROM daily.photometry WHERE targetid = {targetid}"""
    )
    found = {table: detail for table, name, detail in failures(daily, sample=0) if name == "rows"}
    assert found.keys() == {"potential", "frame", "photometry"}
    assert "rows missing from the table: id " in found["potential"]
    assert f"(tile {second}: " in found["potential"]
    assert "1 row in the table, but in no file: frameid 7" in found["frame"]
    assert f"1 row missing from the table: targetid {targetid} (tile " in found["photometry"]


def test_tile_whose_row_is_gone(own_copy):
    lost = own_copy.tileids()[0]
    own_copy.execute(
        f"SET session_replication_role = replica; DELETE FROM daily.tile WHERE tileid = {lost}"
    )
    found = [(table, name) for table, name, _ in failures(own_copy, sample=0)]
    assert ("tile", "rows") in found
    assert {name for _, name in found} == {"rows", "foreign-key"}


def test_columns_that_follow_from_others(own_copy):
    own_copy.execute(
        """UPDATE daily.ztile SET zcat_nspec = zcat_nspec + 1
           WHERE id = (SELECT min(id) FROM daily.ztile)"""
    )
    [(key, number)] = own_copy.query("SELECT id, zcat_nspec FROM daily.ztile ORDER BY 1 LIMIT 1")
    [(table, name, detail)] = failures(own_copy)
    assert (table, name) == ("ztile", "values")
    assert detail == (
        f"zcat_nspec: 1 value not by the rule of primary: id {key}: primary {number - 1}, table "
        f"{number}; mended by specprod-copy primary --schema daily"
    )


@pytest.mark.parametrize("gone", ["tile", "target", "ztile"])
def test_table_that_is_gone(own_copy, gone):
    """It is named; all others are compared, as far as they can be."""
    [(rows,)] = own_copy.query(f"SELECT count(*) FROM daily.{gone}")
    own_copy.execute(f"DROP TABLE daily.{gone} CASCADE")
    found = failures(own_copy, sample=0)
    detail = (
        f"table daily.{gone} does not exist, but the ledger records at least {rows:,}: it was "
        "dropped or renamed since it was loaded; 'specprod-copy tile TILEID... --overwrite' loads "
        "it again"
    )
    assert found[0] == (gone, "table-rows", detail)
    left = {(table, name) for table, name, _ in found[1:]} - {("ztile", "foreign-key")}
    without_target = {("photometry", name) for name in ("inputs", "rows", "values", "not-finite")}
    assert {name for _, name in left - without_target} <= {"foreign-key", "finish"}
    assert without_target <= left or gone != "target"


def test_summary_file_that_is_gone(own_copy):
    for path in own_copy.tiles_file.parent.glob("tiles-daily.*"):
        path.unlink()
    found = failures(own_copy, sample=0)
    assert {table for table, _, _ in found} == TABLES
    assert {name for _, name, _ in found} == {"inputs", "rows", "values", "not-finite"}
    assert all("tiles-daily." in detail for _, name, detail in found if name == "inputs")


def test_changed_file(own_copy):
    """Its values, and those of its tile alone, differ; the file is named."""
    tileid = own_copy.tileids()[1]
    path = own_copy.redrock(tileid)[0]
    edit(path, "REDSHIFTS", lambda table: table.replace_column("Z", table["Z"] * 0))
    found = {name: detail for _, name, detail in failures(own_copy, sample=0)}
    assert found.keys() == {"file-unchanged", "values"}
    assert found["file-unchanged"] == (
        f"tile {tileid}: content of {path.name}; sync loads it again"
    )
    where = rf"tile {tileid}: {path.relative_to(own_copy.root)}\[REDSHIFTS\] row \d"
    assert re.match(rf"z: \d values?: id \d+ \({where}\): file 0\.0, table ", found["values"])


def test_damaged_file_hides_no_other_tile(own_copy):
    first, second, _ = own_copy.tileids()
    path = own_copy.redrock(first)[0]
    path.write_bytes(path.read_bytes()[:5000])
    own_copy.execute(
        f"""UPDATE daily.ztile SET z = -0.5 WHERE id =
            (SELECT min(id) FROM daily.ztile WHERE tileid = {second})"""
    )
    found = failures(own_copy, sample=0)
    assert [(table, name) for table, name, _ in found] == [
        ("tile", "file-unchanged"),
        ("ztile", "file-rows"),
        ("ztile", "values"),
    ]
    assert found[0][2].startswith(f"tile {first}: content of {path.name}")
    assert found[1][2].startswith(f"tile {first}: {path}: ")
    assert found[2][2].startswith("z: 1 value: id ")
    assert f" (tile {second}: " in found[2][2]


def test_tiles_that_came_and_went(own_copy):
    """Rows of a tile that vanished cannot be compared; all others are."""
    gone, kept, _ = own_copy.tileids()
    own_copy.drop_tile(gone)
    own_copy.execute(f"UPDATE daily.target SET priority_init = -1 WHERE tileid = {kept}")
    found = failures(own_copy, sample=0)
    assert [(table, name) for table, name, _ in found] == [
        ("tile", "file-unchanged"),
        ("target", "values"),
    ]
    assert found[0][2] == (f"tile {gone}: vanished from the tiles file; sync --delete removes it")


def test_tiles_that_were_never_loaded(loaded, empty):
    first, second, third = loaded.tileids()
    empty.tile(second)
    [(table, name, detail)] = failures(empty)
    assert (table, name) == ("tile", "file-rows")
    assert detail == (f"2 tiles never loaded: {first}; {third}; sync loads what is missing")


def test_redshifts_that_are_not_there_yet(own_copy):
    """The tile stays as it is until they are; that is no failure."""
    tileid = own_copy.tileids()[0]
    [(night,)] = own_copy.query(f"SELECT lastnight FROM daily.tile WHERE tileid = {tileid}")
    own_copy.change_tile(tileid, LASTNIGHT=night + 1)
    results = verified(own_copy)
    assert [result for result in results if not result.passed] == []
    [note] = [result.note for result in results if result.note]
    assert note == (
        f"tile {tileid}: no redshift files of night {night + 1} yet; that of {night} stays"
    )
    own_copy.execute("UPDATE daily.frame SET ebv = -1")
    [(table, name, _)] = failures(own_copy, sample=0)
    assert (table, name) == ("frame", "values")


def test_command(own_copy, tmp_path):
    page = tmp_path / "page.html"
    arguments = ["--specprod", "daily", "--root", own_copy.root, "--dsn", own_copy.conninfo]

    def run(*more: object) -> Outcome:
        return CliRunner().invoke(command, [*map(str, (*arguments, *more))])

    done = run("--html", page)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1].startswith("schema daily: all ")
    own_copy.execute("UPDATE daily.fiberassign SET fiber = fiber + 1")
    done = run("fiberassign", "--html", page, "--json")
    assert done.exit_code == 1
    [failed] = [r for r in json.loads(done.stdout) if r["name"] == "values" and not r["passed"]]
    assert failed["table"] == "fiberassign"
    assert failed["detail"].startswith("fiber: ")
    assert failed["detail"] in html.unescape(page.read_text())
