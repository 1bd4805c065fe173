"""What the server refuses, or cannot do, is one line; a mistake of ours is not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from support.changing import Case, iron, loaded
from support.listening import open_transaction
from support.waiting import wait_until

from specprod_copy import cli

__all__ = ["iron", "loaded"]

LOCK = "LOCK TABLE iron.zpix IN ACCESS EXCLUSIVE MODE"


def begun(conninfo: str, said: Path, *arguments: str) -> subprocess.Popen[str]:
    """Begin a command, whose errors and news go into a file."""
    command = [sys.executable, "-P", "-m", "specprod_copy", *arguments, "--dsn", conninfo]
    with said.open("w") as stderr:
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stderr, text=True)


COMMANDS = {
    "status": ["status", "-s", "iron"],
    "report": ["report", "-s", "iron", "-o", "page.html"],
    "diff": ["diff", "-s", "iron"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_it_says_for_whom_it_waits_and_that_the_server_ended_it(
    loaded: Case, tmp_path, monkeypatch, name
):
    monkeypatch.chdir(tmp_path)
    said = tmp_path / "said"
    with open_transaction(loaded.conninfo, LOCK) as other:
        process = begun(loaded.conninfo, said, *COMMANDS[name])
        try:
            waiting = f"waiting for process {other.info.backend_pid} of "
            wait_until(lambda: waiting in said.read_text(), waiting, process)
            with psycopg.connect(loaded.conninfo, autocommit=True) as administrator:
                administrator.execute(
                    """SELECT pg_terminate_backend(pid) FROM pg_locks
                       WHERE NOT granted AND relation = 'iron.zpix'::regclass"""
                )
            assert process.wait(timeout=60) == 1
        finally:
            process.kill()
    [error] = [line for line in said.read_text().splitlines() if "waiting for" not in line]
    assert error.startswith("Error: ")
    assert "administrator command; once that is over, run the command again" in error


@pytest.mark.parametrize("name", ["status", "report"])
def test_a_table_that_may_not_be_read(loaded: Case, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    loaded.execute("CREATE ROLE stranger LOGIN; GRANT USAGE ON SCHEMA iron TO stranger")
    try:
        said = tmp_path / "said"
        process = begun(make_conninfo(loaded.conninfo, user="stranger"), said, *COMMANDS[name])
        assert process.wait(timeout=60) == 1
    finally:
        loaded.execute("DROP OWNED BY stranger; DROP ROLE stranger")
    [error] = said.read_text().splitlines()
    assert error.startswith("Error: ")
    assert error.endswith(": permission denied for table load_ledger")


def test_other_errors_are_defects(monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise psycopg.errors.SyntaxError("syntax error")

    monkeypatch.setattr(cli.cli, "main", fail)
    with pytest.raises(psycopg.errors.SyntaxError):
        cli.main()
