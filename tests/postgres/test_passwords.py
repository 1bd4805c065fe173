"""Where a password is given to the loader, it is nowhere to be seen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from support.fault_loads import Loads, one_error

pytest_plugins = ("support.fault_loads",)

PASSWORD = "secret"  # of the fixture password_role


def environment(home: Path, **variables: str) -> dict[str, str]:
    """Return an environment without PG* variables."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return clean | {"HOME": str(home)} | variables


@pytest.fixture
def owner(loads, password_role, database) -> Loads:
    """Return loads of a role that owns schema iron and has to give its password."""
    role, conninfo = password_role
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA iron AUTHORIZATION {role}")
    yield Loads(loads.driver, loads.root, make_conninfo(conninfo, user=role))
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"DROP OWNED BY {role} CASCADE")


def uri(conninfo: str, password: str) -> str:
    """Return a connection string as URI, with a password."""
    parts = {name: quote(str(value), safe="") for name, value in conninfo_to_dict(conninfo).items()}
    return (
        f"postgresql://{parts['user']}:{password}@/{parts['dbname']}?host={parts['host']}"
        f"&port={parts['port']}"
    )


def command_lines(group: int) -> dict[int, str]:
    """Return process ids and command lines of a process group."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(folder.name)) == group:
                found[int(folder.name)] = (folder / "cmdline").read_text()
        except ProcessLookupError:
            continue
    return found


def test_load_by_uri(owner, database, gate):
    """The workers are told by other means than command lines; tables and sessions hold nothing."""
    known = owner.conninfo
    closed = gate("potential", 0, "before")
    owner.conninfo = uri(known, PASSWORD)
    process = owner.start("-j", "3", "-v", gate=closed)
    closed.await_loader(process, processes=3)
    lines = command_lines(process.pid)
    assert len([line for line in lines.values() if "spawn_main" in line]) == 2
    # What its user wrote, the shell and the system show; the rest is ours.
    assert [pid for pid, line in lines.items() if PASSWORD in line] == [process.pid]
    with psycopg.connect(database) as connection:
        query = "SELECT application_name, a::text FROM pg_stat_activity a WHERE usename = %s"
        sessions = connection.execute(query, [conninfo_to_dict(known)["user"]]).fetchall()
    assert len(sessions) >= 3
    assert {name.split()[0] for name, _ in sessions} == {"specprod-copy"}
    assert PASSWORD not in str(sessions)
    closed.open()
    printed, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert PASSWORD not in printed + errors
    for table in ("load_ledger", "version"):
        with psycopg.connect(database) as connection:
            rows = connection.execute(f"SELECT t::text FROM iron.{table} t").fetchall()
        assert rows
        assert PASSWORD not in str(rows)


def run(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "specprod_copy", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("way", ["uri", "variable", "file"])
def test_reports(owner, tmp_path, way):
    """What commands print and write, right or wrong password."""
    known = owner.conninfo
    env, dsn = environment(tmp_path), known
    if way == "uri":
        dsn = uri(known, PASSWORD)
    elif way == "variable":
        env["PGPASSWORD"] = PASSWORD
    else:
        file = tmp_path / ".pgpass"
        file.write_text(f"*:*:*:*:{PASSWORD}\n")
        file.chmod(0o600)
    production = ["-p", "iron", "-r", str(owner.root)]
    html = tmp_path / "report.html"
    for command in (
        ["load", "exposures", "-v"],
        ["status", "--json"],
        ["verify", "exposures", "--json", "-j", "1", "--html", str(html)],
    ):
        done = run(*command, *production, "--dsn", dsn, env=env)
        assert done.returncode == 0, done.stderr
        assert PASSWORD not in done.stdout + done.stderr
    assert PASSWORD not in html.read_text()


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://me:wrong{}@/{}?host={}",
        "postgresql://me:wrong%zz{}@host/db",
        "postgresql://me:wro@ng{}@host/db",
        "postgresql://me:ng/{}@host/db",
        "postgresql://me@host:wrong{}/db",
        "host=there password=wrong {}",
        "host=there password='wrong {}",
        "wrong {}",
    ],
)
def test_connections_that_fail(database, tmp_path, dsn):
    """Also where libpq would show what it cannot read."""
    known = conninfo_to_dict(database)
    given = dsn.format("-horse-", known["dbname"], quote(str(known["host"]), safe=""))
    done = run("grant", "-s", "iron", "--dsn", given, env=environment(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert len(done.stderr.splitlines()) == 1
    assert "horse" not in done.stdout + done.stderr
    assert "wro" not in done.stdout + done.stderr


def test_connection_that_is_cut(owner, database, gate):
    """Nor does an error in the middle show it."""
    role = conninfo_to_dict(owner.conninfo)["user"]
    owner.conninfo = uri(owner.conninfo, PASSWORD)
    closed = gate("zpix", 0, "read")
    process = owner.start("-j", "2", gate=closed)
    closed.await_loader(process)
    with psycopg.connect(database) as connection:
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s"
        connection.execute(query, [role])
    closed.open()
    assert PASSWORD not in one_error(process)


def test_batch_scripts(tmp_path):
    """Scripts name the server, and never how its user is known."""
    env = environment(tmp_path, PGHOST="db.example.org", PGPASSWORD=PASSWORD)
    jobs = tmp_path / "jobs"
    done = run("batch", "me@example.org", str(tmp_path), "iron", "-j", str(jobs), env=env)
    assert done.returncode == 0, done.stderr
    scripts = [path.read_text() for path in jobs.rglob("*.sh")]
    assert scripts
    assert PASSWORD not in "".join([*scripts, done.stdout, done.stderr])
