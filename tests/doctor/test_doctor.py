"""Command ``doctor``: what it says of servers, roles and settings, and that it changes nothing."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from support.clusters import fresh_database
from support.roles import passing_role

from specprod_copy.cli import cli
from specprod_copy.demo import write_production
from specprod_copy.doctor import Finding, doctor
from specprod_copy.doctor.connection import check_connection, throughput
from specprod_copy.doctor.server import ask, connections_left
from specprod_copy.doctor.settings import SETTINGS, Setting, check_settings
from specprod_copy.doctor.text import remedies, summary
from specprod_copy.errors import DatabaseError


def run(conninfo: str, *arguments: object) -> Result:
    done = CliRunner().invoke(cli, ["doctor", *map(str, arguments), "--dsn", conninfo])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def named(findings: list[Finding]) -> dict[str, Finding]:
    """Return findings by their names, of which each is the only one."""
    by_name = {finding.name: finding for finding in findings}
    assert len(by_name) == len(findings)
    return by_name


def name_of(conninfo: str) -> str:
    return str(conninfo_to_dict(conninfo)["dbname"])


def relations(conninfo: str) -> list[tuple]:
    with psycopg.connect(conninfo) as connection:
        return connection.execute(
            "SELECT oid, relname FROM pg_class WHERE oid > 16384 ORDER BY 1"
        ).fetchall()


@pytest.fixture(autouse=True)
def little(monkeypatch) -> None:
    """Send little to the server where the rate does not matter."""
    monkeypatch.setattr("specprod_copy.doctor.connection.COPY_BYTES", 1_000_000)


@pytest.fixture(scope="module")
def database(cluster) -> Iterator[str]:
    """Return a database whose owner is the superuser, and where others may do little."""
    with fresh_database(cluster) as conninfo:
        yield conninfo


@pytest.fixture
def role(cluster, database) -> Iterator[str]:
    """Return an ordinary role of the database, without any right of its own."""
    name = f"ordinary_{uuid.uuid4().hex[:8]}"
    with passing_role(database, name):
        yield name


def execute(conninfo: str, *statements: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def levels(findings: dict[str, Finding], *groups: str) -> dict[str, str]:
    return {name: f.level for name, f in findings.items() if f.group in groups}


# ------------------------------------------------------------------------ a superuser's server


@pytest.mark.usefixtures("q3c")
def test_a_superuser_may_do_all(database):
    before = relations(database)
    found = named(doctor(database))
    assert relations(database) == before
    assert set(levels(found, "server", "rights", "session").values()) == {"ok"}
    assert found["role"].value.endswith(", a superuser")
    with psycopg.connect(database) as connection:
        version = connection.execute("SHOW server_version").fetchone()
    assert (found["PostgreSQL"].value,) == version
    assert (
        found["make a schema"].value
        == f"may, in database {database.split('dbname=')[1].split()[0]}"
    )
    assert found["encryption"].value == "none"
    assert found["pooler"].value == "none"
    assert found["COPY"].value.endswith(" MB/s")
    assert found["round trip"].value.endswith(" ms")


def test_the_loader_gets_its_settings(database):
    session = {f.name: f.value for f in doctor(database) if f.group == "session"}
    assert session["synchronous_commit"] == "off"
    assert session["timezone"] == "UTC"
    assert session["client_encoding"] == "UTF8"


def test_text_tells_what_json_tells(database):
    text, parsed = run(database).stdout, json.loads(run(database, "--json").stdout)
    assert [sorted(finding) for finding in parsed] == [
        ["gain", "good", "group", "level", "name", "remedy", "restart", "value", "why"]
    ] * len(parsed)
    assert {f["name"] for f in parsed} >= {setting.name for setting in SETTINGS}
    for finding in parsed:
        assert f" {finding['name']} " in text
    assert text.splitlines()[-1].startswith("A load is possible")


def test_no_server_is_one_error(tmp_path):
    with pytest.raises(
        DatabaseError, match=r"^cannot connect: .*Check the connection string"
    ) as caught:
        run(f"host={tmp_path}")
    assert "\n" not in str(caught.value)


# ------------------------------------------------------------------------ rights


def test_an_ordinary_role_may_not_load(database, role):
    done = run(f"{database} user={role}", "--json")
    assert done.exit_code == 1
    found = named([Finding(**finding) for finding in json.loads(done.stdout)])
    assert levels(found, "rights") == {
        "role": "ok",
        "make a schema": "problem",
        "make temporary tables": "ok",
        "more connections": "ok",
    }
    statement = found["make a schema"].remedy[0]
    assert statement.startswith("GRANT CREATE ON DATABASE ")
    execute(database, statement)
    assert run(f"{database} user={role}").exit_code == 0


def test_an_impossible_load_in_words(database, role):
    printed = run(f"{database} user={role}").stdout
    assert "\n✗  make a schema " in printed
    last = f"A load is impossible here (make a schema: may not, in database {name_of(database)})."
    assert printed.splitlines()[-1] == last


def test_a_schema_that_exists_is_enough(database, role):
    execute(database, 'CREATE SCHEMA IF NOT EXISTS "Mine"')
    conninfo = f"{database} user={role}"
    found = named(doctor(conninfo, "Mine"))
    assert found["make tables"].level == "problem"
    assert found["make tables"].remedy == (f'GRANT CREATE, USAGE ON SCHEMA "Mine" TO "{role}";',)
    execute(database, *found["make tables"].remedy)
    assert named(doctor(conninfo, "Mine"))["make tables"].level == "ok"


def test_without_temporary_tables_nothing_is_sent(cluster, role):
    with fresh_database(cluster) as other:
        name = name_of(other)
        execute(
            other,
            f'REVOKE TEMP ON DATABASE "{name}" FROM PUBLIC',
            f'GRANT CREATE ON DATABASE "{name}" TO "{role}"',
        )
        found = named(doctor(f"{other} user={role}"))
        assert found["COPY"].value == "not measured"
        assert found["make temporary tables"].level == "advice"
        execute(other, *found["make temporary tables"].remedy)
        assert named(doctor(f"{other} user={role}"))["COPY"].value.endswith(" MB/s")


def test_read_only_sessions(database):
    conninfo = make_conninfo(database, options="-c default_transaction_read_only=on")
    done = run(conninfo)
    assert done.exit_code == 1
    assert done.stdout.splitlines()[-1] == "A load is impossible here (takes changes: no)."


def test_connections_that_are_left(database, role):
    facts = {
        "slots": 97,
        "used": 90,
        "superuser": False,
        "role_limit": 10,
        "used_by_role": 4,
        "database_limit": -1,
        "used_by_database": 50,
    }
    assert connections_left(facts) == 6
    assert connections_left(facts | {"superuser": True}) == 7
    assert connections_left(facts | {"database_limit": 50}) == 0
    with psycopg.connect(database), psycopg.connect(f"{database} user={role}") as connection:
        seen = ask(connection)
        # One of them is somebody else's. Others may still end, or be the server's own workers.
        assert min(seen["used"], seen["used_by_database"]) >= 2
    execute(database, f'ALTER ROLE "{role}" CONNECTION LIMIT 1')
    found = named(doctor(f"{database} user={role}"))
    assert (found["more connections"].value, found["more connections"].level) == ("0", "advice")
    assert found["load --jobs"].value == "up to 1"


# ------------------------------------------------------------------------ q3c


def test_q3c_that_can_be_installed(cluster, role):
    with fresh_database(cluster) as other:
        if named(doctor(other))["q3c"].value == "not on the server":
            pytest.skip("this server has no q3c")
        assert named(doctor(other))["q3c"].value.endswith(" in this database")
        execute(other, "DROP EXTENSION q3c")
        found = named(doctor(other))["q3c"]
        assert found.level == "ok"
        assert found.value.endswith(
            " on the server, not in this database: the load is going to install it"
        )
        found = named(doctor(f"{other} user={role}"))["q3c"]
        assert (found.level, found.remedy) == ("advice", ("CREATE EXTENSION q3c;",))
        execute(other, *found.remedy)
        assert named(doctor(f"{other} user={role}"))["q3c"].level == "ok"


def test_q3c_that_the_server_does_not_have(database, monkeypatch):
    monkeypatch.setattr("specprod_copy.postgres.catalog.q3c_version", lambda *_, **__: None)
    found = named(doctor(database))["q3c"]
    assert (found.level, found.value) == ("advice", "not on the server")
    assert "package postgresql-NN-q3c" in found.why


# ------------------------------------------------------------------------ settings


def checked(conninfo: str, options: str, *settings: Setting) -> list[tuple[str, str, str]]:
    with psycopg.connect(make_conninfo(conninfo, options=options)) as connection:
        return [(f.value, f.level, f.good) for f in check_settings(connection, settings)]


@pytest.mark.parametrize(
    ("options", "rule", "good", "expected"),
    [
        ("-c temp_buffers=8MB", "at least", "1GB", ("8MB", "advice", "1GB")),
        ("-c temp_buffers=1GB", "at least", "1GB", ("1GB", "ok", "")),
        ("-c temp_buffers=1048568kB", "at least", "1GB", ("1048568kB", "advice", "1GB")),
        ("-c statement_timeout=14min", "at least", "900s", ("14min", "advice", "900s")),
        ("-c statement_timeout=15min", "at least", "900s", ("15min", "ok", "")),
        ("-c temp_file_limit=-1", "is", "-1", ("-1", "ok", "")),
        ("-c temp_file_limit=5GB", "is", "-1", ("5GB", "advice", "-1")),
        ("-c jit=off", "is", "on", ("off", "advice", "on")),
        ("-c wal_compression=off", "is", "off", ("off", "ok", "")),
    ],
)
def test_rules(database, options, rule, good, expected):
    name = options.removeprefix("-c ").partition("=")[0]
    assert checked(database, options, Setting(name, rule, good, "why")) == [expected]


def test_a_setting_that_the_server_does_not_know(database):
    assert checked(database, "", Setting("no_such_setting", "is", "on", "why")) == []


def test_a_setting_that_has_to_stay(database):
    setting = Setting("jit", "is", "on", "why", unless="true", reason="must stay")
    with psycopg.connect(make_conninfo(database, options="-c jit=off")) as connection:
        assert list(check_settings(connection, [setting])) == [
            Finding("settings", "jit", "off", why="must stay")
        ]


def test_every_setting_is_one_of_the_servers(database):
    """And what is suggested is good, and the server takes it."""
    with psycopg.connect(database) as connection:
        for setting in SETTINGS:
            query = "SELECT context, current_setting(name) FROM pg_settings WHERE name = %s"
            context, value = connection.execute(query, (setting.name,)).fetchone()
            if context not in ("postmaster", "sighup", "internal"):
                suggested = setting.suggest or setting.good
                changed = Setting(setting.name, setting.rule, setting.good, "why")
                set_config = "SELECT set_config(%s, %s, false)"
                connection.execute(set_config, (setting.name, suggested))
                assert [f.level for f in check_settings(connection, [changed])] == ["ok"]
                connection.execute(set_config, (setting.name, value))


def test_advice_can_be_followed(own):
    """What doctor tells a superuser to run changes what it says."""
    conninfo = own.conninfo()
    execute(
        conninfo,
        "ALTER SYSTEM SET checkpoint_timeout = '5min'",
        "ALTER SYSTEM SET max_worker_processes = '2'",
        "ALTER SYSTEM SET wal_level = 'replica'",
    )
    own.stop()
    own.start()
    execute(conninfo, "SELECT pg_create_physical_replication_slot('doctor')")
    replicated = named(doctor(conninfo))["wal_level"]
    assert (replicated.value, replicated.level) == ("replica", "ok")
    assert replicated.why == "stays, for this server is replicated or its log archived"
    execute(conninfo, "SELECT pg_drop_replication_slot('doctor')")
    found = doctor(conninfo)
    advice = named(found)
    assert advice["wal_level"].remedy == (
        "ALTER SYSTEM SET wal_level = 'minimal';",
        "ALTER SYSTEM SET max_wal_senders = '0';",
    )
    assert (advice["checkpoint_timeout"].value, advice["checkpoint_timeout"].good) == (
        "5min",
        "15min",
    )
    assert not advice["checkpoint_timeout"].restart
    assert advice["max_worker_processes"].restart
    script = [line.strip() for line in remedies(found)]
    assert "ALTER SYSTEM SET checkpoint_timeout = '15min';" in script
    restart = next(line for line in script if line.startswith("then restart the server, for "))
    assert "max_worker_processes" in restart
    assert "checkpoint_timeout" not in restart
    execute(conninfo, *(line for line in script if line.endswith(";")))
    own.stop()
    own.start()
    after = [f for f in doctor(conninfo) if f.group == "settings"]
    assert [f.name for f in after if f.level != "ok"] == []


# ------------------------------------------------------------------------ connection, space, words


def test_throughput_stops_in_time_and_leaves_nothing(database):
    with psycopg.connect(database, autocommit=True) as connection:
        assert throughput(connection, size=10**12, seconds=1) > 0
        left = "SELECT count(*) FROM pg_class WHERE relname = 'specprod_copy_doctor'"
        assert connection.execute(left).fetchone() == (0,)


def test_a_pooler_gives_itself_away(database):
    """It makes up the process number that a client sees, or hands on another server process."""
    with psycopg.connect(database, autocommit=True) as connection:
        facts = ask(connection)
        assert facts["pid"] == connection.info.backend_pid
        found = named(list(check_connection(connection, facts | {"pid": facts["pid"] + 1})))
    assert (found["pooler"].value, found["pooler"].level) == ("there seems to be one", "advice")


def test_a_slow_line(database, monkeypatch):
    monkeypatch.setattr("specprod_copy.doctor.connection.GOOD_MS", 0.0)
    monkeypatch.setattr("specprod_copy.doctor.connection.GOOD_MB_PER_S", 1e6)
    found = named(doctor(database))
    assert found["round trip"].level == found["COPY"].level == "advice"
    assert found["COPY"].good == "1000000 MB/s"


def test_space_counts_rows_that_are_missing(database, tmp_path):
    write_production(tmp_path, "iron", tiles=2, targets=50)
    before = relations(database)
    files = ["--specprod", "iron", "--root", tmp_path, "--json"]
    found = {f["name"]: f for f in json.loads(run(database, *files).stdout)}
    assert relations(database) == before
    zpix = found["zpix"]["value"]
    CliRunner().invoke(
        cli,
        ["load", "all", "-q", "-p", "iron", "-r", str(tmp_path), "--dsn", database],
        catch_exceptions=False,
    )
    with psycopg.connect(database) as connection:
        read = "SELECT sum(rows_read)::int FROM iron.load_ledger WHERE table_name = 'zpix'"
        (rows,) = connection.execute(read).fetchone()
    assert rows > 0
    assert zpix == f"{rows * 895 / 1e6:,.1f} MB for {rows:,} rows at most"
    after = {f["name"]: f for f in json.loads(run(database, *files).stdout)}
    assert after["zpix"]["value"] == "0.0 MB for 0 rows at most"


def test_root_needs_a_production(database, tmp_path):
    with pytest.raises(Exception, match="--root needs --specprod"):
        run(database, "--root", tmp_path)


def test_summaries():
    fine = Finding("client", "cores", "2")
    better = Finding("settings", "fsync", "off", "advice", "on")
    assert summary([fine]) == "A load is possible."
    assert summary([fine, better]) == "A load is possible; 1 thing could be better (!)."
    assert summary([better] * 2) == "A load is possible; 2 things could be better (!)."


def test_findings_have_known_groups_and_levels():
    for group, level in (("none", "ok"), ("client", "none")):
        with pytest.raises(ValueError, match="no finding is of group"):
            Finding(group, "name", "value", level)
