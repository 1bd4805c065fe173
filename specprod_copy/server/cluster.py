"""A private PostgreSQL server for people who have none: one folder, no TCP unless it is asked for.

The folder (mode 0700) holds everything::

    specprod.pgdata/
        data/             PostgreSQL's data directory
        data.new/         one that initdb did not finish, replaced by the next start
        log/              server.log, and server.log.1 of the start before
        lock              held by whoever starts or stops the server
        host              the machine that started it
        .s.PGSQL.5432     the socket, unless the path is too long for one
        password          of the superuser, for connections by TCP, once a port was opened
"""

from __future__ import annotations

import fcntl
import os
import shlex
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.pq import Ping

from specprod_copy.errors import ServerError
from specprod_copy.server.account import Account, account_for, prepare_folder
from specprod_copy.server.binaries import Binaries, find_binaries, inspect_binaries
from specprod_copy.server.data_directory import create_data_directory
from specprod_copy.server.database import make_database
from specprod_copy.server.launching import LOG, STOP_MODES, TAIL_LINES, WAIT_SECONDS, Launcher
from specprod_copy.server.password import PASSWORD_FILE, set_password
from specprod_copy.server.postmaster import DATABASE, LOOPBACK, SUPERUSER, Postmaster

DEFAULT_DIRECTORY = Path("specprod.pgdata")
"""Where the cluster lies unless told otherwise."""


@dataclass(frozen=True)
class ClusterStatus:
    """The state of a cluster at one moment.

    ``version``, ``bindir`` and ``q3c`` are of the PostgreSQL that runs it, or would start it, or
    would make it; None and False where this machine has no such PostgreSQL.
    """

    directory: Path
    exists: bool
    running: bool
    version: str | None
    bindir: Path | None
    q3c: bool
    pid: int | None
    socket_dir: Path | None
    data_directory: Path
    log_file: Path | None
    user: str


class Cluster:
    """A private PostgreSQL cluster in a folder.

    Parameters
    ----------
    directory : path-like
        The cluster's folder; `start` makes it.
    """

    def __init__(self, directory: Path | str = DEFAULT_DIRECTORY) -> None:
        self.directory = Path(os.path.abspath(directory))  # noqa: PTH100 (keeps symbolic links)

    @property
    def home(self) -> Path:
        """The folder itself, where `directory` is a symbolic link to it."""
        return self.directory.resolve()

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory."""
        return self.home / "data"

    @property
    def exists(self) -> bool:
        """Whether the cluster was made."""
        account_for(self.directory)
        return self._major() is not None

    @property
    def running(self) -> bool:
        """Whether its server runs."""
        account_for(self.directory)
        return self._find_postmaster() is not None

    def start(self, port: int | None = None) -> ClusterStatus:
        """Start the server unless it runs, making cluster and database where they are absent.

        Parameters
        ----------
        port : int, optional
            TCP port to open on the loopback interface, until the server stops. Whoever connects
            there needs the password, see `pgpass`.

        Raises
        ------
        ServerError
            If that fails; the message ends with the tail of the server's log. If the server runs
            without that port.
        """
        account = prepare_folder(self.directory)
        with self._locked(account):
            if self._find_postmaster() is None:
                self._refuse_other_host()
                binaries = find_binaries(account, self._major())
                if self._major() is None:
                    create_data_directory(self.data, account, binaries)
                launcher = self._launcher(account)
                launcher.clear()
                launcher.launch(binaries, port)
            self._await_ready()
            self._refuse_without_port(port)
            self._make_database()
            if port is not None:
                set_password(self.home / PASSWORD_FILE, account, self.conninfo())
        return self.status()

    def stop(self, mode: str = "fast") -> bool:
        """Stop the server; return False if it was not running.

        Parameters
        ----------
        mode : {"fast", "smart", "immediate"}
            Whether to break connections, to wait for their ends, or to stop without a checkpoint,
            which the next start makes up for.
        """
        if mode not in STOP_MODES:
            raise ServerError(f"no way to stop a server: {mode!r}, only {', '.join(STOP_MODES)}")
        account = account_for(self.directory)
        if self._major() is None:
            return False
        with self._locked(account):
            left = Postmaster.read(self.data)
            works = left is not None and left.works_in(self.data, account)
            if not works and self._find_postmaster() is None:  # one that is silent is stopped too
                self._refuse_other_host()
                return False
            assert left
            self._launcher(account).end(left, mode)
        return True

    def status(self) -> ClusterStatus:
        """Look at the cluster without changing anything.

        Raises
        ------
        ServerError
            If the folder belongs to somebody else, or the server lives but does not answer.
        """
        account = account_for(self.directory)
        running = self._find_postmaster()
        try:
            binaries = self.binaries()
        except ServerError:  # which `start` is going to explain
            binaries = None
        log_file = self.home / LOG
        return ClusterStatus(
            directory=self.directory,
            exists=self._major() is not None,
            running=running is not None,
            version=binaries.version if binaries else None,
            bindir=binaries.bindir if binaries else None,
            q3c=binaries.q3c if binaries else False,
            pid=running.pid if running else None,
            socket_dir=running.socket_dir if running else None,
            data_directory=self.data,
            log_file=log_file if log_file.exists() else None,
            user=account.name,
        )

    def postmaster(self) -> Postmaster:
        """Return the running server.

        Raises
        ------
        ServerError
            If it does not run.
        """
        found = self._find_postmaster()
        if found is None:
            raise ServerError(
                f"{self.directory}: this server is not running; start it: specprod-copy server "
                f"start --embedded {shlex.quote(str(self.directory))}"
            )
        return found

    def pgpass(self) -> str | None:
        """Return the line of ``~/.pgpass`` for the open port of the running server, if it has one.

        It is a secret: the superuser's password.
        """
        postmaster = self.postmaster()
        if not postmaster.listens:
            return None
        password = account_for(self.directory).read(self.home / PASSWORD_FILE)
        return f"{LOOPBACK}:{postmaster.port}:*:{SUPERUSER}:{password}"

    def conninfo(self, dbname: str = DATABASE) -> str:
        """Return the libpq connection string for a database of the running server."""
        return self.postmaster().conninfo(dbname)

    def psql_command(self, *arguments: str, dbname: str = DATABASE) -> list[str]:
        """Return a command line that runs the server's own psql, connected to a database."""
        psql = self.binaries().program("psql")
        return [str(psql), "-d", self.conninfo(dbname), *arguments]

    def binaries(self) -> Binaries:
        """Return the PostgreSQL that runs this cluster, or that would start it."""
        account = account_for(self.directory)
        running = self._find_postmaster()
        if running is not None:
            return inspect_binaries(running.bindir, account)
        return find_binaries(account, self._major())

    def log_tail(self, lines: int = TAIL_LINES) -> str:
        """Return the last lines of the server's log."""
        return self._launcher(account_for(self.directory)).log_tail(lines)

    def _launcher(self, account: Account) -> Launcher:
        return Launcher(self.directory, account)

    # ------------------------------------------------------------------ under the lock

    @contextmanager
    def _locked(self, account: Account) -> Iterator[None]:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        try:
            descriptor = os.open(self.home / "lock", flags, 0o600)
        except OSError as error:
            raise ServerError(f"{self.home / 'lock'}: {error.strerror}") from error
        try:
            if not account.is_caller:
                os.fchown(descriptor, account.uid, account.gid)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _refuse_without_port(self, port: int | None) -> None:
        running = self.postmaster()
        if port is not None and (running.port, running.listens) != (port, True):
            raise ServerError(
                f"{self.directory}: this server runs without port {port}: stop it, then start it "
                "with --port"
            )

    def _await_ready(self) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while self.postmaster().ping() is not Ping.OK:
            if time.monotonic() > deadline:
                raise ServerError(
                    f"{self.directory}: takes no connections after {WAIT_SECONDS} s",
                    log=self.log_tail(),
                )
            time.sleep(0.1)

    def _make_database(self) -> None:
        try:
            make_database(self.postmaster())
        except psycopg.Error as error:
            raise ServerError(
                f"{self.directory}: cannot make database {DATABASE}: {error}", log=self.log_tail()
            ) from error

    def _refuse_other_host(self) -> None:
        # On a file system shared by several machines a second server would destroy the data:
        # PostgreSQL itself looks only for processes of its own machine.
        pid_file, host_file = self.data / "postmaster.pid", self.home / "host"
        if not pid_file.exists() or not host_file.exists():
            return
        if (host := host_file.read_text()) != socket.gethostname():
            raise ServerError(
                f"{self.directory}: this server was started on {host} and not stopped there: stop "
                f"it there, or, only if that machine is gone, delete {pid_file}"
            )

    # ------------------------------------------------------------------ what the files say

    def _major(self) -> int | None:
        path = self.data / "PG_VERSION"
        return int(path.read_text().split(".")[0]) if path.exists() else None

    def _find_postmaster(self) -> Postmaster | None:
        found = Postmaster.read(self.data)
        if found is None or found.ping() is not Ping.NO_RESPONSE:
            return found
        return found if self._launcher(account_for(self.directory)).await_answer(found) else None
