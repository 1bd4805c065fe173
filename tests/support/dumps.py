"""A schema dumped by pg_dump, and restored by pg_restore into another database."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from specprod_copy.server.cluster import Cluster
from support.clusters import fresh_database


@contextmanager
def restored(cluster: Cluster, conninfo: str, schema: str, folder: Path) -> Iterator[str]:
    """Yield the connection string of a new database that a schema was restored into."""
    program, dump = cluster.binaries().program, str(folder / "dump")
    subprocess.run(
        [program("pg_dump"), "-Fc", "-n", schema, "-f", dump, f"--dbname={conninfo}"], check=True
    )
    with fresh_database(cluster) as other:
        with psycopg.connect(other) as connection:
            if cluster.binaries().q3c:
                connection.execute("CREATE EXTENSION IF NOT EXISTS q3c")
        subprocess.run(
            [program("pg_restore"), "--exit-on-error", f"--dbname={other}", dump], check=True
        )
        yield other
