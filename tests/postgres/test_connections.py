"""Every way of naming a server, through the command line."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from support.moments import OURS
from support.waiting import wait_until

from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.postgres.connection import SEND_BUFFER, connect
from specprod_copy.progress import ProgressListener
from specprod_copy.tables import Inputs

COMMAND = [sys.executable, "-m", "specprod_copy"]


@pytest.fixture
def schema(database) -> dict[str, str]:
    """Return the parameters of a database that has a schema to grant on."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA s; CREATE TABLE s.tile (tileid integer)")
    return {k: str(v) for k, v in conninfo_to_dict(database).items()}


def run(*arguments: str, cwd, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command that needs a server, in a clean environment."""
    env = {"PATH": "/usr/bin:/bin", "HOME": str(cwd), **environment}
    command = [*COMMAND, *arguments]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


GRANT = ("grant", "--schema", "s", "--role", "nobody_by_this_name")
WARNING = "Warning: role nobody_by_this_name does not exist: nothing granted to it\n"


def test_uri(schema, tmp_path):
    uri = (
        f"postgresql://{schema['user']}@/{schema['dbname']}"
        f"?host={quote(schema['host'], safe='')}&port={schema['port']}"
    )
    done = run(*GRANT, "--dsn", uri, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, WARNING)


def test_key_value_string(schema, database, tmp_path):
    assert run(*GRANT, "--dsn", database, cwd=tmp_path).stderr == WARNING


def test_options(schema, tmp_path):
    names = [
        "--hostname",
        schema["host"],
        "--username",
        schema["user"],
        "--dbname",
        schema["dbname"],
    ]
    assert run(*GRANT, *names, cwd=tmp_path, PGPORT=schema["port"]).stderr == WARNING


def test_environment(schema, tmp_path):
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "dbname": "PGDATABASE"}
    environment = {variable: schema[key] for key, variable in names.items()}
    assert run(*GRANT, cwd=tmp_path, **environment).stderr == WARNING


def test_service_file(schema, tmp_path):
    lines = ["[mine]", *(f"{k}={schema[k]}" for k in ("host", "port", "user", "dbname"))]
    (tmp_path / ".pg_service.conf").write_text("\n".join(lines))
    assert run(*GRANT, cwd=tmp_path, PGSERVICE="mine").stderr == WARNING


def test_password_file(schema, password_role, tmp_path):
    role, conninfo = password_role
    file = tmp_path / ".pgpass"
    file.write_text(f"*:*:{schema['dbname']}:{role}:secret\n")
    file.chmod(0o600)
    done = run(*GRANT, "--dsn", f"{conninfo} user={role}", cwd=tmp_path)
    # The role gets in (libpq looks up passwords by host name or, for sockets, by folder).
    assert "permission denied for schema" not in done.stderr
    assert "password" not in done.stderr
    file.write_text(f"*:*:{schema['dbname']}:{role}:wrong-one\n")
    done = run(*GRANT, "--dsn", f"{conninfo} user={role}", cwd=tmp_path)
    assert done.returncode == 1
    assert "password authentication failed" in done.stderr
    assert "wrong-one" not in done.stderr


def test_embedded_and_another_server_exclude_each_other(tmp_path):
    done = run(*GRANT, "--embedded", "x", "--dbname", "y", cwd=tmp_path)
    assert done.returncode == 2
    assert "exclude each other" in done.stderr


def test_no_server_is_one_line(tmp_path):
    done = run(*GRANT, "--hostname", str(tmp_path), cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: cannot connect: ")
    assert "The connection string is that of --dsn, --hostname, " in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_variables_are_named_without_their_values(tmp_path):
    done = run(*GRANT, cwd=tmp_path, PGHOST=str(tmp_path), PGPORT="7", PGPASSWORD="s3cret")
    assert done.returncode == 1
    assert "~/.pgpass, and PGPASSWORD, PGHOST, PGPORT of the environment" in done.stderr
    assert "s3cret" not in done.stderr


def test_host_of_the_environment_is_named(tmp_path):
    done = run(*GRANT, cwd=tmp_path, PGHOST="server.invalid")
    assert done.returncode == 1
    assert "cannot connect: failed to resolve host 'server.invalid': " in done.stderr


def test_usage_errors(tmp_path):
    for arguments in (["load"], ["load", "exposures"], ["load", "exposures", "-p", "fuji"]):
        done = run(*arguments, cwd=tmp_path)
        assert done.returncode == 2
        assert done.stderr.startswith("Usage: ")


def test_more_can_be_on_its_way_to_a_server_on_this_machine(database):
    """Linux tells twice the size that was asked for, of which the other half is for itself."""

    def room(connection: psycopg.Connection) -> int:
        with socket.socket(fileno=os.dup(connection.fileno())) as link:
            return link.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)

    most = int(Path("/proc/sys/net/core/wmem_max").read_text())
    with psycopg.connect(database) as usual, connect(database) as ours:
        assert room(ours) == 2 * min(SEND_BUFFER, most) > room(usual)
        assert ours.execute("SELECT 1").fetchone() == (1,)


def test_output_that_nobody_reads(tmp_path):
    """The reader of a pipe may end first; that is nothing to talk about."""
    shell = f"{sys.executable} -m specprod_copy --help | true"
    done = subprocess.run(
        ["bash", "-c", shell], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("", "")


class Idle(ProgressListener):
    """Does nothing, in the middle of a transaction, for longer than people may."""

    def __init__(self, conninfo: str) -> None:
        self.conninfo = conninfo
        self.begun = False

    def begin(self, rows: int, size: int) -> None:
        idle = f"""SELECT 1 FROM pg_stat_activity WHERE {OURS} AND state = 'idle in transaction'
                   AND clock_timestamp() - state_change > '1.5 s'"""
        with psycopg.connect(self.conninfo, autocommit=True) as observer:
            wait_until(lambda: observer.execute(idle).fetchone(), "a transaction was idle for long")
        self.begun = True


def test_a_small_load_may_be_idle_in_its_transaction(database, demo_root):
    """It is one transaction, also while files are read."""
    inputs = Inputs(ProductionFiles(find_production("fuji"), demo_root))
    with psycopg.connect(database, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        limit = "ALTER DATABASE {} SET idle_in_transaction_session_timeout = '1s'"
        connection.execute(sql.SQL(limit).format(name))
        idle = Idle(database)
        load(database, inputs, LoadOptions(("tile",), "fuji"), idle)
        assert idle.begun
        assert connection.execute("SELECT count(*) > 0 FROM fuji.tile").fetchone() == (True,)
