"""A contender of the mode ``query``: python -m benchmarking.fetching NAME DSN QUERY FILE."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

CHUNK = 50_000
"""Rows that those fetch at a time who have to be told."""


def copy_to(dsn: str, query: str, path: Path) -> None:
    """The server's own binary COPY over the same socket; what it sends is thrown away."""
    from specprod_copy.postgres.connection import connect

    statement = f"COPY ({query}) TO STDOUT (FORMAT binary)".encode()
    with connect(dsn) as connection, connection.cursor().copy(statement) as copy:
        for _ in copy:
            pass


def ours(dsn: str, query: str, path: Path) -> None:
    """Run the query as the command does."""
    from specprod_copy.results.api import run
    from specprod_copy.results.options import QueryOptions

    run(dsn, query, QueryOptions(output=path, overwrite=True))


def polars(dsn: str, query: str, path: Path) -> None:
    """``polars.read_database`` in chunks, each a Parquet file: it has no way to append."""
    import polars as pl
    import psycopg

    with psycopg.connect(dsn) as connection, connection.cursor("chunks") as cursor:
        cursor.itersize = CHUNK
        cursor.execute(query.encode())
        while rows := cursor.fetchmany(CHUNK):
            names = [column.name for column in cursor.description or ()]
            pl.DataFrame(rows, schema=names, orient="row").write_parquet(path)


CONTENDERS: dict[str, Callable[[str, str, Path], None]] = {
    "COPY TO": copy_to,
    "specprod-copy query": ours,
    "psycopg and Polars in chunks": polars,
}


def main() -> None:
    """Run a contender; print how long it took after it was ready."""
    name, dsn, query, path = sys.argv[1:]
    # Imports of what all use are not the question.
    import polars as pl
    import pyarrow.parquet

    from specprod_copy.results import api

    assert pl and pyarrow.parquet and api
    started = time.monotonic()
    CONTENDERS[name](dsn, query, Path(path))
    print(json.dumps({"seconds": time.monotonic() - started}))


if __name__ == "__main__":
    main()
