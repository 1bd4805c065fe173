"""Moments that are certain: loaders that are held at a known point until a test lets them go."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
from psycopg import sql

from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.tables import Inputs
from support.waiting import wait_until

NOTHING = (1, 10**6)
"""A share of the files that is so small that none belongs to it: its load makes empty tables."""

OURS = "starts_with(application_name, 'specprod-copy') AND datname = current_database()"


@contextmanager
def table_held(
    conninfo: str, inputs: Inputs, schema: str, table: str, mode: str = "SHARE"
) -> Iterator[psycopg.Connection]:
    """Make the empty tables of a schema, and hold a lock on one of them.

    In mode SHARE nobody sends rows to it, in mode ACCESS SHARE nobody makes its keys. All who want
    to do so wait until the connection, which is yielded, is closed or ends its transaction.
    """
    load(conninfo, inputs, LoadOptions(("all",), schema, part=NOTHING))
    with closing(psycopg.connect(conninfo)) as holder:
        name = sql.Identifier(schema, table)
        holder.execute(sql.SQL("LOCK TABLE {} IN {} MODE").format(name, sql.SQL(mode)))
        yield holder


def await_waiting(
    conninfo: str,
    statement: str,
    process: subprocess.Popen[str] | None = None,
    *,
    sessions: int = 1,
    seconds: float = 0,
) -> None:
    """Wait until sessions wait for a lock, with statements like this, for so long by now."""
    waiting = f"""SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'
                  AND datname = current_database() AND query LIKE %s
                  AND clock_timestamp() - query_start >= {seconds} * interval '1 s'"""
    with psycopg.connect(conninfo, autocommit=True) as observer:
        wait_until(
            lambda: observer.execute(waiting, [statement]).fetchone()[0] >= sessions,
            f"{sessions} sessions wait for a lock to run {statement}",
            process,
        )


def await_no_loader(conninfo: str) -> None:
    """Wait until the server has noticed that loaders are gone, and has ended their sessions."""
    with psycopg.connect(conninfo, autocommit=True) as observer:
        wait_until(
            lambda: not observer.execute(f"SELECT 1 FROM pg_stat_activity WHERE {OURS}").fetchone(),
            "the sessions of a loader that is gone have ended",
        )
