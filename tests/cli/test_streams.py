"""Output that is closed, full or read by nobody: what was done, and its exit code, stay."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

COMMAND = f"{sys.executable} -m specprod_copy"


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", line], cwd=folder, capture_output=True, text=True, check=False
    )


def count(conninfo: str) -> int:
    with psycopg.connect(conninfo) as connection:
        row = connection.execute("SELECT count(*) FROM fuji.tile").fetchone()
    assert row is not None
    return row[0]


@pytest.fixture
def where(database, demo_root) -> str:
    return f"--specprod fuji --root {demo_root} --dsn '{database}'"


@pytest.mark.parametrize("output", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_a_load_is_complete_wherever_its_output_goes(where, database, tmp_path, output):
    done = shell(f"{COMMAND} load tile -v {where} {output}", tmp_path)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert count(database) > 0
    again = shell(f"{COMMAND} load redshifts {where} {output}", tmp_path)
    assert again.returncode == 2


def test_reports_that_cannot_be_printed(where, tmp_path):
    assert shell(f"{COMMAND} load tile -q {where}", tmp_path).returncode == 0
    for command in ("verify tile", "status"):
        closed = shell(f"{COMMAND} {command} {where} >&-", tmp_path)
        assert closed.returncode == 0
        assert "Traceback" not in closed.stderr
        full = shell(f"{COMMAND} {command} {where} >/dev/full", tmp_path)
        assert full.returncode == 0
        last = full.stderr.splitlines()[-1]
        assert last == "Error: standard output: No space left on device"


def test_results_for_programs_are_complete_or_an_error(tmp_path):
    full = shell(f"{COMMAND} render-ddl -s x >/dev/full", tmp_path)
    assert (full.returncode, full.stderr) == (
        1,
        "Error: standard output: No space left on device\n",
    )
    piped = shell(f"{COMMAND} render-ddl -s x | head -1; exit ${{PIPESTATUS[0]}}", tmp_path)
    assert (piped.returncode, piped.stderr) == (0, "")
    assert len(piped.stdout.splitlines()) == 1


def test_characters_that_a_terminal_does_not_have(where, tmp_path):
    line = f"PYTHONIOENCODING=ascii {COMMAND} load tile {where}"
    done = shell(line, tmp_path)
    assert done.returncode == 0
    assert r"NaN\u2192-9999" in done.stderr
