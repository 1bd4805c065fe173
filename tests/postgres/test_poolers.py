"""A real pgbouncer between this program and the server."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from support.clusters import open_folder
from support.waiting import wait_until

from specprod_copy.cli import cli
from specprod_copy.errors import DatabaseError
from specprod_copy.postgres.connection import connect
from specprod_copy.server.account import account_for

PROGRAM = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin:/opt/local/bin")

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no pgbouncer")

SETTINGS = """
[databases]
{database} = host={host} port={port} dbname={database} user={user}
[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = {folder}
auth_type = any
pool_mode = {mode}
server_round_robin = {round_robin}
default_pool_size = {size}
"""


def listens(path: Path) -> bool:
    """Say whether somebody listens at a socket."""
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


@contextmanager
def bouncer(conninfo: str, mode: str, *, size: int, round_robin: int = 0) -> Iterator[str]:
    """Yield the connection string of a pooler in front of a server."""
    names = conninfo_to_dict(conninfo)
    with open_folder() as folder:
        account = account_for(folder)
        folder.chmod(0o777)
        settings = folder / "pgbouncer.ini"
        settings.write_text(
            SETTINGS.format(
                folder=folder,
                mode=mode,
                size=size,
                round_robin=round_robin,
                host=names["host"],
                port=names["port"],
                database=names["dbname"],
                user=names["user"],
            )
        )
        settings.chmod(0o644)
        process = subprocess.Popen(
            [str(PROGRAM), "-q", str(settings)], user=account.uid, group=account.gid
        )
        try:
            wait_until(lambda: listens(folder / ".s.PGSQL.6432"), "pgbouncer listens")
            yield make_conninfo(conninfo, host=folder, port=6432)
        finally:
            process.terminate()
            process.wait()


@pytest.mark.parametrize("mode", ["transaction", "statement"])
@pytest.mark.parametrize(("size", "round_robin"), [(1, 0), (3, 0), (3, 1), (2, 1)])
def test_sessions_that_others_get(database, mode, size, round_robin):
    """It is refused before anything is set, which others would meet."""
    with bouncer(database, mode, size=size, round_robin=round_robin) as conninfo:
        with ExitStack() as stack:  # as many sessions of the server as there may be
            idle = [stack.enter_context(psycopg.connect(conninfo)) for _ in range(size)]
            for each in idle if mode == "transaction" else []:
                each.execute("SELECT 1")
        for _ in range(3):
            with pytest.raises(DatabaseError, match=r"pooler in transaction mode .*port 6432"):
                connect(conninfo)
        with psycopg.connect(conninfo, autocommit=True) as other:
            assert other.execute("SHOW synchronous_commit").fetchone() == ("on",)
            assert other.execute("SHOW search_path").fetchone() == ('"$user", public',)


@pytest.mark.parametrize("size", [1, 2, 10])
def test_whole_sessions(database, size):
    """They are as good as a connection to the server, however few there are."""
    with bouncer(database, "session", size=size) as conninfo:
        with connect(conninfo) as connection:
            assert connection.execute("SHOW synchronous_commit").fetchone() == ("off",)
        for _ in range(2):  # twice, so that sessions are used again
            with connect(conninfo) as connection:
                for number in range(12):
                    assert connection.execute("SELECT %s", [number]).fetchone() == (number,)
        if size > 1:
            with connect(conninfo) as one, connect(conninfo) as other:
                assert one.execute("SELECT 1").fetchone() == other.execute("SELECT 1").fetchone()


def test_load_verify_and_doctor(database, demo_root):
    names = ["--specprod", "fuji", "--root", str(demo_root)]

    def run(*command: str) -> tuple[int, str]:
        done = CliRunner().invoke(cli, [*command, "--dsn", conninfo])
        return (
            (1, str(done.exception)) if done.exc_info[0] is DatabaseError else (done.exit_code, "")
        )

    for mode in ("transaction", "session"):
        with bouncer(database, mode, size=8) as conninfo:
            ends = [
                run("load", "exposures", "-j", "2", *names),
                run("load", "exposures", *names),
                run("verify", "exposures", *names),
                run("doctor", *names),
            ]
        if mode == "session":
            assert ends == [(0, "")] * 4
        else:
            assert all("pooler in transaction mode" in said for code, said in ends), ends
            with psycopg.connect(database) as connection:
                made = "SELECT count(*) FROM pg_namespace WHERE nspname = 'fuji'"
                assert connection.execute(made).fetchone() == (0,)
