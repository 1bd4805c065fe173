"""Single tiles while others are at work, and loads that are interrupted."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.daily_tiles import demo, edit, empty, loaded, own_copy
from support.listening import read

from specprod_copy.daily import work
from specprod_copy.daily.staging import Staging
from specprod_copy.errors import InputError
from specprod_copy.plan import loaded_tiles

__all__ = ["demo", "empty", "loaded", "own_copy"]


def test_two_commands_at_once(loaded, empty):
    tileids = loaded.tileids()
    halves = [tileids[::2], [*tileids[1::2], tileids[0]]]
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda half: empty.tile(*half, jobs=2), halves))
    assert [summary.failed for summary in both] == [{}, {}]
    assert empty.contents() == loaded.contents()


def test_readers_never_wait(own_copy, monkeypatch):
    """Just before the commit, when a load holds all of its locks, readers see the old rows."""
    first, *_ = own_copy.tileids()
    own_copy.change_tile(first, GOALTIME=1.5)
    for path in own_copy.redrock(first):
        edit(path, "REDSHIFTS", lambda t: t["Z"].__iadd__(0.125))
    before, seen, record = own_copy.contents(), [], loaded_tiles.record

    def look_first(*arguments: object) -> None:
        for table in before:
            seen.append((table, read(own_copy.conninfo, f"SELECT * FROM daily.{table}")))
        record(*arguments)

    monkeypatch.setattr(loaded_tiles, "record", look_first)
    assert own_copy.tile(first, update=True).failed == {}
    assert {table: sorted(rows, key=str) for table, rows in seen} == {
        table: sorted(rows, key=str) for table, rows in before.items()
    }
    assert own_copy.contents() != before


@pytest.mark.parametrize("step", ["stage", "remove", "merge", "choose_primary", "remove_orphans"])
def test_failure_at_any_step_leaves_the_tile_as_it_was(own_copy, monkeypatch, step):
    first, *_ = own_copy.tileids()
    own_copy.change_tile(first, GOALTIME=1.5)
    before, method = own_copy.contents(), getattr(Staging, step)

    def fail(self: Staging, *arguments: object) -> None:
        method(self, *arguments)
        raise InputError("no more")

    real = work.read_tile

    def read_tile(*arguments: object) -> object:
        """The comparison before uses some of the same steps; it is over now."""
        monkeypatch.setattr(Staging, step, fail)
        return real(*arguments)

    monkeypatch.setattr(work, "read_tile", read_tile)
    summary = own_copy.tile(first, update=True)
    assert summary.failed == {first: "no more"}
    monkeypatch.undo()
    assert own_copy.contents() == before
    assert own_copy.tile(first, update=True).failed == {}


def test_a_ledger_that_takes_no_notes_makes_no_error_of_a_finished_run(own_copy):
    first, second, *_ = own_copy.tileids()
    for tileid in (first, second):
        own_copy.change_tile(tileid, GOALTIME=1.5)
    own_copy.execute("ALTER TABLE daily.load_ledger ADD CONSTRAINT bare CHECK (failure IS NULL)")
    summary = own_copy.tile(first)
    assert list(summary.failed) == [first]
    assert [note for note in summary.notes if "bare" in note and "earlier runs" in note]
    assert [tile.tileid for tile in own_copy.tile(second, update=True).loaded] == [second]


KILLED = """
import os, signal, sys
from pathlib import Path
from support.daily_tiles import Daily
from specprod_copy.daily import work
from specprod_copy.plan import loaded_tiles

record, count = loaded_tiles.record, 0

def dying(*arguments):
    global count
    record(*arguments)
    count += 1
    if count == 2:
        os.kill(os.getpid(), signal.SIGKILL)

loaded_tiles.record = dying
Daily(Path(sys.argv[1]), *sys.argv[2:]).sync()
"""


def test_kill_leaves_whole_tiles(loaded, empty):
    """Killed with all rows of the second tile sent, but not committed: only the first is there."""
    arguments = [str(empty.root), empty.conninfo, empty.schema]
    command = [sys.executable, "-c", KILLED, *arguments]
    killed = subprocess.run(command, cwd=Path(__file__).parents[1], check=False)
    assert killed.returncode == -signal.SIGKILL
    first, *others = loaded.tileids()
    for table, key in (("ztile", "tileid"), ("target", "tileid"), ("exposure", "tileid")):
        assert empty.query(f"SELECT DISTINCT {key} FROM daily.{table}") == [(first,)]
    assert [result.tileid for result in empty.sync().loaded] == others
    assert empty.contents() == loaded.contents()
