"""The embedded server, by real servers."""

from __future__ import annotations

import multiprocessing
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from support.clusters import make_stopped, open_folder, private_cluster
from support.waiting import wait_until

from specprod_copy.errors import ServerError
from specprod_copy.server.account import account_for, remove_socket_folder, socket_folder
from specprod_copy.server.binaries import BINDIR_VARIABLE
from specprod_copy.server.cluster import Cluster, ClusterStatus

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="what root does with its own folders")


def ask(cluster: Cluster, query: str) -> object:
    with psycopg.connect(cluster.conninfo()) as connection:
        row = connection.execute(query).fetchone()
        return row[0] if row else None


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# ---------------------------------------------------------------------------- a running server


def test_a_started_cluster_is_described_by_its_status(own: Cluster) -> None:
    state = own.start()
    home = own.directory.resolve()
    assert state == own.status()
    assert state == ClusterStatus(
        directory=own.directory,
        exists=True,
        running=True,
        version=ask(own, "SHOW server_version").split()[0],
        bindir=state.bindir,
        q3c=ask(own, "SELECT count(*) FROM pg_extension WHERE extname = 'q3c'") == 1,
        pid=int((home / "data" / "postmaster.pid").read_text().split()[0]),
        socket_dir=home,
        data_directory=home / "data",
        log_file=home / "log" / "server.log",
        user=account_for(own.directory).name,
    )
    assert (state.bindir / "psql").exists()
    assert "ready to accept connections" in state.log_file.read_text()


def test_a_second_start_finds_the_same_server(own: Cluster) -> None:
    assert own.start().pid == own.start().pid


def test_data_outlive_the_server(own: Cluster) -> None:
    own.start()
    with psycopg.connect(own.conninfo()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 39627835576815616 AS targetid")
    for way in ("fast", "immediate"):
        assert own.stop(way) is True
        assert own.status().running is False
        own.start()
        assert ask(own, "SELECT targetid FROM kept") == 39627835576815616


def test_a_killed_server_is_not_running_and_starts_again(own: Cluster) -> None:
    first = own.start().pid
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: not own.status().running, "the killed server is not running")
    assert (own.data / "postmaster.pid").exists()
    assert own.stop() is False
    assert own.start().pid != first


def test_stopping_a_stopped_server_does_nothing(own: Cluster) -> None:
    own.start()
    assert [own.stop(), own.stop()] == [True, False]


def test_an_unknown_way_to_stop(own: Cluster) -> None:
    with pytest.raises(ServerError, match="'gently', only fast, smart, immediate"):
        own.stop("gently")


def test_a_stopped_server_has_no_connection_string(own: Cluster) -> None:
    own.stop()
    with pytest.raises(ServerError, match=r"own\.pgdata: this server is not running; start it: "):
        own.conninfo()


def test_settings(own: Cluster) -> None:
    own.start()
    wanted = {
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "max_connections": "50",
        "fsync": "on",
        "full_page_writes": "on",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "max_wal_size": "4GB",
        "data_checksums": "on",
        "server_encoding": "UTF8",
    }
    assert {name: ask(own, f"SHOW {name}") for name in wanted} == wanted
    with psycopg.connect(own.conninfo()) as connection:
        rows = connection.execute(
            "SELECT name, sourcefile, applied FROM pg_file_settings ORDER BY seqno"
        ).fetchall()
    ours = str(own.data / "specprod-copy.conf")
    written = {name for name, file, _ in rows if file == ours}
    assert written == {name for name, file, applied in rows if file == ours and applied}
    assert {"shared_buffers", "work_mem", "wal_compression"} < written


def test_the_server_takes_no_tcp_connections(cluster: Cluster) -> None:
    pid = cluster.status().pid
    descriptors = Path(f"/proc/{pid}/fd")
    if not descriptors.exists():
        pytest.skip("no /proc to look for sockets in")
    links = [str(path.readlink()) for path in descriptors.iterdir()]
    inodes = {link[8:-1] for link in links if link.startswith("socket:")}
    tables = {name: Path(f"/proc/{pid}/net/{name}").read_text() for name in ("tcp", "tcp6", "unix")}
    found = {
        name: {word for line in text.splitlines() for word in line.split() if word in inodes}
        for name, text in tables.items()
    }
    assert found["tcp"] == found["tcp6"] == set()
    assert len(found["unix"]) > 0


def test_only_the_socket_is_trusted(cluster: Cluster) -> None:
    with psycopg.connect(cluster.conninfo()) as connection:
        rules = connection.execute("SELECT type, auth_method FROM pg_hba_file_rules").fetchall()
    assert rules == [("local", "trust")]


def test_folder_data_and_socket_are_private(cluster: Cluster) -> None:
    state = cluster.status()
    owner = account_for(cluster.directory).uid
    private = [cluster.home, cluster.data, state.socket_dir, state.socket_dir / ".s.PGSQL.5432"]
    assert {(mode(path), path.stat().st_uid) for path in private} == {(0o700, owner)}
    assert {mode(path) for path in (cluster.home / "log").iterdir()} == {0o600}


def test_a_folder_opened_by_mistake_is_closed_again(own: Cluster) -> None:
    own.home.chmod(0o755)
    own.start()
    assert mode(own.home) == 0o700


@root_only
def test_roots_server_does_not_run_as_root(cluster: Cluster) -> None:
    pid = cluster.status().pid
    assert Path(f"/proc/{pid}").stat().st_uid == account_for(cluster.directory).uid != 0


def test_uri_and_variables_reach_the_database(cluster: Cluster) -> None:
    postmaster = cluster.postmaster()
    host = quote(str(postmaster.socket_dir), safe="")
    assert postmaster.uri() == f"postgresql:///specprod?host={host}&user=postgres"
    with psycopg.connect(postmaster.uri()) as connection:
        assert connection.info.dbname == "specprod"
    assert postmaster.variables("postgres") == {
        "PGHOST": str(postmaster.socket_dir),
        "PGPORT": "5432",
        "PGDATABASE": "postgres",
        "PGUSER": "postgres",
    }


def test_each_test_has_a_database_of_its_own(database: str) -> None:
    with psycopg.connect(database) as connection:
        tables = connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchone()
        assert tables == (0,)
        connection.execute("CREATE TABLE mine (targetid bigint)")


# ---------------------------------------------------------------------------- making one


def start_and_tell(directory: Path) -> int | None:
    return Cluster(directory).start().pid


def test_two_starters_make_one_server(new: Cluster) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pids = pool.map(start_and_tell, [new.directory] * 2, chunksize=1)
    assert pids == [new.status().pid] * 2


def stopping_initdb(folder: Path, real: Path) -> Path:
    """Return a folder of PostgreSQL programs, whose initdb stands still when it has done half."""
    for name in ("pg_ctl", "postgres", "psql"):
        (folder / name).symlink_to(real / name)
    script = folder / "initdb"
    script.write_text(
        f"""#!/bin/sh
        "{real}/initdb" "$@" || exit
        case "$*" in *--show*) ;; *) kill -STOP $$ ;; esac
        """
    )
    script.chmod(0o755)
    return folder


def test_a_killed_initdb_is_started_over(new: Cluster) -> None:
    code = """
import sys
from specprod_copy.server.cluster import Cluster
Cluster(sys.argv[1]).start()
"""
    unfinished = new.directory / "data.new"
    with open_folder() as folder:
        bindir = stopping_initdb(folder, new.binaries().bindir)
        starter = subprocess.Popen(
            [sys.executable, "-c", code, new.directory],
            env=os.environ | {BINDIR_VARIABLE: str(bindir)},
            start_new_session=True,
        )
        wait_until((unfinished / "PG_VERSION").exists, "initdb has begun", starter)
        os.killpg(starter.pid, signal.SIGKILL)
        starter.wait()
    assert unfinished.exists()
    assert new.status().exists is False

    assert new.start().running is True
    assert not unfinished.exists()


def test_a_socket_that_does_not_fit_lies_elsewhere() -> None:
    with private_cluster("x" * 100) as cluster:
        state = cluster.start()
        owner = account_for(cluster.directory).uid
        assert state.socket_dir.name.startswith("specprod-copy-")
        assert (mode(state.socket_dir), state.socket_dir.stat().st_uid) == (0o700, owner)
        assert ask(cluster, "SELECT 1") == 1
        cluster.stop()
        assert not state.socket_dir.exists()


def test_a_socket_is_not_where_libpq_reads_two_hosts(tmp_path: Path) -> None:
    account = account_for(tmp_path)
    assert socket_folder(Path("/srv/pg"), account) == Path("/srv/pg")
    folder = socket_folder(Path("/srv/a,b"), account)
    assert (folder.parent, mode(folder)) == (Path(tempfile.gettempdir()), 0o700)
    remove_socket_folder(folder, account)
    assert not folder.exists()


@root_only
@pytest.mark.parametrize("made", [False, True])
def test_root_is_told_where_its_server_has_no_way_in(tmp_path: Path, made: bool) -> None:
    tmp_path.chmod(0o700)
    folder = tmp_path / "specprod.pgdata"
    if made:
        folder.mkdir()
    complaint = f"who runs it instead, cannot enter {tmp_path}: name another folder, such as --emb"
    with pytest.raises(ServerError, match=re.escape(complaint)):
        Cluster(folder).start()
    assert folder.exists() == made


@pytest.mark.parametrize(
    ("entries", "complaint"),
    [
        (["zall.fits"], "not a folder of the embedded server, it holds zall.fits: name a new"),
        (list("dcba"), "it holds a, b, c, …: name a new folder"),
        (["PG_VERSION", "base"], "the data directory of another PostgreSQL server"),
    ],
)
def test_a_folder_of_other_things_is_left_alone(
    new: Cluster, entries: list[str], complaint: str
) -> None:
    new.directory.mkdir(mode=0o755)
    for name in entries:
        (new.directory / name).touch()
    with pytest.raises(ServerError, match=complaint):
        new.start()
    assert mode(new.directory) == 0o755
    assert {path.name for path in new.directory.iterdir()} == set(entries)


def test_a_file_in_place_of_the_folder(new: Cluster) -> None:
    new.directory.touch()
    with pytest.raises(ServerError, match=r"new\.pgdata: cannot be made: .*File exists"):
        new.start()


def test_a_cluster_of_another_version(new: Cluster) -> None:
    make_stopped(new.directory, "11")
    with pytest.raises(ServerError, match="made by PostgreSQL 11, and there is none of that versi"):
        new.start()
    state = new.status()
    assert (state.exists, state.version, state.bindir) == (True, None, None)


def test_a_server_left_running_on_another_machine(new: Cluster) -> None:
    make_stopped(new.directory, "15")
    (new.directory / "host").write_text("nid001234")
    (new.data / "postmaster.pid").write_text("1234\n")
    for act in (new.start, new.stop):
        with pytest.raises(ServerError, match="was started on nid001234 and not stopped there"):
            act()
    shutil.rmtree(new.directory)
