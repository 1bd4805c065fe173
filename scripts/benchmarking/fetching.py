"""A contender of the mode ``query``: python -m benchmarking.fetching NAME DSN QUERY FILE."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote

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

    with _rows_in_chunks(dsn) as connection:
        for frame in pl.read_database(query, connection, iter_batches=True, batch_size=CHUNK):
            frame.write_parquet(path)


def pandas(dsn: str, query: str, path: Path) -> None:
    """``pandas.read_sql`` in chunks, each a Parquet file; by default it rounds the ids."""
    import pandas as pd

    with _rows_in_chunks(dsn) as connection:
        for frame in pd.read_sql(query, connection, chunksize=CHUNK, coerce_float=False):
            frame.to_parquet(path)


def connectorx(dsn: str, query: str, path: Path) -> None:
    """ConnectorX, all of the result in memory; it takes ids as text only."""
    import connectorx as cx
    import pyarrow.parquet as pq
    from psycopg.conninfo import conninfo_to_dict

    part = {name: quote(str(value), safe="") for name, value in conninfo_to_dict(dsn).items()}
    place = f"{part['user']}@{part['host']}:{part['port']}/{part['dbname']}"
    pq.write_table(cx.read_sql(f"postgresql://{place}", query, return_type="arrow"), path)


def _rows_in_chunks(dsn: str) -> Any:
    """Return a connection of SQLAlchemy by psycopg whose results stay on the server."""
    import psycopg
    from sqlalchemy import create_engine

    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(dsn))
    return engine.connect().execution_options(stream_results=True)


IDS_AS_TEXT = "ConnectorX, id::text"
"""Contender that is given another query."""

CONTENDERS: dict[str, Callable[[str, str, Path], None]] = {
    "COPY TO": copy_to,
    "specprod-copy query": ours,
    "polars read_database in chunks": polars,
    "pandas read_sql in chunks": pandas,
    IDS_AS_TEXT: connectorx,
}


IMPORTS = {
    "polars read_database in chunks": ("sqlalchemy.dialects.postgresql.psycopg",),
    "pandas read_sql in chunks": ("pandas", "sqlalchemy.dialects.postgresql.psycopg"),
    IDS_AS_TEXT: ("connectorx",),
}


def main() -> None:
    """Run a contender; print how long it took after it was ready."""
    name, dsn, query, path = sys.argv[1:]
    # Imports are not the question.
    for module in (
        "polars",
        "pyarrow.parquet",
        "specprod_copy.results.api",
        *IMPORTS.get(name, ()),
    ):
        import_module(module)
    started = time.monotonic()
    CONTENDERS[name](dsn, query, Path(path))
    print(json.dumps({"seconds": time.monotonic() - started}))


if __name__ == "__main__":
    main()
