"""What a load finds on the machine that it runs on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

from specprod_copy.doctor.findings import Finding
from specprod_copy.server.data_directory import memory_bytes

PROCESS_BYTES = 400 << 20
"""Memory of one process of a load, at most."""

PACKAGES = ("specprod-copy", "polars", "numpy", "pyarrow", "psycopg", "fitsio", "astropy")

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 (is looked at, not written)
_SHARED_BYTES = 256 << 20
_OPEN_FILES = 1024


def cores() -> int:
    """Return the number of processor cores that we may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def check_client(connections: int) -> Iterator[Finding]:
    """Yield cores, memory, limits and versions; the server gives us so many more connections."""
    memory = memory_bytes()
    jobs = max(1, min(cores(), memory // PROCESS_BYTES, connections - 1))
    yield Finding("client", "cores", f"{cores()}")
    yield Finding("client", "memory", f"{memory / 2**30:.1f} GiB")
    yield Finding(
        "client",
        "load --jobs",
        f"up to {jobs}",
        why=f"by cores, memory ({PROCESS_BYTES >> 20} MB a process) and connections; a server on "
        "this machine needs cores as well",
    )
    if _SHARED_MEMORY.is_dir():
        yield _shared_memory()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    enough = limit == resource.RLIM_INFINITY or limit >= _OPEN_FILES
    yield Finding(
        "client",
        "open files",
        "no limit" if limit == resource.RLIM_INFINITY else f"at most {limit:,}",
        "ok" if enough else "advice",
        "" if enough else f"{_OPEN_FILES:,}",
        "each process has files, pipes and sockets open",
        remedy=() if enough else (f"ulimit -n {_OPEN_FILES}",),
    )
    versions = [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES]
    yield Finding(
        "client", "versions", ", ".join([f"Python {platform.python_version()}", *versions])
    )


def _shared_memory() -> Finding:
    free = shutil.disk_usage(_SHARED_MEMORY).free
    enough = free >= _SHARED_BYTES and os.access(_SHARED_MEMORY, os.W_OK)
    return Finding(
        "client",
        str(_SHARED_MEMORY),
        f"{free / 2**20:,.0f} MiB free",
        "ok" if enough else "advice",
        "" if enough else f"{_SHARED_BYTES >> 20} MiB, writable",
        "processes of a load, and of a server on this machine that builds an index, talk through "
        "it; containers have little of it by default (docker run --shm-size)",
    )
