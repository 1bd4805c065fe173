"""What a role or a database sets for its sessions changes nothing that a load leaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from support.daily_tiles import Daily, demo

from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import DatabaseError
from specprod_copy.loading.api import load
from specprod_copy.loading.dry_run import plan_load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.postgres.connection import connect
from specprod_copy.postgres.rights import making_schema
from specprod_copy.tables import Inputs
from specprod_copy.verification import VerifyOptions, verify

__all__ = ["demo"]

pytest_plugins = ("support.fault_loads",)

UNUSUAL = {
    "DateStyle": "German, DMY",
    "TimeZone": "Asia/Kolkata",
    "IntervalStyle": "sql_standard",
    "client_encoding": "LATIN1",
    "client_min_messages": "debug1",
    "extra_float_digits": "-15",
    "default_transaction_isolation": "serializable",
    "temp_buffers": "100",
    "work_mem": "64",
    "maintenance_work_mem": "1024",
    "default_statistics_target": "1",
    "from_collapse_limit": "1",
    "join_collapse_limit": "1",
    "cursor_tuple_fraction": "0",
    "parallel_setup_cost": "0",
    "parallel_tuple_cost": "0",
    "min_parallel_table_scan_size": "0",
    "min_parallel_index_scan_size": "0",
    "timezone_abbreviations": "India",
}
"""Settings of other kinds than switches and choices."""

LEFT_OUT = (
    "default_transaction_read_only",  # has a test of its own
    "transaction_read_only",
    "transaction_deferrable",
    "transaction_isolation",
    "exit_on_error",  # the next session is told of the first error
    "client_min_messages",
    "default_transaction_isolation",
)

SWITCHES = """
    SELECT name, CASE WHEN vartype = 'bool' THEN CASE boot_val WHEN 'on' THEN 'off' ELSE 'on' END
                 ELSE (SELECT max(v) FROM unnest(enumvals) v WHERE v <> boot_val) END
    FROM pg_settings
    WHERE context IN ('user', 'superuser') AND vartype IN ('bool', 'enum')
      AND name !~ '^(log|debug|trace)_' AND name <> ALL (%s)"""


@contextmanager
def unusual(conninfo: str) -> Iterator[dict[str, str]]:
    """Have all sessions of a database begin with settings that are not the usual ones."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        settings = dict(connection.execute(SWITCHES, [list(LEFT_OUT)]).fetchall()) | UNUSUAL
        name = sql.Identifier(connection.info.dbname)
        change = sql.SQL("ALTER DATABASE {} SET {} = {}")
        for setting, value in settings.items():
            connection.execute(change.format(name, sql.Identifier(setting), value))
        try:
            yield settings
        finally:
            connection.execute(sql.SQL("ALTER DATABASE {} RESET ALL").format(name))


def test_the_settings_are_unusual(database):
    with unusual(database) as settings:
        assert len(settings) > 60
        wanted = {
            "session_replication_role": "replica",
            "quote_all_identifiers": "on",
            "enable_seqscan": "off",
        }
        assert settings.items() >= wanted.items()
        with psycopg.connect(database) as connection:
            for name, value in wanted.items():
                assert connection.execute(f"SHOW {name}").fetchone() == (value,)


@pytest.mark.parametrize("jobs", [1, 2])
def test_load_and_verify(loads, whole, jobs):
    with unusual(loads.conninfo):
        loads.load(jobs=jobs)
        results = verify(loads.conninfo, loads.inputs, VerifyOptions(("all",), "iron"))
        assert [result for result in results if not result.passed] == []
        loads.load(jobs=jobs)  # finds nothing to do
    loads.is_complete(whole)


def test_single_tiles(demo, database):
    """Tiles are merged at the same time by sessions that see what the other one wrote."""
    usual, other = (Daily(demo, database, schema) for schema in ("usual", "unusual"))
    assert usual.sync(jobs=2).failed == {}
    with unusual(database):
        assert other.sync(jobs=2, primary=True).failed == {}
        assert other.sync(jobs=2).loaded == []
    usual.sync(primary=True)
    assert other.contents() == usual.contents()


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_isolation_of_transactions(demo, database, isolation):
    daily = Daily(demo, database)
    with psycopg.connect(database, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        change = sql.SQL("ALTER DATABASE {} SET default_transaction_isolation = {}")
        connection.execute(change.format(name, isolation))
    summary = daily.sync(jobs=3)
    assert summary.failed == {}
    assert len(summary.loaded) == 3


def test_read_only_sessions(loads, tmp_path):
    """One line, before a file is opened."""
    with psycopg.connect(loads.conninfo, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        change = sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on")
        connection.execute(change.format(name))
        try:
            empty = Inputs(ProductionFiles(find_production("iron"), tmp_path))
            for work in (load, plan_load):
                with pytest.raises(DatabaseError) as refused:
                    work(loads.conninfo, empty, LoadOptions(("exposures",), "iron"))
                assert str(refused.value) == (
                    "sessions of this role are read-only, so nothing can be written: "
                    "default_transaction_read_only is on (set by: database). RESET it, or connect "
                    "as a role that may write"
                )
        finally:
            connection.execute(sql.SQL("ALTER DATABASE {} RESET ALL").format(name))


def test_a_setting_that_only_a_superuser_can_mend(database):
    """Foreign keys would not be checked."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE ROLE unchecked LOGIN")
        connection.execute("ALTER ROLE unchecked SET session_replication_role = replica")
        try:
            with pytest.raises(DatabaseError) as refused:
                connect(make_conninfo(database, user="unchecked"))
        finally:
            connection.execute("DROP ROLE unchecked")
    assert str(refused.value) == (
        "the loader's sessions cannot be set up: permission denied to set parameter "
        '"session_replication_role". Let an administrator RESET it for this role and database'
    )


def test_a_role_that_acts_for_another(database):
    """The schema must belong to the role that acts, not to the one that logs in."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE ROLE team; CREATE ROLE person LOGIN IN ROLE team")
        connection.execute("ALTER ROLE person SET role = team")
        try:
            with (
                connect(make_conninfo(database, user="person")) as ours,
                pytest.raises(DatabaseError, match=r'AUTHORIZATION "team"$'),
                making_schema(ours, "fuji"),
            ):
                ours.execute("CREATE SCHEMA fuji")
        finally:
            connection.execute("DROP ROLE person; DROP ROLE team")
