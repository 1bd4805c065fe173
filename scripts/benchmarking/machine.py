"""What a figure depends on: machine, versions, settings of the server."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shlex
import sys
from pathlib import Path

import psycopg

import specprod_copy
from specprod_copy.postgres import catalog
from specprod_copy.server.data_directory import memory_bytes

PACKAGES = (
    "polars",
    "pyarrow",
    "numpy",
    "psycopg",
    "fitsio",
    "astropy",
    "adbc-driver-postgresql",
    "pgpq",
    "sqlalchemy",
)

SETTINGS = (
    "shared_buffers",
    "wal_level",
    "wal_compression",
    "max_wal_size",
    "fsync",
    "full_page_writes",
    "data_checksums",
    "max_parallel_maintenance_workers",
    "autovacuum",
    # of the sessions, the limit's and the loader's alike
    "maintenance_work_mem",
    "synchronous_commit",
)


def version(package: str) -> str | None:
    """Return the version of a package, None if it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def client_circumstances() -> dict[str, str]:
    """Return command, machine and versions, for people."""
    versions = {name: version(name) for name in PACKAGES}
    return {
        "command": shlex.join(["python", *sys.argv]),
        "machine": f"{os.cpu_count()} processors ({_processor()}), "
        f"{memory_bytes() / 2**30:.0f} GiB of memory, {platform.system()} {platform.release()}",
        "versions": f"specprod-copy {specprod_copy.__version__}, "
        f"Python {platform.python_version()}, "
        + ", ".join(f"{name} {found}" for name, found in versions.items() if found),
    }


def circumstances(connection: psycopg.Connection) -> dict[str, str]:
    """Return command, machine, versions and settings of the server, for people."""
    query = "SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY(%s)"
    settings: dict[str, str] = dict(connection.execute(query, (list(SETTINGS),)).fetchall())
    server = connection.execute("SELECT current_setting('server_version')").fetchone()
    assert server is not None
    q3c = catalog.q3c_version(connection, installed=True)
    return client_circumstances() | {
        "server": f"PostgreSQL {server[0]}, {f'q3c {q3c}' if q3c else 'no q3c'}; "
        + ", ".join(f"{name} {settings[name]}" for name in SETTINGS if name in settings),
    }
