"""The tables of the cost model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarking.cost import DR1, Cost, Node, estimate
from benchmarking.report import markdown, number


def per_million(costs: Mapping[str, Cost]) -> str:
    """Return what a million rows of each table take."""
    head = ["table", "rows measured", "limit's COPY s", "rows s", "keys s", "ORM s", "ANALYZE s"]
    head += ["MB read", "MB sent", "MB table", "MB indexes"]
    body = []
    for table, cost in costs.items():
        seconds = (cost.copy, cost.load, cost.keys, cost.orm or None)
        sizes = (cost.file_bytes, cost.copy_bytes, cost.heap_bytes, cost.index_bytes)
        body.append(
            [
                table,
                f"{cost.rows:,}",
                *(number(cost.per_million(s) if s is not None else None) for s in seconds),
                number(cost.analyze),
                *(number(cost.per_million(size) / 1e6, 0) for size in sizes),
            ]
        )
    return markdown(head, body)


def for_dr1(costs: Mapping[str, Cost]) -> str:
    """Return what the tables of DR1 take by one process, and their sizes."""
    head = ["table of DR1", "known from", "10⁶ rows", "rows min", "keys min", "ORM h"]
    head += ["GB read", "GB table", "GB indexes"]
    body = []
    for table, cost in costs.items():
        n = DR1[table]["rows"]
        orm = cost.scaled(cost.orm, n) / 3600 if cost.orm else None
        sizes = (cost.file_bytes, cost.heap_bytes, cost.index_bytes)
        body.append(
            [
                table,
                DR1[table]["kind"],
                number(n / 1e6, 1),
                number(cost.scaled(cost.load, n) / 60, 1),
                number(cost.sorted(cost.keys, n) / 60, 1),
                number(orm, 1),
                *(number(cost.scaled(size, n) / 1e9, 0) for size in sizes),
            ]
        )
    return markdown(head, body, texts=2)


def machines(costs: Mapping[str, Cost], nodes: Sequence[Node]) -> str:
    """Return what all of DR1 takes on some machines."""
    head = ["DR1 on", "jobs", "gain rows", "gain keys", "rows min", "keys min", "together h"]
    head += ["reference loader h", "times"]
    body = []
    for node in nodes:
        found = estimate(costs, node)
        known = found.reference > 0
        body.append(
            [
                node.name,
                str(node.jobs),
                number(node.rows_gain, 1),
                number(node.keys_gain, 1),
                number(found.rows / 60, 1),
                number(found.keys / 60, 1),
                number(found.total / 3600),
                number(found.reference / 3600 if known else None, 0),
                number(found.reference / found.total if known else None, 0),
            ]
        )
    return markdown(head, body)


def notes() -> list[str]:
    """Return what the tables rest on."""
    return [
        "“rows”: specprod-copy with one job, FITS to committed rows, without start; “keys”: keys, "
        "indexes and foreign keys, one after the other. Both by one process here; they are taken "
        "to grow as n log n, everything else with the rows, but ANALYZE, whose sample has a fixed "
        "size: its seconds are those of the table, not of a million rows.",
        "Gain: how many times faster several jobs are than one; measured for this machine. For "
        "the 128 cores assumed: 64 loaders at half the speed of one alone, index builds 16 times, "
        "writing at 2 GB/s; the longest single index build is the least that keys take.",
        "ORM, the way of the reference loader: one process on any machine; its time is that of a "
        "small part of the rows with keys and indexes in place, multiplied; indexes that outgrow "
        "memory would make it slower.",
        "The files are in memory here; a machine that reads them from disk needs at least their "
        "size over its speed.",
        *(f"Rows of {table}: {known['note']} ({known['kind']})." for table, known in DR1.items()),
    ]
