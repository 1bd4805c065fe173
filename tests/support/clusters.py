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
from psycopg.conninfo import conninfo_to_dict

from specprod_copy.server.account import account_for, prepare_folder
from specprod_copy.server.cluster import DATABASE, Cluster
from specprod_copy.server.data_directory import create_data_directory

SHARED = Path(__file__).parents[3] / "shared"

# To make a database is to copy files, if no checkpoint has to look through gigabytes for it.
_PASSING = """
fsync = off
full_page_writes = off
shared_buffers = 64MB
"""


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
def passing_cluster() -> Iterator[Cluster]:
    """Yield a running cluster for many databases, none of which has to outlive the machine."""
    with private_cluster() as cluster:
        account = prepare_folder(cluster.directory)
        create_data_directory(cluster.data, account, cluster.binaries())
        account.write(cluster.data / "postgresql.conf", _PASSING, append=True)
        cluster.start()
        yield cluster


@contextmanager
def fresh_database(cluster: Cluster, template: str = f"dbname={DATABASE}") -> Iterator[str]:
    """Yield the connection string of a copy of a database; by default a new one.

    The new one has q3c, where the server has it.
    """
    name = sql.Identifier(f"test_{uuid.uuid4().hex}")
    original = sql.Identifier(str(conninfo_to_dict(template)["dbname"]))
    maintenance = cluster.conninfo("postgres")
    with psycopg.connect(maintenance, autocommit=True) as connection:
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, original)
        if connection.info.server_version >= 150000:
            create += sql.SQL(" STRATEGY file_copy")
        connection.execute(create)
    yield cluster.conninfo(name.as_string().strip('"'))
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
