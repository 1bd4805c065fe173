"""Results as JSON for programs; and as a terminal of 80 columns shows them."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest
from click.testing import CliRunner

from specprod_copy.cli import cli

TIMED = re.compile(r"^\d\d:\d\d:\d\d  \S")


@pytest.fixture(scope="module")
def where(module_database, demo_root) -> list[str]:
    """Return the options of a database in which stage exposures is loaded."""
    options = ["--specprod", "fuji", "--root", str(demo_root)]
    where = [*options, "--dsn", module_database]
    assert CliRunner().invoke(cli, ["load", "exposures", "-q", *where]).exit_code == 0
    return where


def read(*arguments: str) -> tuple[int, object, str]:
    done = CliRunner().invoke(cli, [*arguments, "--json"])
    assert done.stdout.isascii()
    return done.exit_code, json.loads(done.stdout), done.stderr


def test_load_as_json(where):
    code, summary, _ = read("load", "exposures", "--schema", "other", *where)
    assert code == 0
    assert summary["schema"] == "other"
    tables = {table["table"]: table for table in summary["tables"]}
    assert tables["tile"]["rows_kept"] == 16
    assert tables["tile"]["file_names"] == ["spectro/redux/fuji/tiles-fuji.fits"]
    assert summary["refused"] == []


def test_plan_as_json(where):
    code, plan, _ = read("load", "exposures", "--dry-run", "--schema", "new", *where)
    assert code == 0
    sources = {source["table"]: source for source in plan["sources"]}
    assert sources["tile"]["rows"] == 16
    assert plan["tables_to_make"][0] == "tile"


def test_status_and_verify_and_doctor_as_json(where):
    _, status, _ = read("status", *where)
    assert {row["table"] for row in status["progress"]} == {"tile", "exposure", "frame"}
    _, results, _ = read("verify", "tile", *where)
    assert all(result["passed"] for result in results)
    _, findings, _ = read("doctor", *where)
    assert {"group", "name", "value"} <= findings[0].keys()


@pytest.mark.parametrize("more", [[], ["--dry-run"]], ids=["done", "dry run"])
def test_sync_as_json(module_database, tmp_path, more):
    files = ["--specprod", "daily", "--root", str(tmp_path), "--dsn", module_database]
    made = CliRunner().invoke(
        cli, ["demo", str(tmp_path), "-p", "daily", "--tiles", "2", "--targets", "20"]
    )
    assert made.exit_code == 0
    code, summary, _ = read("sync", "--schema", f"daily{len(more)}", *more, *files)
    assert (code, summary["failed"]) == (0, {})
    states = {state["verdict"] for state in summary["states"]}
    assert "new" in states
    assert bool(summary["loaded"]) is not bool(more)


def test_verbose_lines_carry_the_time(where):
    arguments = ["load", "exposures", "--schema", "timed", *where]
    done = CliRunner().invoke(cli, [*arguments, "-v"])
    assert done.exit_code == 0
    steps = [line for line in done.stderr.splitlines() if TIMED.match(line)]
    assert any("rows to read" in line for line in steps)
    assert len(steps) > 5
    quiet = CliRunner().invoke(cli, [*arguments, "--overwrite", "-y", "--no-verify"]).stderr
    assert not any(map(TIMED.match, quiet.splitlines()))


def on_terminal(*arguments: str, columns: int = 80) -> str:
    """Run a command in a terminal and return what appears there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    command = [sys.executable, "-m", "specprod_copy", *arguments]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=env | {"TERM": "xterm"}
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:  # the other side is closed
                break
            shown += piece
        assert process.wait() == 0, shown
    os.close(ours)
    return shown.decode()


def test_in_a_terminal_lines_are_as_wide_as_it(where):
    narrow = on_terminal("load", "exposures", "--dry-run", *where).splitlines()
    wide = on_terminal("load", "exposures", "--dry-run", *where, columns=200).splitlines()
    assert wide[0].split() == [
        *("table", "stage", "files", "to", "load", "units", "rows", "MB", "keys,", "indexes")
    ]
    for columns, lines in ((80, narrow), (200, wide)):
        assert all(len(line) <= columns for line in lines[:-1])
    assert "…" not in "".join(narrow)


def test_a_load_in_a_terminal(where):
    shown = on_terminal("load", "exposures", "--schema", "terminal", *where)
    assert "schema terminal: " in shown
    assert "…" not in shown
