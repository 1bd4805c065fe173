"""Whoever a load or a verification waits for is told, whichever process waits."""

from __future__ import annotations

from functools import partial

import psycopg
import pytest
from support.listening import Heard, meanwhile, open_transaction

from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.postgres.waits import Teller, watched
from specprod_copy.verification import VerifyOptions, verify

pytest_plugins = ("support.fault_loads",)


@pytest.mark.parametrize("jobs", [1, 2])
def test_rows_wait_for_a_lock(loads, whole, jobs):
    nothing = (1, 10**6)  # a share so small that no row belongs to it: makes the tables
    loads.load(part=nothing)
    heard = Heard()
    options = LoadOptions(("all",), "iron", jobs=jobs)
    with (
        open_transaction(loads.conninfo, "LOCK TABLE iron.zpix IN SHARE MODE") as other,
        meanwhile(partial(load, loads.conninfo, loads.inputs, options, heard), other) as loading,
    ):
        heard.await_line(f"waiting for process {other.info.backend_pid} of ", loading)
        other.rollback()
        loading.result()
    loads.is_complete(whole)


def test_a_verification_waits_for_a_lock(loads):
    loads.load("exposures")
    heard = Heard()
    work = partial(
        verify, loads.conninfo, loads.inputs, VerifyOptions(("exposures",), "iron"), heard
    )
    lock = "LOCK TABLE iron.tile IN ACCESS EXCLUSIVE MODE"
    with open_transaction(loads.conninfo, lock) as other, meanwhile(work, other) as verifying:
        heard.await_line(f"waiting for process {other.info.backend_pid} of ", verifying)
        other.rollback()
        assert all(result.passed for result in verifying.result())


def test_each_is_told_once():
    heard = Heard()
    teller = Teller(heard)
    for now in ({7: "seven"}, {7: "seven"}, {7: "seven", 9: "nine"}, {9: "nine"}, {}):
        teller.now(now)
    assert heard.lines == [
        "waiting for seven",
        "waiting for nine",
        "no longer waiting for process 7",
        "no longer waiting for process 9",
    ]


def test_sessions_within_a_command_have_its_name(database):
    """What it calls does not watch once more."""
    with watched(database, Heard()) as outer:
        assert outer != database
        with watched(outer, Heard()) as inner:
            assert inner == outer


def test_a_server_without_room_for_the_one_who_watches(cluster, database):
    """The command goes on, and says what it cannot do."""
    heard = Heard()
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE ROLE narrow LOGIN CONNECTION LIMIT 0")
        try:
            conninfo = psycopg.conninfo.make_conninfo(database, user="narrow")
            with watched(conninfo, heard):
                heard.await_line("cannot tell for whom: cannot connect: ")
        finally:
            connection.execute("DROP ROLE narrow")
