"""A schema that does not exist is called so, whichever command is to look at it."""

from __future__ import annotations

import psycopg
import pytest
from click.testing import CliRunner

import specprod_copy as sc
from specprod_copy.cli import cli
from specprod_copy.errors import DatabaseError

COMMANDS = {
    "status": ["status"],
    "verify": ["verify", "--specprod", "fuji", "--root", "demo"],
    "verify of catalogues": ["verify"],
    "report": ["report", "-o", "page.html"],
    "files": ["files", "7"],
    "query": ["query", "SELECT 1"],
    "describe": ["describe"],
    "diff": ["diff"],
    "grant": ["grant", "--public"],
    "primary": ["primary"],
    "upgrade": ["upgrade"],
    "upgrade --dry-run": ["upgrade", "--dry-run"],
    "tap-schema": ["tap-schema"],
}
SAID = "there is no schema fuij; there are: fuji, public"


@pytest.fixture(scope="module")
def dsn(module_database) -> str:
    with psycopg.connect(module_database, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA fuji")
    return module_database


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_it_is_said_with_those_that_exist(dsn, monkeypatch, tmp_path, command):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SPECPROD", raising=False)
    done = CliRunner().invoke(cli, [*command, "--schema", "fuij", "--dsn", dsn])
    assert isinstance(done.exception, DatabaseError), done.output
    assert str(done.exception) == SAID


def test_adopt_says_it_too(dsn, demo_root):
    command = ["adopt", "--specprod", "fuji", "--root", str(demo_root), "--schema", "fuij"]
    done = CliRunner().invoke(cli, [*command, "--dsn", dsn])
    assert str(done.exception) == SAID


def test_in_python_too(dsn):
    with pytest.raises(DatabaseError, match=SAID):
        sc.verify(schema="fuij", dsn=dsn)
