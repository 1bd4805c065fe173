"""Searches on the sky, and the pages that they read."""

from __future__ import annotations

import numpy as np
import psycopg
from psycopg import sql

from sky_ordering.filling import SCHEMA, Case
from sky_ordering.rows import Sky
from specprod_copy.errors import DatabaseError

RADII = {"1'": 1 / 60, "10'": 1 / 6, "1°": 1.0}

# Pages are to be counted, in one process, and no plan is to read the whole table.
PLANNER = {
    "enable_seqscan": "off",
    "enable_indexscan": "off",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "work_mem": "64MB",
}


def buffers(plan: dict) -> int:
    """Return the pages that a node of a plan and those below it asked for."""
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


def search(
    connection: psycopg.Connection, rows: Sky, case: Case, centres: np.ndarray, warm: bool
) -> None:
    """Search around centres; note the mean pages, rows and milliseconds per search."""
    query = sql.SQL(
        "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) SELECT * FROM {} "
        "WHERE q3c_radial_query({}, {}, %s, %s, %s)"
    ).format(sql.Identifier(SCHEMA, rows.table), *map(sql.Identifier, rows.position))
    for name, radius in RADII.items():
        found = []
        for ra, dec in np.repeat(centres, 2 if warm else 1, axis=0).tolist():
            fetched = connection.execute(query, (ra, dec, radius)).fetchone()
            explained = fetched[0][0] if fetched else {}
            plan = explained["Plan"]
            if plan["Node Type"] != "Bitmap Heap Scan":
                raise DatabaseError(f"the server chose a {plan['Node Type']}")
            below = sum(buffers(child) for child in plan["Plans"])
            found.append((buffers(plan) - below, below, plan["Actual Rows"],
                          explained["Execution Time"]))  # fmt: skip
        measured = np.array(found[1::2] if warm else found)
        case.heap[name], case.index[name], case.found[name] = measured[:, :3].mean(axis=0)
        case.ms[name] = float(np.median(measured[:, 3]))
