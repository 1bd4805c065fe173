"""A network that falls silent: noticed in time, and no reason to ignore Ctrl-C."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from support.moments import await_waiting, table_held
from support.silent_proxy import SilentProxy
from support.waiting import wait_until

from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import DatabaseError
from specprod_copy.postgres.connection import KEEPALIVE, connect, first_cause
from specprod_copy.tables import Inputs

OPTIONS = {
    "keepalives_idle": socket.TCP_KEEPIDLE,
    "keepalives_interval": socket.TCP_KEEPINTVL,
    "keepalives_count": socket.TCP_KEEPCNT,
    "tcp_user_timeout": socket.TCP_USER_TIMEOUT,
}


@pytest.fixture
def proxy(database) -> Iterator[SilentProxy]:
    with SilentProxy(conninfo_to_dict(database)) as running:
        yield running


def socket_options(connection: psycopg.Connection) -> dict[str, int]:
    with socket.socket(fileno=connection.fileno()) as link:
        try:
            assert link.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            return {n: link.getsockopt(socket.IPPROTO_TCP, o) for n, o in OPTIONS.items()}
        finally:
            link.detach()


def test_a_dead_network_is_noticed(proxy):
    with connect(proxy.conninfo) as connection:
        assert socket_options(connection) == dict(KEEPALIVE)


def test_the_users_settings_win(proxy, tmp_path, monkeypatch):
    own = {"keepalives_idle": 7, "tcp_user_timeout": 9000}
    with connect(make_conninfo(proxy.conninfo, **own)) as connection:
        assert socket_options(connection) == {**KEEPALIVE, **own}
    service = tmp_path / "services"
    service.write_text("[desi]\nkeepalives_interval=3\nkeepalives_count=5\n")
    monkeypatch.setenv("PGSERVICEFILE", str(service))
    monkeypatch.setenv("PGSERVICE", "desi")
    with connect(proxy.conninfo) as connection:
        found = socket_options(connection)
    assert found == {**KEEPALIVE, "keepalives_interval": 3, "keepalives_count": 5}


def test_the_server_notices_a_dead_client(proxy, cluster, database):
    """Of a Unix socket the server has no such setting: it shows 0."""
    names = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count")
    with connect(database) as connection:
        shown = [connection.execute(f"SHOW {name}").fetchone()[0] for name in names]
        assert shown == ["0", "0", "0"]


def test_nobody_is_asked_what_happened_first(proxy):
    """Over a silent network that would take for ever; what has come by now is enough."""
    with closing(connect(proxy.conninfo)) as connection:
        proxy.fall_silent()
        with pytest.raises(DatabaseError, match=r"^another$"), first_cause(connection):
            raise DatabaseError("another")


@pytest.fixture
def stuck(proxy, database, demo_root) -> Iterator[subprocess.Popen]:
    """A load that waits for a lock, over a network that is silent by now."""
    inputs = Inputs(ProductionFiles(find_production("fuji"), demo_root))
    options = ["-p", "fuji", "-r", str(demo_root), "-j", "2", "--dsn", proxy.conninfo]
    with table_held(database, inputs, "fuji", "tile"):
        process = subprocess.Popen(
            [sys.executable, "-m", "specprod_copy", "load", "exposures", *options],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        await_waiting(database, "COPY%", process)
        proxy.fall_silent()
        yield process
        process.kill()
        process.communicate()


def test_ctrl_c_ends_the_command(stuck):
    stuck.send_signal(signal.SIGINT)
    _, said = stuck.communicate(timeout=120)
    assert said.splitlines()[-1] == "Interrupted."
    assert stuck.returncode == 130


def test_the_second_ctrl_c_ends_it_at_once(stuck):
    def ended() -> bool:
        """Signals that come before the first one is seen are one with it."""
        stuck.send_signal(signal.SIGINT)
        return stuck.poll() is not None

    wait_until(ended, "it has ended", pause=0.2)
    _, said = stuck.communicate(timeout=120)
    assert said.splitlines()[-1].startswith("Interrupted again: ended at once.")
    assert stuck.returncode == 130


def test_what_cannot_be_sent_is_an_error(proxy, database, demo_root):
    """With a time-out of the user's own, for the test's sake."""
    conninfo = make_conninfo(proxy.conninfo, tcp_user_timeout=1000)
    proxy.fall_silent(after=1_000_000)  # a piece of COPY data is under way then, more to come
    command = [sys.executable, "-m", "specprod_copy", "load", "all", "-q", "-j", "1"]
    done = subprocess.run(
        [*command, "-p", "fuji", "-r", str(demo_root), "--dsn", conninfo],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("Error: cannot load ")
    assert "run the command again" in done.stderr
