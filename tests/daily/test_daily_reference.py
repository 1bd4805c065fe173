"""A daily production, night by night, against the exact contents that its tables must have."""

from __future__ import annotations

import psycopg
import pytest
from support.daily_tiles import Daily
from support.reference import assert_equal, expected_rows, read_table

from specprod_copy.plan.tile_states import Verdict
from specprod_copy.tiles.read import TABLES

NIGHTS = ("daily", "daily-night2")
FIRST, SECOND = (1000, 1001, 80605, 82401), (1000, 1001, 1005, 80605, 82401)


def assert_contents(daily: Daily, shared, name: str) -> None:
    with psycopg.connect(daily.conninfo) as connection:
        for table in TABLES:
            found = read_table(connection, daily.schema, table)
            assert_equal(found, expected_rows(shared, name, table))


@pytest.fixture
def nights(database, shared) -> list[Daily]:
    return [Daily(shared / "reference" / name, database) for name in NIGHTS]


def test_two_nights_of_sync(nights, shared):
    first, second = nights
    summary = first.sync()
    assert [result.tileid for result in summary.loaded] == list(FIRST)
    assert {f.tileid: f.reason for f in summary.having(Verdict.NOT_LOADABLE)} == {
        999: "EFFTIME_SPEC is 0.0",
        1003: "no exposure has EFFTIME_SPEC > 0",
        80602: "LASTNIGHT 20201213 is before 20201214",
    }
    assert_contents(first, shared, "daily")
    places = first.places()
    assert first.sync().loaded == []
    assert first.places() == places

    summary = second.sync()
    assert {f.tileid: f.reason for f in summary.having(Verdict.NEW, Verdict.CHANGED)} == {
        1005: "",
        1001: "LASTNIGHT 20210517 became 20210520; UPDATED 2021-05-18T08:03:00-0700 became "
        "2021-05-21T08:04:00-0700; values of exposure, frame, tile",
    }
    assert [result.tileid for result in summary.loaded] == [1001, 1005]
    assert summary.loaded[0].missing_petals == (1, 2, 4, 5, 6, 8, 9)
    assert_contents(second, shared, "daily-night2")
    assert second.sync().loaded == []


@pytest.mark.parametrize("order", [tuple(reversed(FIRST)), (1001, 80605, 1000, 82401)])
def test_tiles_in_any_order(nights, shared, order):
    first, second = nights
    for tileid in order:
        first.tile(tileid)
    assert_contents(first, shared, "daily")
    second.tile(*order, 1005, update=True, jobs=2)
    assert_contents(second, shared, "daily-night2")


def test_second_night_alone_and_back(nights, shared):
    """Tables follow the files wherever they go: also back to the night before."""
    first, second = nights
    second.sync(jobs=2)
    assert_contents(second, shared, "daily-night2")
    summary = first.sync(delete=True)
    assert [result.tileid for result in summary.removed] == [1005]
    assert [result.tileid for result in summary.loaded] == [1001]
    assert_contents(first, shared, "daily")


def test_every_tile_again_changes_nothing(nights, shared):
    first, _ = nights
    first.tile(*FIRST)
    places = first.places()
    summary = first.tile(*FIRST, update=True)
    assert [(r.changed, r.removed) for r in summary.loaded] == [(0, 0)] * 4
    assert first.places() == places
