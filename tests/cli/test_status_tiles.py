"""What ``status`` says of tiles that are loaded one by one."""

from __future__ import annotations

import json
import re

from click.testing import CliRunner
from support.daily_tiles import Daily, demo, edit, empty, loaded, own_copy

from specprod_copy.cli.status import status as command
from specprod_copy.tiles.read import TABLES

__all__ = ["demo", "empty", "loaded", "own_copy"]


def run(daily: Daily, *options: str, files: bool = True):
    arguments = ["--schema", daily.schema, "--specprod", "daily", "--dsn", daily.conninfo]
    root = ["--root", str(daily.root)] if files else []
    done = CliRunner().invoke(command, [*arguments, *root, *options])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_tables_and_tiles(loaded):
    told = json.loads(run(loaded, "--json", files=False))
    assert {row["table"] for row in told["progress"]} == TABLES
    tileids = loaded.tileids()
    for row in told["progress"]:
        assert (row["stage"], row["units_loaded"]) == ("daily", len(tileids))
        [(count,)] = loaded.query(f"SELECT count(*) FROM daily.{row['table']}")
        # Tiles share targets.
        assert row["rows_kept"] == count or (row["table"], count) < ("photometry", row["rows_kept"])
    assert told["tiles"] == {
        "loaded": len(tileids),
        "failed": [],
        "changed": None,
        "missing": None,
        "others": None,
    }
    assert told["lost"] == {}
    lines = run(loaded).splitlines()
    assert "tiles: 3 loaded, 0 failed, 0 changed, 0 missing, 0 others" in lines


def test_changed_missing_gone_and_failed(own_copy, loaded, empty):
    changed, gone, _ = own_copy.tileids()
    path = own_copy.redrock(changed)[0]
    edit(path, "REDSHIFTS", lambda table: table.replace_column("Z", table["Z"] * 0))
    own_copy.drop_tile(gone)
    lines = run(own_copy).splitlines()
    assert "tiles: 3 loaded, 0 failed, 1 changed, 0 missing, 1 others" in lines
    assert f"tile {changed}: changed (content of {path.name})" in lines
    assert f"tile {gone}: obsolete (vanished from the tiles file)" in lines
    before = path.read_bytes()
    path.write_bytes(before[:5000])
    [why] = own_copy.sync().failed.values()
    lines = run(own_copy).splitlines()
    [failed] = [line for line in lines if line.startswith("failed at ")]
    assert re.fullmatch(
        rf"failed at \d{{4}}-\d\d-\d\d \d\d:\d\d: tile {changed}: {re.escape(why)}", failed
    )
    assert own_copy.sync(dry_run=True).failed == {}
    path.write_bytes(before)
    assert own_copy.sync().failed == {}
    assert "tiles: 3 loaded, 0 failed, 0 changed, 0 missing, 1 others" in run(own_copy)
    empty.tile(changed)
    assert "tiles: 1 loaded, 0 failed, 0 changed, 2 missing, 0 others" in run(empty)
    assert f"tile {gone}: not loaded yet" in run(empty).splitlines()
