"""The commands ``tile``, ``sync`` and ``primary``."""

from __future__ import annotations

import re
from importlib import import_module
from types import SimpleNamespace

import psycopg
import pytest
from click.testing import CliRunner, Result
from support.daily_tiles import Daily, demo, empty, loaded, own_copy

from specprod_copy.cli.primary import primary
from specprod_copy.cli.sync import sync
from specprod_copy.cli.tile import tile
from specprod_copy.errors import DatabaseError, SpecprodCopyError

__all__ = ["demo", "empty", "loaded", "own_copy"]

COMMANDS = {"tile": tile, "sync": sync, "primary": primary}


def invoke(daily: Daily, command: str, *arguments: object) -> Result:
    where = ["--dsn", daily.conninfo, "--schema", daily.schema]
    files = ["--specprod", "daily", "--root", daily.root] if command != "primary" else []
    given = [str(argument) for argument in (*arguments, *where, *files)]
    return CliRunner().invoke(COMMANDS[command], given)


def run(daily: Daily, command: str, *arguments: object) -> str:
    """Run a command, expect success, return what it printed."""
    result = invoke(daily, command, *arguments)
    if result.exception:
        raise result.exception
    assert result.exit_code == 0
    return result.output


def test_tile(loaded, empty):
    first, *_ = loaded.tileids()
    printed = run(empty, "tile", first)
    assert f"tile {first}: " in printed
    assert "1 tiles loaded, 0 removed, 0 up to date, 0 not loadable, 0 failed, in " in printed
    assert empty.tileids() == [first]
    printed = run(empty, "tile", first, "--verbose")
    assert f"tile {first}: up to date" in printed
    assert "0 tiles loaded, 0 removed, 1 up to date" in printed
    assert run(empty, "tile", first, "--quiet") == ""


def test_tile_that_is_not_loadable_is_no_error(own_copy):
    first, *_ = own_copy.tileids()
    own_copy.change_tile(first, EFFTIME_SPEC=0.0)
    fresh = Daily(own_copy.root, own_copy.conninfo, "fresh")
    printed = run(fresh, "tile", first)
    assert f"tile {first}: not loadable (EFFTIME_SPEC is 0.0)" in printed
    assert fresh.tileids() == []


def test_failures_make_an_error(own_copy):
    first, second, *_ = own_copy.tileids()
    own_copy.change_tile(first, GOALTIME=1.5)
    with pytest.raises(SpecprodCopyError) as caught:
        run(own_copy, "tile", first)
    why = f"tile {first}: changed (values of tile); --update replaces it"
    assert str(caught.value) == f"{why}; the tile is as it was before"
    own_copy.change_tile(second, GOALTIME=1.5)
    result = invoke(own_copy, "tile", first, second)
    assert str(result.exception) == "2 tiles failed (see above); they are as they were before"
    for tileid in (first, second):
        assert f"tile {tileid}: changed (values of tile); --update replaces it" in result.output
    assert "2 tiles loaded" in run(own_copy, "tile", first, second, "--update")


def test_other_files(own_copy, tmp_path):
    """--tiles-file and --exposures-file come before the production's own."""
    first, *_ = own_copy.tileids()
    tiles, exposures = tmp_path / "patched.csv", tmp_path / "patched.fits"
    own_copy.change_tile(first, GOALTIME=77.0)
    own_copy.tiles_file.rename(tiles)
    own_copy.exposures_file.rename(exposures)
    run(own_copy, "tile", first, "--update", "--tiles-file", tiles, "--exposures-file", exposures)
    assert own_copy.query("SELECT goaltime FROM daily.tile WHERE tileid = %s", first) == [(77.0,)]


def test_sync_tells_first_and_does_then(own_copy):
    first, second, *_ = own_copy.tileids()
    own_copy.drop_tile(first)
    own_copy.change_tile(second, GOALTIME=1.5)
    before = own_copy.contents()
    told = run(own_copy, "sync", "--dry-run").splitlines()
    assert f"tile {first}: obsolete (vanished from the tiles file)" in told
    assert f"tile {second}: changed (values of tile)" in told
    assert own_copy.contents() == before
    done = run(own_copy, "sync")
    assert f"tile {first}: obsolete (vanished from the tiles file)" in done
    assert "1 tiles loaded, 0 removed" in done
    done = run(own_copy, "sync", "--delete")
    assert "0 tiles loaded, 1 removed" in done
    assert first not in own_copy.tileids()


def test_dry_run_of_a_new_schema_makes_nothing(loaded, empty):
    told = run(empty, "sync", "--dry-run").splitlines()
    assert [line for line in told if line.endswith(": new")] == [
        f"tile {tileid}: new" for tileid in loaded.tileids()
    ]
    assert empty.query("SELECT 1 FROM pg_namespace WHERE nspname = %s", empty.schema) == []


def test_since(loaded, empty):
    nights = loaded.query("SELECT lastnight, tileid FROM daily.tile ORDER BY 1")
    latest = nights[-1][0]
    run(empty, "sync", "--since", latest)
    assert empty.tileids() == sorted(tileid for night, tileid in nights if night == latest)


def test_primary(own_copy):
    """It mends what was changed by hand, and then finds nothing to do."""
    before = own_copy.contents()
    own_copy.execute("UPDATE daily.ztile SET zcat_nspec = 9 WHERE zcat_primary")
    own_copy.execute("UPDATE daily.ztile SET main_primary = NOT main_primary")
    count = own_copy.query("SELECT count(*) FROM daily.ztile")[0][0]
    assert run(own_copy, "primary") == f"daily.ztile: {count} rows changed\n"
    assert own_copy.contents() == before
    assert run(own_copy, "primary") == "daily.ztile: 0 rows changed\n"
    places = own_copy.places()
    assert "primary spectra: 0 rows of ztile changed" in run(own_copy, "sync", "--primary")
    assert own_copy.places() == places


def test_primary_of_nothing(empty):
    with pytest.raises(DatabaseError, match=r"there is no schema empty_.*; there are: "):
        run(empty, "primary")


def test_q3c_indexes_are_refreshed_and_clustered(own_copy):
    if not own_copy.query("SELECT 1 FROM pg_extension WHERE extname = 'q3c'"):
        pytest.skip("the server does not have q3c")
    query = """SELECT relname, relfilenode FROM pg_class JOIN pg_index ON indexrelid = oid
               WHERE relname LIKE '%%q3c%%' AND indisvalid
                 AND relnamespace = %s::regnamespace ORDER BY 1"""
    before = own_copy.query(query, own_copy.schema)
    assert len(before) == 4
    first, *_ = own_copy.tileids()
    run(own_copy, "tile", first, "--primary")
    after = own_copy.query(query, own_copy.schema)
    assert [name for name, _ in after] == [name for name, _ in before]
    assert not set(after) & set(before)
    run(own_copy, "tile", first, "--cluster")
    pixels = own_copy.query("SELECT q3c_ang2ipix(ra, dec) FROM daily.photometry ORDER BY ctid")
    assert pixels == sorted(pixels)


def test_roles_may_read(own_copy):
    role = "reader_of_tiles"
    own_copy.execute(f"CREATE ROLE {role}")
    try:
        run(own_copy, "sync", "--role", role)
        with psycopg.connect(own_copy.conninfo) as connection:
            connection.execute(f"SET ROLE {role}")
            for table in ("ztile", "load_ledger", "version"):
                assert connection.execute(f"SELECT count(*) FROM daily.{table}").fetchone()[0] > 0
    finally:
        own_copy.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


@pytest.mark.parametrize("command", COMMANDS)
def test_help(command):
    result = CliRunner().invoke(COMMANDS[command], ["--help"])
    assert result.exit_code == 0
    for line in ("--schema", "--specprod", "--dsn"):
        assert line in result.output


def test_notes_on_files(own_copy):
    """What lies beside the files of a tile, and words that are odd, are said as a load says it."""
    first, *_ = own_copy.tileids()
    own_copy.change_tile(first, FAPRGRM="DARK", UPDATED="2022-02-02T02:02:02+0000")
    photometry = own_copy.inputs.files.photometry_folder
    beside = [
        own_copy.tiles_file.with_name("Tiles-daily-v2.csv"),
        own_copy.exposures_file.with_name("exposures-daily.fits.gz"),
        photometry / "tractorphot" / f"tractorphot-{first}-old.fits",
        photometry / f"targetphot-potential-{first}.fits.gz",
    ]
    for path in beside:
        path.touch()
    printed = run(own_copy, "sync")
    for path in beside:
        assert re.search(rf"note: .*{re.escape(str(path.parent))}: .*{path.name}\n", printed)
    assert (
        "note: spectro/redux/daily/tiles-daily.csv: FAPRGRM is blank, unknown or has capitals in "
        "1 row, e.g. 'DARK'\n"
    ) in printed
    assert "note: spectro/redux/daily/exposures-daily.fits[FRAMES]: 8-byte floats" in printed
    assert "note: " not in run(own_copy, "sync")


def test_a_no_replaces_nothing(empty, monkeypatch):
    terminal = SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(import_module("specprod_copy.cli.load_run"), "sys", terminal)
    where = ["--dsn", empty.conninfo, "--specprod", "daily", "--root", str(empty.root)]
    asked = CliRunner().invoke(tile, ["1", "--overwrite", *where], input="n\n")
    assert asked.output.splitlines()[1:] == ["Nothing was replaced."]
    assert asked.exit_code == 1
