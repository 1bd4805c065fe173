"""Servers that did not end by a stop, and starts that fail."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.pq import Ping
from support.clusters import private_cluster
from support.waiting import wait_until

from specprod_copy.errors import ServerError
from specprod_copy.server import launching, postmaster
from specprod_copy.server.account import account_for
from specprod_copy.server.cluster import Cluster
from specprod_copy.server.postmaster import Postmaster

SOCKET = ".s.PGSQL.5432"


def answer(cluster: Cluster) -> object:
    with psycopg.connect(cluster.conninfo()) as connection:
        return connection.execute("SELECT 42").fetchone()[0]


@contextmanager
def process_of_the_servers_user(cluster: Cluster) -> Iterator[int]:
    """Run something that is no server, and yield its process id."""
    account = account_for(cluster.directory)
    identity = {} if account.is_caller else {"user": account.uid, "group": account.gid}
    with subprocess.Popen(["sleep", "600"], cwd="/", **identity) as process:
        try:
            yield process.pid
        finally:
            process.kill()


@contextmanager
def no_new_processes(cluster: Cluster, pid: int) -> Iterator[None]:
    """Let the server answer nobody, for that takes a process; those it has go on."""
    account = account_for(cluster.directory)
    inherited, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    # By a program of the server's user, for root may be without the right to do so.
    change = ["prlimit", f"--pid={pid}"]
    assert account.run([*change, "--nproc=0:"]).returncode == 0
    try:
        yield
    finally:
        account.run([*change, f"--nproc={inherited}:"])  # in vain once it has stopped


def await_end(pid: int) -> None:
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), f"process {pid} has ended")


def test_process_number_that_another_process_has_by_now(own: Cluster) -> None:
    killed = own.start().pid
    os.kill(killed, signal.SIGKILL)
    await_end(killed)
    with process_of_the_servers_user(own) as pid:
        for file in (own.data / "postmaster.pid", own.home / f"{SOCKET}.lock"):
            _, *rest = file.read_text().splitlines(keepends=True)
            file.write_text(f"{pid}\n{''.join(rest)}")
        assert own.stop() is False
        state = own.start()
        assert state.pid != pid
        assert answer(own) == 42
        os.kill(pid, 0)  # it was left alone


def test_live_server_without_its_socket(own: Cluster) -> None:
    first = own.start()
    (own.home / SOCKET).unlink()
    (own.home / f"{SOCKET}.lock").unlink()
    assert own.stop() is True
    await_end(first.pid)
    assert own.start().running


def test_folder_removed_while_the_server_runs_and_made_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Nobody ends the second one but the third start: its time to end by itself would just pass.
    monkeypatch.setattr(launching, "END_SECONDS", 0)
    with private_cluster() as cluster:
        first = cluster.start().pid
        shutil.rmtree(cluster.home)
        second = cluster.start().pid
        os.kill(first, signal.SIGINT)  # it would notice by itself within a minute
        wait_until(lambda: not (cluster.home / SOCKET).exists(), "the socket is removed")
        third = cluster.start().pid
        assert len({first, second, third}) == 3
        assert answer(cluster) == 42
        await_end(second)


def test_a_silent_moment_ends_no_server(own: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    pid = own.start().pid
    ping = Postmaster.ping
    silent = []

    def first_in_vain(running: Postmaster) -> Ping:
        monkeypatch.undo()
        with no_new_processes(own, pid):
            silent.append(ping(running))
        return silent[0]

    with psycopg.connect(own.conninfo()) as session:
        for look in (own.start, own.status, own.postmaster):
            monkeypatch.setattr(Postmaster, "ping", first_in_vain)
            assert look().pid == pid
            assert silent.pop() is Ping.NO_RESPONSE
        assert session.execute("SELECT 42").fetchone() == (42,)


def test_a_server_that_stays_silent_is_left_alone_until_it_is_stopped(
    own: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launching, "ANSWER_SECONDS", 0.5)
    pid = own.start().pid
    said = rf"own\.pgdata: this server lives \(process {pid}\), but has not answered for 0\.5 s: "
    with psycopg.connect(own.conninfo()) as session:
        with no_new_processes(own, pid):
            for look in (own.start, own.status):
                with pytest.raises(ServerError, match=said) as caught:
                    look()
                assert "could not fork" in str(caught.value)
        assert own.start().pid == pid
        assert session.execute("SELECT 42").fetchone() == (42,)
    with no_new_processes(own, pid):
        assert own.stop() is True
    await_end(pid)


def test_a_ping_does_not_wait_for_ever(own: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postmaster, "PING_SECONDS", 2)  # libpq waits no shorter
    pid = own.start().pid
    running = own.postmaster()
    os.kill(pid, signal.SIGSTOP)
    try:
        assert running.ping() is Ping.NO_RESPONSE
    finally:
        os.kill(pid, signal.SIGCONT)
    assert own.start().pid == pid


def test_failed_start_shows_the_end_of_the_log_line_by_line(own: Cluster) -> None:
    own.start()
    own.stop()
    settings = own.data / "postgresql.conf"
    before = settings.read_text()
    settings.write_text(f"{before}nonsense = 1\n")
    program = [sys.executable, "-m", "specprod_copy", "server", "start"]
    shown = subprocess.run(
        [*program, "--embedded", str(own.directory)], capture_output=True, text=True, check=False
    )
    settings.write_text(before)
    assert shown.returncode == 1
    first, *log = shown.stderr.splitlines()
    assert first.startswith(f"Error: {own.directory}: cannot start PostgreSQL ")
    assert first.endswith("; its log ends with")
    assert any('unrecognized configuration parameter "nonsense"' in line for line in log)
    assert all(line.startswith("    ") and "\\n" not in line for line in log)
    own.start()
    assert "nonsense" in (own.home / "log" / "server.log.1").read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="what root does in the folder of another user")
def test_root_removes_and_shows_no_log_that_a_link_leads_to(tmp_path: Path) -> None:
    with private_cluster() as cluster:
        cluster.start()
        cluster.stop()
        tmp_path.chmod(0o755)
        names = [f"server-202601{day}-000000.log" for day in range(10, 20)]
        names += ["startup.log", "server.log"]
        for name in names:
            (tmp_path / name).write_text("for root\n")
            (tmp_path / name).chmod(0o600)
        shutil.rmtree(cluster.home / "log")
        (cluster.home / "log").symlink_to(tmp_path)
        with pytest.raises(ServerError) as caught:
            cluster.start()
        assert "for root" not in str(caught.value)
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
        assert {path.read_text() for path in tmp_path.iterdir()} == {"for root\n"}
