"""What is printed: nothing that steers a terminal, and no number that is cut."""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specprod_copy.cli.bar import BarProgress
from specprod_copy.cli.doctor_text import print_findings
from specprod_copy.cli.load_text import plan_lines, summary_lines
from specprod_copy.cli.status import status_lines
from specprod_copy.cli.text import entry_lines, say, table_lines
from specprod_copy.cli.tile_text import summary_lines as tile_lines
from specprod_copy.cli.verify_text import result_lines
from specprod_copy.daily.summary import TilesSummary
from specprod_copy.doctor.findings import Finding
from specprod_copy.loading.summary import LoadSummary, TableSummary
from specprod_copy.plan.planning import Plan
from specprod_copy.plan.tile_states import TileState, Verdict
from specprod_copy.status import StageStatus, Status
from specprod_copy.tables import SOURCES
from specprod_copy.verification.html import render
from specprod_copy.verification.results import Result
from specprod_copy.verification.text import to_json
from specprod_copy.words import escaped

HOSTILE = "a\x1b[2J\rb\x9b31mc\u202ed\u2066e\x07f\ng\udcffh\u2028i"
STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069]")


def test_escaped():
    assert escaped(HOSTILE) == (r"a\x1b[2J\rb\x9b31mc\u202ed\u2066e\x07f\ng\udcffh\u2028i")
    assert escaped("Größe → 日本 ✗") == "Größe → 日本 ✗"


@given(st.text())
def test_nothing_that_steers_a_terminal_is_printed(text):
    shown = escaped(text)
    assert shown.isprintable()
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in shown)


def test_a_line_is_one_line(capsys):
    say(HOSTILE)
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert not STEERING.search(out[:-1])


def results() -> list[Result]:
    return [Result(False, "values", HOSTILE, f"{HOSTILE}.fits, row 1: {HOSTILE}")]


def test_results_of_hostile_files():
    lines = [*result_lines(HOSTILE, results(), width=80)]
    assert not STEERING.search("".join(map(escaped, lines)))
    parsed = to_json(results())
    assert parsed.isascii()
    assert not STEERING.search(parsed.replace("\n", ""))
    assert json.loads(parsed)[0]["table"] == HOSTILE


def test_page_of_hostile_files():
    page = render(HOSTILE, results(), time=datetime.now(UTC))
    assert not STEERING.search(page.replace("\n", ""))
    assert r"a\x1b[2J\rb" in page
    page.encode()


# Width ------------------------------------------------------------------------------------------

MANY = 1_234_567_890


def digits(lines: list[str]) -> str:
    return "".join(lines)


def fits(lines: list[str], width: int = 80) -> bool:
    return all(len(line) <= width for line in lines) and "…" not in "".join(lines)


def test_a_table_that_fits_has_a_line_for_a_row():
    lines = [*table_lines(("table", "rows", "MB"), [("tile", "16", "0.1")], labels=1, width=80)]
    assert lines == ["table  rows   MB", "tile     16  0.1"]


def test_a_table_that_does_not_fit_takes_more_lines():
    rows = [("tile", "1,000", "2,000", "3")]
    lines = [*table_lines(("table", "a", "b", "c"), rows, labels=1, width=20)]
    assert lines == [
        "table      a      b",
        "           c",
        "tile   1,000  2,000",
        "           3",
    ]


@given(
    st.lists(st.integers(0, 10**12), min_size=1, max_size=9),
    st.integers(20, 200),
)
def test_no_number_is_ever_cut(numbers, width):
    row = ["fiberassign", *(f"{n:,}" for n in numbers)]
    lines = [*table_lines(["table", *("n" * len(numbers))], [row], labels=1, width=width)]
    found = "  ".join(lines).split()
    assert [cell for cell in found if cell[0].isdigit()] == row[1:]
    assert all(len(line) <= max(width, 13 + 17) for line in lines)


def summary() -> LoadSummary:
    made = LoadSummary(schema="iron")
    for source in SOURCES.values():
        table = TableSummary(table=source.table, stage=source.stage)
        table.rows_read = table.rows_kept = table.values_changed = table.rows_loaded = MANY
        table.seconds = 12_345.67
        made.tables.append(table)
    return made


def test_a_large_load_at_80_columns():
    lines = [*summary_lines(summary(), width=80)]
    assert fits(lines[:-1])
    assert "".join(lines).count(f"{MANY:,}") == 4 * len(SOURCES)


def test_a_large_status_at_80_columns():
    now = datetime.now(UTC)
    progress = [
        StageStatus(
            source.table, source.stage, 12_345, 67_890, MANY, 0, 1.0, 1e6, now, now, [], 1, 1, MANY
        )
        for source in SOURCES.values()
    ]
    lines = [*status_lines(Status("iron", [], progress), width=80)]
    assert fits(lines)
    assert "".join(lines).count(f"{MANY:,}") == 2 * len(SOURCES)
    assert "".join(lines).count(f"{now:%Y-%m-%d %H:%M}") == len(SOURCES)


def test_a_large_plan_at_80_columns():
    source = SOURCES["fiberassign<fiberassign"]
    part = SimpleNamespace(file="x", stamp=SimpleNamespace(size=MANY * 1000))
    unit = SimpleNamespace(source=source.name, n_rows=MANY, row_bytes=1000, parts=(part,), file="x")
    plan = Plan([source], [unit] * 12_345, [unit] * 12_345)
    lines = [*plan_lines(plan, [], 8, width=80)]
    assert fits(lines[:4])
    assert f"{MANY * 12_345:,}" in "".join(lines[:4])


def test_a_large_verification_at_80_columns():
    found = [Result(True, "quarantine", source.table, "") for source in SOURCES.values()]
    assert fits([*result_lines("iron", found * 1000, verbose=True, width=80)])


@pytest.mark.parametrize("width", [40, 80, 200])
def test_progress_of_a_large_load(capsys, monkeypatch, width):
    """The line below the bar is wrapped between words, as is what is printed above."""
    monkeypatch.setenv("COLUMNS", f"{width}")
    monkeypatch.setenv("FORCE_COLOR", "1")  # as on a terminal
    progress = BarProgress()
    progress.begin(MANY * 10, MANY * 1000)
    progress.advance("fiberassign", MANY, MANY)
    progress.info("step " * 60)
    progress.end()
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().err)
    done = f"fiberassign: {MANY:,} of {MANY * 10:,} rows, "
    assert done in " ".join(shown.split())
    assert re.search(r"\d:\d\d:\d\d [-\d]:[-\d]{2}:[-\d]{2}$", shown, re.M)
    assert "…" not in shown
    assert all(len(line) <= width for line in shown.splitlines())


def test_what_became_of_many_tiles():
    """Sentences, which a terminal wraps."""
    tiles = range(12_345)
    made = TilesSummary(states=[TileState(tile, Verdict.SAME) for tile in tiles])
    assert "12,345 up to date" in [*tile_lines(made)][-1]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_doctor_wraps_between_words(capsys, width):
    value = "/very/long/path-with-hyphens/" + "x" * 30
    why = f"the table has {MANY:,} rows, more than {MANY:,}"
    finding = Finding("settings", "maintenance_work_mem", value, "advice", "2 GB", why=why)
    print_findings([finding], width=width)
    printed = capsys.readouterr().out
    assert value in printed
    assert printed.count(f"{MANY:,}") == 2
    assert all(len(line) <= max(width, 24 + len(value) + 26) for line in printed.splitlines())


def test_an_entry_without_a_text():
    assert [*entry_lines("name", "", indent=8, width=80)] == ["name"]
