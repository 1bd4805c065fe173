"""Servers of the tests, each with a folder of its own; and where the reference data lie."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from specprod_copy.server.account import account_for
from specprod_copy.server.cluster import DATABASE, Cluster

SHARED = Path(__file__).parents[3] / "shared"


@contextmanager
def open_folder() -> Iterator[Path]:
    """Yield a temporary folder that the user of root's server can reach, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="specprod-test-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def private_cluster(name: str = "pg") -> Iterator[Cluster]:
    """Yield a cluster, still to be started, that is stopped and deleted at the end."""
    with open_folder() as folder:
        cluster = Cluster(folder / name)
        try:
            yield cluster
        finally:
            cluster.stop("immediate")


def make_stopped(directory: Path, version: str) -> None:
    """Lay out what identifies a stopped cluster of some version."""
    account = account_for(directory)
    for folder in (directory, directory / "data"):
        folder.mkdir(mode=0o700)
        os.chown(folder, account.uid, account.gid)
    (directory / "data" / "PG_VERSION").write_text(f"{version}\n")


@contextmanager
def fresh_database(cluster: Cluster) -> Iterator[str]:
    """Yield the connection string of a new database, with q3c where there is one."""
    name = f"test_{uuid.uuid4().hex}"
    maintenance = cluster.conninfo("postgres")
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(DATABASE)))
    yield cluster.conninfo(name)
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(drop.format(sql.Identifier(name)))
