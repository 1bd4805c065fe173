"""Starting and stopping the server in a cluster's folder, and clearing what a dead one left."""

from __future__ import annotations

import shlex
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from psycopg.pq import Ping

from specprod_copy.errors import ServerError
from specprod_copy.server.account import Account, remove_socket_folder, socket_folder
from specprod_copy.server.binaries import Binaries, inspect_binaries
from specprod_copy.server.data_directory import configure
from specprod_copy.server.postmaster import Postmaster

STOP_MODES = ("fast", "smart", "immediate")
"""PostgreSQL's ways to stop, the usual one first."""

LOG = "log/server.log"
"""The server's log, in the cluster's folder."""

TAIL_LINES = 20
"""So many of its last lines say why something failed."""

WAIT_SECONDS = 300
"""After a crash, PostgreSQL first replays up to max_wal_size of its log."""

END_SECONDS = 10
"""A server that was just killed, or lost its folder, mostly ends by itself before that."""

ANSWER_SECONDS = 30
"""So long a server that lives may be silent: a machine that is full may let it make no process."""


@dataclass(frozen=True)
class Launcher:
    """Starts and stops the server of a cluster; for that its caller holds the folder's lock."""

    directory: Path
    """As people named it: a link to the folder, perhaps."""
    account: Account
    """Who runs the server."""

    @property
    def home(self) -> Path:
        """The folder itself."""
        return self.directory.resolve()

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory."""
        return self.home / "data"

    def log_tail(self, lines: int = TAIL_LINES) -> str:
        """Return the last lines of the server's log."""
        # As the server's user: root reads no file that a link in a folder of theirs leads to.
        return self.account.run(["tail", "-n", str(lines), self.home / LOG]).stdout.strip()

    def launch(self, binaries: Binaries, port: int | None) -> None:
        """Start the server, which is not running, with a TCP port or none."""
        folder = socket_folder(self.home, self.account)
        configure(self.data, self.account, folder, port)
        self.account.write(self.home / "host", socket.gethostname())
        self.account.run(["mkdir", "-p", self.home / "log"])
        self.account.run(["mv", "-f", self.home / LOG, self.home / f"{LOG}.1"])
        self._pg_ctl(binaries, "start", f"--log={LOG}")

    def end(self, running: Postmaster, mode: str) -> None:
        """Stop a server that works in the folder."""
        binaries = inspect_binaries(running.bindir, self.account)
        self._pg_ctl(binaries, "stop", f"--mode={mode}")
        remove_socket_folder(running.socket_dir, self.account)

    def _pg_ctl(self, binaries: Binaries, *arguments: str) -> None:
        # From within the folder, so that no path meets the shell that pg_ctl starts.
        options = ["--pgdata=data", "--silent", "--wait", f"--timeout={WAIT_SECONDS}"]
        command = [str(binaries.program("pg_ctl")), *arguments, *options]
        result = self.account.run(command, folder=self.home)
        if result.returncode:
            raise ServerError(
                f"{self.directory}: cannot {arguments[0]} PostgreSQL {binaries.version}",
                log=self.log_tail() or result.stderr,
            )

    def await_answer(self, silent: Postmaster) -> bool:
        """Wait for a server that did not answer to do so; return False if it is out of reach.

        Raises
        ------
        ServerError
            If it lives and has its socket, but is silent for too long. It may well be at work.
        """
        deadline = time.monotonic() + ANSWER_SECONDS
        while silent.works_in(self.data, self.account) and silent.has_socket(self.account):
            if silent.ping() is not Ping.NO_RESPONSE:
                return True
            if time.monotonic() > deadline:
                raise ServerError(
                    f"{self.directory}: this server lives (process {silent.pid}), but has not "
                    f"answered for {ANSWER_SECONDS} s: try again when the machine has processes "
                    "and memory to spare, or, if nobody uses the server, stop it: specprod-copy "
                    f"server stop --embedded {shlex.quote(str(self.directory))}",
                    log=self.log_tail(),
                )
            time.sleep(0.1)
        return False

    def clear(self) -> None:
        """Take what a server that nobody can reach has left out of the way of a new one.

        PostgreSQL does not start while some process has the number in ``postmaster.pid``.
        """
        left = Postmaster.read(self.data)
        if left is None:
            return
        folder = left.working_folder(self.account)
        if folder is not None and not left.works_in(self.data, self.account):
            # The machine has started again since, and gave the number to something else.
            self.account.run(["rm", "-f", self.data / "postmaster.pid", left.socket_lock])
            return
        deadline = time.monotonic() + END_SECONDS
        while left.process_exists() and time.monotonic() < deadline:  # it was just killed
            time.sleep(0.05)
        if left.works_in(self.data, self.account):
            # Nobody reaches it, for its socket is gone: an earlier server whose folder was removed
            # under it took the socket of the new one with it when it ended.
            self.end(left, STOP_MODES[0])
        elif left.process_exists():
            raise ServerError(
                f"{self.directory}: process {left.pid} has the number in "
                f"{self.data / 'postmaster.pid'}, but does not answer: if it is no PostgreSQL "
                "server, delete that file"
            )
