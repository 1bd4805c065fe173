"""What the command ``verify`` prints and writes."""

from __future__ import annotations

import json
import re

from click.testing import CliRunner
from support.verify_case import Case

from specprod_copy.cli.verify import verify as verify_command
from specprod_copy.verification import (
    CHECKS,
    Result,
)


def command(case: Case, *arguments: object):
    given = ["--specprod", "iron", "--root", case.root, "--dsn", case.conninfo, *arguments]
    return CliRunner().invoke(verify_command, [*map(str, given)])


def test_command(loaded, original):
    done = command(Case(loaded, original), "tile", "frame")
    assert done.exit_code == 0
    table, *rows, last = done.stdout.splitlines()
    assert table.split() == ["table", "passed", "failed"]
    assert [row.split()[0] for row in rows] == ["tile", "frame"]
    n = sum(int(row.split()[1]) for row in rows)
    assert last == f"schema iron: all {n} checks passed"
    verbose = command(Case(loaded, original), "tile", "-v").stdout
    assert ["tile", "values", "21"] in [line.split() for line in verbose.splitlines()]
    quiet = command(Case(loaded, original), "tile", "-q")
    assert (quiet.exit_code, quiet.output) == (0, "")


def test_command_fails(case):
    case.execute("UPDATE iron.tile SET efftime_spec = efftime_spec + 1, survey = 'x'")
    done = command(case, "tile", "--sample", "0")
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert lines[-1].startswith("schema iron: 2 of ")
    assert lines[-1].endswith(" checks failed, in tile")
    assert [line.split(":")[0] + ":" + line.split(":")[1] for line in lines[-3:-1]] == [
        "FAILED tile, values: survey",
        "FAILED tile, values: efftime_spec",
    ]
    quiet = command(case, "tile", "--sample", "0", "-q")
    assert (quiet.exit_code, quiet.stdout) == (1, "")
    assert quiet.stderr.splitlines() == lines[-3:-1]


def test_json(case):
    case.execute(
        "UPDATE iron.tile SET efftime_spec = -1 WHERE tileid = (SELECT min(tileid) FROM iron.tile)"
    )
    done = command(case, "tile", "--json")
    assert done.exit_code == 1
    results = [Result(**found) for found in json.loads(done.stdout)]
    assert results == case.verify("tile")
    assert {r.name for r in results if not r.passed} == {"values", "sample"}


def test_html(case, tmp_path):
    case.execute("UPDATE iron.tile SET faprgrm = '<b>&'")
    page = tmp_path / "report.html"
    page.write_text("old")
    assert command(case, "tile", "--html", page).exit_code == 1
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert "<b>" not in text
    assert "table &#39;&lt;b&gt;&amp;&#39;" in text
    assert text.count('<td class="failed">values</td>') == 1
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    for name in CHECKS:
        assert f"<td>{name}</td>" in text
    # It needs nothing from elsewhere.
    assert not re.search(r"(?:src|href|url)\s*[=(]", text)


def test_html_in_a_folder_that_does_not_exist(loaded, original, tmp_path):
    done = command(Case(loaded, original), "tile", "--html", tmp_path / "no" / "report.html")
    assert done.exit_code == 2
    assert f"--html: there is no folder {tmp_path / 'no'}" in done.output
