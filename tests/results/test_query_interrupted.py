"""Queries that do not end by themselves: no file is left, and no query on the server."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from support.moments import await_no_loader
from support.waiting import wait_until

SLEEPS = "SELECT pg_sleep(3600)::text AS before_the_first_row"
ENDLESS = """SELECT generate_series(1, 1000000000) AS n, pg_sleep(0.001)::text AS s,
             repeat('x', 90000) AS t"""
ACTIVE = """SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'COPY%pg_sleep%'
            AND datname = current_database()"""


@contextmanager
def running(dsn: str, query: str, file: Path) -> Iterator[subprocess.Popen[str]]:
    """Start the command and wait until its query runs."""
    words = [sys.executable, "-m", "specprod_copy", "query", query, "--dsn", dsn, "-o", str(file)]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            with psycopg.connect(dsn, autocommit=True) as observer:
                wait_until(lambda: observer.execute(ACTIVE).fetchone(), "the query runs", process)
            if query is ENDLESS:
                wait_until(lambda: written(file), "the first rows are written", process)
            yield process
        finally:
            process.kill()


def written(file: Path) -> bool:
    return any(found.stat().st_size > 100_000 for found in file.parent.rglob(file.name))


@pytest.mark.parametrize("query", [SLEEPS, ENDLESS], ids=["before", "between"])
def test_ctrl_c(dsn, tmp_path, query):
    with running(dsn, query, tmp_path / "r.csv") as process:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, out, err.strip()) == (130, "", "Interrupted.")
    assert [*tmp_path.iterdir()] == []
    await_no_loader(dsn)


@pytest.mark.parametrize("query", [SLEEPS, ENDLESS], ids=["before", "between"])
def test_killed_client(dsn, tmp_path, query):
    with running(dsn, query, tmp_path / "r.csv") as process:
        process.kill()
        process.wait()
        await_no_loader(dsn)
    assert not (tmp_path / "r.csv").exists()


@pytest.mark.parametrize("query", [SLEEPS, ENDLESS], ids=["before", "between"])
def test_broken_connection(dsn, tmp_path, query):
    with running(dsn, query, tmp_path / "r.csv") as process:
        with psycopg.connect(dsn, autocommit=True) as observer:
            observer.execute(f"SELECT pg_terminate_backend(pid) FROM ({ACTIVE}) AS a")
        out, err = process.communicate()
    assert (process.returncode, out) == (1, "")
    assert err.startswith("Error: ") and err.count("\n") == 1
    assert "terminating connection" in err or "connection broke" in err
    assert [*tmp_path.iterdir()] == []


def test_ctrl_c_while_the_query_waits_for_a_lock(dsn, tmp_path):
    with psycopg.connect(dsn) as holder:
        holder.execute("LOCK TABLE s.zpix")
        words = [sys.executable, "-m", "specprod_copy", "query", "SELECT * FROM s.zpix"]
        with subprocess.Popen(
            [*words, "--dsn", dsn, "-o", tmp_path / "r.csv"], stderr=subprocess.PIPE, text=True
        ) as process:
            waits = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 's.zpix'::regclass"
            with psycopg.connect(dsn, autocommit=True) as observer:
                wait_until(lambda: observer.execute(waits).fetchone(), "it waits", process)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate()
    assert (process.returncode, err.strip()) == (130, "Interrupted.")
    assert [*tmp_path.iterdir()] == []
