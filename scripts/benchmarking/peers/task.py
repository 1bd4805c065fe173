"""The process of a peer: python -m benchmarking.peers.task TASK, a JSON object."""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import psycopg

from benchmarking.peers import frames
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.connection import connect
from specprod_copy.postgres.schema_from_server import read_schema


@dataclass
class Task:
    """What a peer has to load, and how long it took to get ready and to read.

    Parameters
    ----------
    conninfo, schema, table : str
    columns : list of Column
        Columns of the table.
    begun : float
        When it asked for the first row, on the clock of `time.monotonic`.
    begun_cpu : float
        Processor time until then [s].
    reading, reading_cpu : float
        Time and processor time of reading files [s].
    """

    conninfo: str
    schema: str
    table: str
    columns: list[Column]
    begun: float = 0.0
    begun_cpu: float = 0.0
    reading: float = 0.0
    reading_cpu: float = 0.0

    def connect(self) -> psycopg.Connection:
        """Connect as the loader does."""
        return connect(self.conninfo)

    def frames(
        self, units: list[tuple[str, str, str]], reader: str, most: int | None
    ) -> Iterator[pl.DataFrame]:
        """Yield the rows of each file; sums up the time of reading."""
        self.begun, self.begun_cpu = time.monotonic(), time.process_time()
        for source, path, hdu in units:
            started, cpu = time.monotonic(), time.process_time()
            steps = frames.transformed(
                source, Path(path), hdu, self.columns, reader=reader, most=most
            )
            next(steps)
            self.reading += time.monotonic() - started
            self.reading_cpu += time.process_time() - cpu
            yield next(steps)


def main() -> None:
    """Load, and print how long reading took and when the work began."""
    order = json.loads(sys.argv[1])
    peer = importlib.import_module(f"benchmarking.peers.{order['module']}")
    with connect(order["conninfo"]) as connection:
        columns = read_schema(connection, order["schema"]).columns_of(order["table"])
    task = Task(order["conninfo"], order["schema"], order["table"], columns)
    peer.load(task, task.frames(order["units"], order["reader"], order["most"]))
    told = ("begun", "begun_cpu", "reading", "reading_cpu")
    print(json.dumps({name: getattr(task, name) for name in told}))


if __name__ == "__main__":
    main()
