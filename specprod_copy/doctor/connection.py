"""The way to the server: how long a question takes, and how many bytes a second."""

from __future__ import annotations

import os
import statistics
import struct
import time
from collections.abc import Iterator
from typing import Any

import psycopg

from specprod_copy.doctor.findings import Finding
from specprod_copy.postgres.copy import ServerTable
from specprod_copy.postgres.encoder import Encoded

ROUND_TRIPS = 20
GOOD_MS = 20.0
"""A load asks a few times per commit; with this much it does not notice."""

COPY_BYTES = 32_000_000
COPY_SECONDS = 3.0
"""Stop then, whatever has been sent."""
GOOD_MB_PER_S = 150.0
"""About what one process of the server makes of rows: a slower line is what limits a load."""

# Short enough that the server stores a row as it comes, random so that nothing can compress it.
_ROW_BYTES = 1900
_ROWS = 500


def check_connection(connection: psycopg.Connection, facts: dict[str, Any]) -> Iterator[Finding]:
    """Yield encryption, a pooler in between, round trip and throughput."""
    row = connection.execute(
        "SELECT version, cipher FROM pg_stat_ssl WHERE ssl AND pid = pg_backend_pid()"
    ).fetchone()
    yield Finding("connection", "encryption", " ".join(row) if row else "none")
    direct = connection.info.backend_pid == facts["pid"]
    yield Finding(
        "connection",
        "pooler",
        "none" if direct else "there seems to be one",
        "ok" if direct else "advice",
        "" if direct else "a direct connection",
        "locks and settings of a load belong to its session: connect past a pooler, unless it "
        "keeps whole sessions",
    )
    ms = round_trip(connection)
    yield Finding(
        "connection",
        "round trip",
        f"{ms:.2f} ms",
        "ok" if ms <= GOOD_MS else "advice",
        "" if ms <= GOOD_MS else f"{GOOD_MS:.0f} ms",
        "load from a machine near the server; single tiles ask most often",
    )
    if not facts["may_temp"] or facts["standby"] or facts["read_only"]:
        why = "there is no right to make the temporary table that it takes"
        yield Finding("connection", "COPY", "not measured", why=why)
        return
    rate = throughput(connection, COPY_BYTES, COPY_SECONDS)
    yield Finding(
        "connection",
        "COPY",
        f"{rate:,.0f} MB/s",
        "ok" if rate >= GOOD_MB_PER_S else "advice",
        "" if rate >= GOOD_MB_PER_S else f"{GOOD_MB_PER_S:.0f} MB/s",
        "one connection, into a temporary table; a process of the server takes about "
        f"{GOOD_MB_PER_S:.0f} MB/s of rows, so with less the line limits a load, or the server "
        "is busy",
    )


def round_trip(connection: psycopg.Connection) -> float:
    """Return the median of a few round trips [ms]."""
    taken = []
    for _ in range(ROUND_TRIPS):
        started = time.perf_counter()
        connection.execute("SELECT 1").fetchone()
        taken.append(time.perf_counter() - started)
    return 1000 * statistics.median(taken)


def throughput(connection: psycopg.Connection, size: int, seconds: float) -> float:
    """Return how fast COPY of so many bytes into a temporary table is [MB/s]; nothing of it stays.

    It ends after so many seconds, whatever has been sent.
    """
    head = struct.pack("!hi", 1, _ROW_BYTES)
    block = b"".join(head + os.urandom(_ROW_BYTES) for _ in range(_ROWS))

    def blocks() -> Iterator[Encoded]:
        sent = 0
        while sent < size and time.perf_counter() - started < seconds:
            yield Encoded([block], _ROWS)
            sent += len(block)

    with connection.transaction(force_rollback=True):
        connection.execute("CREATE TEMPORARY TABLE specprod_copy_doctor (bytes bytea)")
        started = time.perf_counter()
        rows = ServerTable(connection, "pg_temp", "specprod_copy_doctor").copy(blocks(), ["bytes"])
        taken = time.perf_counter() - started
    return rows // _ROWS * len(block) / 1e6 / taken
