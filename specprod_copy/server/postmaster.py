"""A running embedded server, as the files of its data directory name it, and how to reach it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping

from specprod_copy.errors import ServerError
from specprod_copy.server.account import Account

DATABASE = "specprod"
"""The database that each cluster has."""

SUPERUSER = "postgres"
"""The database role that everybody who reaches the socket connects as."""

PORT = 5432
"""Part of the socket's name where no TCP port is open."""

LOOPBACK = "127.0.0.1"
"""The only address that a port is opened on."""

PING_SECONDS = 30
"""After so long without a word, a server does not answer."""


@dataclass(frozen=True)
class Postmaster:
    """Process, socket and programs of a PostgreSQL server."""

    pid: int
    socket_dir: Path
    bindir: Path
    port: int = PORT
    listens: bool = False
    """Whether the port is open on the loopback interface."""

    @classmethod
    def read(cls, data: Path) -> Postmaster | None:
        """Read postmaster.pid and postmaster.opts in a data directory.

        None where they are absent, or a starting server has not filled them yet. A crash leaves
        them behind: `ping` tells whether the server lives.
        """
        try:
            lines = (data / "postmaster.pid").read_text().splitlines()
            options = (data / "postmaster.opts").read_text()
        except FileNotFoundError:
            return None
        # Lines: process id, data directory, start time, port, socket folder, address, …
        if len(lines) < 5 or not lines[4] or not lines[0].isdecimal():
            return None
        program = Path(options.split(' "')[0])  # of: /path/of/postgres "-D" "data"
        listens = len(lines) > 5 and lines[5] != ""
        return cls(int(lines[0]), Path(lines[4]), program.parent, int(lines[3]), listens)

    @property
    def socket_lock(self) -> Path:
        """The file beside the socket that holds the process id as well."""
        return self.socket_dir / f".s.PGSQL.{self.port}.lock"

    def process_exists(self) -> bool:
        """Tell whether some process has this process id."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:  # it exists, as another user's
            return True
        return True

    def working_folder(self, account: Account) -> str | None:
        """Return the working folder of the process that has this process id now.

        It is read in the name of the server's user, who may read it of the server, and of other
        processes of their own. None where there is none to be read.
        """
        return account.run(["readlink", f"/proc/{self.pid}/cwd"]).stdout.strip() or None

    def works_in(self, data: Path, account: Account) -> bool:
        """Tell whether a process has this id whose working folder is the data directory.

        A postmaster's always is. Where the folder was made again it is another one.
        """
        return account.run(["test", f"/proc/{self.pid}/cwd", "-ef", data]).returncode == 0

    def has_socket(self, account: Account) -> bool:
        """Tell whether its socket is there, and no other server's in its place."""
        owner = account.read(self.socket_lock).partition("\n")[0]
        return owner in ("", str(self.pid)) and self.socket_lock.with_suffix("").is_socket()

    def ping(self) -> Ping:
        """Ask the server whether it takes connections, is not ready (``REJECT``), or is silent.

        It is silent (``NO_RESPONSE``) when it is gone, but also while it can make no process.
        """
        conninfo = make_conninfo(self.conninfo("postgres"), connect_timeout=PING_SECONDS)
        answer = Ping(PGconn.ping(conninfo.encode()))
        if answer is Ping.NO_ATTEMPT or "PGHOSTADDR" in os.environ:
            raise ServerError(
                "PGHOSTADDR or PGSERVICE in your environment leads PostgreSQL's clients away from "
                "the embedded server: unset them"
            )
        return answer

    def conninfo(self, dbname: str = DATABASE) -> str:
        """Return the libpq connection string for a database."""
        return make_conninfo(
            host=str(self.socket_dir), port=self.port, user=SUPERUSER, dbname=dbname
        )

    def uri(self, dbname: str = DATABASE) -> str:
        """Return the libpq URI for a database."""
        host = quote(str(self.socket_dir), safe="")
        port = "" if self.port == PORT else f"&port={self.port}"
        return f"postgresql:///{quote(dbname, safe='')}?host={host}{port}&user={SUPERUSER}"

    def sqlalchemy_url(self, dbname: str = DATABASE) -> str:
        """Return the URL of a database for SQLAlchemy, with psycopg as its driver."""
        host = quote(str(self.socket_dir), safe="")
        name = quote(dbname, safe="")
        return f"postgresql+psycopg://{SUPERUSER}@/{name}?host={host}&port={self.port}"

    def jdbc_url(self, dbname: str = DATABASE) -> str:
        """Return the URL of a database for programs on Java; a port must be open."""
        name = quote(dbname, safe="")
        return f"jdbc:postgresql://{LOOPBACK}:{self.port}/{name}?user={SUPERUSER}"

    def variables(self, dbname: str = DATABASE) -> dict[str, str]:
        """Return the environment variables that lead any libpq client to a database."""
        return {
            "PGHOST": str(self.socket_dir),
            "PGPORT": str(self.port),
            "PGDATABASE": dbname,
            "PGUSER": SUPERUSER,
        }
