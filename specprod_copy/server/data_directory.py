"""The data directory of the embedded server: made by initdb, fitted to this machine."""

from __future__ import annotations

import os
from pathlib import Path

import jinja2

from specprod_copy.errors import ServerError
from specprod_copy.resources import resource_folder
from specprod_copy.server.account import Account
from specprod_copy.server.binaries import Binaries
from specprod_copy.server.postmaster import LOOPBACK, PORT, SUPERUSER

SETTINGS_FILE = "specprod-copy.conf"
"""Name of the rendered settings in the data directory, which postgresql.conf includes."""

_INCLUDE = f"\ninclude '{SETTINGS_FILE}'\n# Your own settings below.\n"
_ACCESS = """\
# Only the owner of the server's folder (mode 0700) reaches its socket, so the socket is trusted.
# Lines of hosts have to do with 'server start --port' only.
# TYPE  DATABASE  USER  METHOD
local   all       all   trust
"""
_ACCESS_BY_PORT = f"host    all       all   {LOOPBACK}/32  scram-sha-256\n"
"""For a server that was started with a port; others have no address to connect to."""

_MB = 1 << 20
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def create_data_directory(data: Path, account: Account, binaries: Binaries) -> None:
    """Make a data directory, which has its name only when it is complete."""
    unfinished = data.with_name(f"{data.name}.new")
    account.run(["rm", "-rf", unfinished])  # of an initdb that was killed
    # The C collation compares bytes: the fastest index builds, and always the same order, while
    # other collations change with the C library and break their indexes.
    options = ["--encoding=UTF8", "--locale=C", "--auth=trust", "--data-checksums"]
    command = [str(binaries.program("initdb")), f"--username={SUPERUSER}", *options]
    result = account.run([*command, f"--pgdata={unfinished.name}"], folder=data.parent)
    if result.returncode:
        raise ServerError(f"{data}: initdb fails", log=f"{result.stdout}{result.stderr}")
    account.write(unfinished / "pg_hba.conf", _ACCESS)
    account.write(unfinished / "postgresql.conf", _INCLUDE, append=True)
    unfinished.rename(data)


def configure(data: Path, account: Account, socket_folder: Path, port: int | None) -> None:
    """Write the settings for this machine, and for a TCP port, into a data directory."""
    account.write(data / SETTINGS_FILE, render_settings(socket_folder, port))
    access = data / "pg_hba.conf"
    if port is not None and _ACCESS_BY_PORT not in account.read(access):
        account.write(access, _ACCESS_BY_PORT, append=True)


def memory_bytes() -> int:
    """Return the memory that this machine, or the container around us, has."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _CGROUP_LIMIT.read_text().strip() if _CGROUP_LIMIT.exists() else "max"
    return physical if limit == "max" else min(physical, int(limit))


def machine_settings(memory: int, cores: int) -> dict[str, str | int]:
    """Return settings in PostgreSQL's notation for so much memory [byte] and so many cores.

    With ``memory`` itself, for the comment.
    """
    return {
        "memory": _megabytes(memory),
        "shared_buffers": _megabytes(min(memory // 4, 4096 * _MB)),
        "effective_cache_size": _megabytes(memory // 2),
        "maintenance_work_mem": _megabytes(min(memory // 16, 1024 * _MB)),
        "work_mem": _megabytes(min(memory // 128, 64 * _MB)),
        "max_worker_processes": max(8, cores),
        "max_parallel_workers": cores,
        "max_parallel_maintenance_workers": min(4, max(1, cores // 2)),
    }


def render_settings(socket_folder: Path, port: int | None = None) -> str:
    """Render ``templates/postgresql.conf`` for this machine, with a TCP port or none."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resource_folder("templates")),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 (a configuration file, not HTML)
        keep_trailing_newline=True,
    )
    settings = machine_settings(memory_bytes(), os.cpu_count() or 1)
    return environment.get_template("postgresql.conf").render(
        settings,
        unix_socket_directories=_quoted_folder(socket_folder),
        listen_addresses="" if port is None else LOOPBACK,
        port=port or PORT,
    )


def _quoted_folder(folder: Path) -> str:
    """Quote a folder as the single entry of a list of folders, within a quoted string."""
    entry = str(folder).replace('"', '""')
    return "'" + f'"{entry}"'.replace("\\", "\\\\").replace("'", "''") + "'"


def _megabytes(size: int) -> str:
    return f"{max(1, size // _MB)}MB"
