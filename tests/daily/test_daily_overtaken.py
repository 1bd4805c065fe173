"""A run that another one overtakes: it has read an earlier tiles file, and undoes nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from types import ModuleType

import pytest
from support.daily_tiles import Daily, demo, loaded, own_copy

from specprod_copy.daily import run, work
from specprod_copy.daily.summary import TilesSummary
from specprod_copy.plan.tile_states import Verdict

__all__ = ["demo", "loaded", "own_copy"]


@pytest.fixture
def overtake(monkeypatch) -> Callable[..., None]:
    """Return what has a whole other run come before a step of the next run, or right after it."""

    def arrange(module: ModuleType, step: str, other: Callable[[], object], *, after=False) -> None:
        real = getattr(module, step)

        def overtaken(*arguments: object) -> object:
            monkeypatch.setattr(module, step, real)
            if not after:
                other()
            result = real(*arguments)
            if after:
                other()
            return result

        monkeypatch.setattr(module, step, overtaken)

    return arrange


def left(summary: TilesSummary) -> list[str]:
    """Return the beginnings of the notes on tiles that were left to another run."""
    return [note.partition(" has ")[0] for note in summary.notes if "another command" in note]


def failures(daily: Daily) -> list[tuple]:
    return daily.query("SELECT entry FROM daily.load_ledger WHERE failure IS NOT NULL")


def goaltime(daily: Daily, tileid: int) -> list[tuple]:
    return daily.query("SELECT goaltime FROM daily.tile WHERE tileid = %s", tileid)


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_tile_that_is_loaded_later_has_not_vanished(own_copy, overtake, dry_run):
    first, *_ = own_copy.tileids()
    rows, before = own_copy.tile_rows(), own_copy.contents()
    own_copy.drop_tile(first)
    assert [result.tileid for result in own_copy.sync(delete=True).removed] == [first]

    def later() -> None:
        own_copy.write_tiles(rows)
        assert [result.tileid for result in own_copy.tile(first).loaded] == [first]

    overtake(run, "examine", later, after=True)
    summary = own_copy.sync(delete=True, dry_run=dry_run)
    assert (summary.having(Verdict.OBSOLETE), summary.removed, summary.failed) == ([], [], {})
    assert own_copy.contents() == before


def test_a_tile_that_is_loaded_again_is_not_removed(own_copy, overtake):
    first, *_ = own_copy.tileids()
    rows = own_copy.tile_rows()
    own_copy.drop_tile(first)

    def later() -> None:
        own_copy.write_tiles(rows)
        own_copy.change_tile(first, GOALTIME=2.5)
        assert [result.tileid for result in own_copy.sync().loaded] == [first]

    overtake(work, "remove_tile", later)
    summary = own_copy.sync(delete=True)
    assert (summary.removed, summary.failed) == ([], {})
    assert left(summary) == [f"tile {first}: another command"]
    assert goaltime(own_copy, first) == [(2.5,)]
    assert own_copy.sync(delete=True).having(Verdict.OBSOLETE, Verdict.CHANGED) == []


@pytest.mark.parametrize("command", ["sync", "tile"])
@pytest.mark.parametrize("step", [(run, "examine"), (work, "load_tile")], ids=["look", "load"])
def test_later_rows_are_not_replaced(own_copy, overtake, command, step):
    first, *_ = own_copy.tileids()
    own_copy.change_tile(first, GOALTIME=1.5)

    def later() -> None:
        own_copy.change_tile(first, GOALTIME=2.5)
        assert [result.tileid for result in own_copy.sync().loaded] == [first]

    overtake(*step, later)
    summary = own_copy.sync() if command == "sync" else own_copy.tile(first, update=True)
    assert (summary.loaded, summary.failed) == ([], {})
    assert left(summary) == [f"tile {first}: another command"]
    assert goaltime(own_copy, first) == [(2.5,)]


@pytest.mark.parametrize("step", [(run, "examine"), (work, "load_tile")], ids=["look", "load"])
def test_a_tile_that_is_removed_later_does_not_come_back(own_copy, overtake, step):
    first, *others = own_copy.tileids()
    own_copy.change_tile(first, GOALTIME=1.5)

    def later() -> None:
        own_copy.drop_tile(first)
        assert [result.tileid for result in own_copy.sync(delete=True).removed] == [first]

    overtake(*step, later)
    summary = own_copy.sync()
    assert (summary.loaded, summary.failed) == ([], {})
    assert left(summary) == [f"tile {first}: another command"]
    assert own_copy.tileids() == others


def test_two_that_remove_a_tile(own_copy, overtake):
    first, *others = own_copy.tileids()
    own_copy.drop_tile(first)

    def other() -> None:
        assert [result.tileid for result in own_copy.sync(delete=True).removed] == [first]

    overtake(work, "remove_tile", other)
    summary = own_copy.sync(delete=True)
    assert (summary.removed, summary.failed) == ([], {})
    assert left(summary) == [f"tile {first}: another command"]
    assert (own_copy.tileids(), failures(own_copy)) == (others, [])


def test_new_times_of_files_are_not_written_over_later_entries(own_copy, overtake):
    first, second, *_ = own_copy.tileids()
    for tileid in (first, second):
        os.utime(own_copy.redrock(tileid)[0], (1e9, 1e9))
    inputs = "SELECT inputs FROM daily.load_ledger WHERE entry = %s"
    known = []

    def later() -> None:
        own_copy.drop_tile(first)
        os.utime(own_copy.redrock(second)[0], (2e9, 2e9))
        own_copy.change_tile(second, GOALTIME=2.5)
        assert [result.tileid for result in own_copy.sync(delete=True).loaded] == [second]
        known.extend(own_copy.query(inputs, f"tile {second}"))

    overtake(run, "examine", later, after=True)
    assert own_copy.sync().failed == {}
    assert own_copy.query(inputs, f"tile {second}") == known
    assert own_copy.query(inputs, f"tile {first}") == []


def test_a_failure_goes_with_its_tile(own_copy):
    """Of a tile that was never loaded, and is not in the file any more, nothing can be mended."""
    first, *_ = own_copy.tileids()
    rows = own_copy.tile_rows()
    own_copy.drop_tile(first)
    own_copy.sync(delete=True)
    own_copy.write_tiles(rows)
    own_copy.change_tile(first, SURVEY="unknown")
    assert list(own_copy.sync().failed) == [first]
    assert failures(own_copy) == [(f"tile {first}",)]
    own_copy.drop_tile(first)
    # It may be of a night that this one does not look at.
    own_copy.sync(since=20000101)
    assert failures(own_copy) == [(f"tile {first}",)]
    own_copy.sync()
    assert failures(own_copy) == []
