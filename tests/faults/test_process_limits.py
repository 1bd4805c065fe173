"""Limits of the process and odd databases: all rows come all the same."""

from __future__ import annotations

import sys

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from support.fault_loads import Loads, output

pytest_plugins = ("support.fault_loads",)

LIMITED = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
resource.setrlimit(resource.RLIMIT_AS, (1_500_000_000, 1_500_000_000))
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_few_files_and_little_memory(loads, whole, monkeypatch):
    """As below ``ulimit -n 40 -v 1500000``, with what the error of too little memory advises."""
    monkeypatch.setenv("MALLOC_ARENA_MAX", "2")
    limited = Loads([sys.executable, "-c", LIMITED, *loads.driver], loads.root, loads.conninfo)
    output(limited.start("-j", "2"), code=0)
    loads.is_complete(whole)


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_databases_of_another_encoding(loads, whole, cluster, encoding):
    """And of a locale that sorts otherwise."""
    name = f"test_{encoding.lower()}"
    with psycopg.connect(cluster.conninfo("postgres"), autocommit=True) as connection:
        create = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LOCALE 'C'")
        connection.execute(create.format(sql.Identifier(name), sql.Literal(encoding)))
        try:
            other = Loads(
                loads.driver,
                loads.root,
                make_conninfo(loads.conninfo, dbname=name, client_encoding="UTF8"),
            )
            other.load()
            other.is_complete(whole)
        finally:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
            connection.execute(drop.format(sql.Identifier(name)))
