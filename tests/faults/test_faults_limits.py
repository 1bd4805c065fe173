"""Limits that a server sets for the statements of people do not stop a load."""

from __future__ import annotations

import pytest
from support.fault_loads import output, set_for_database

pytest_plugins = ("support.fault_loads",)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_lock_timeout(loads, whole, jobs):
    """A load waits for a lock as long as it takes, even where people must not."""
    set_for_database(loads, "lock_timeout", "10ms")
    try:
        with loads.held("potential", "ACCESS SHARE"):  # as any reader does
            process = loads.start("-j", jobs)
            loads.await_waiting("ALTER TABLE%", process, seconds=0.2)
        output(process, code=0)
    finally:
        set_for_database(loads, "lock_timeout", None)
    loads.is_complete(whole)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_statement_timeout(loads, whole, jobs):
    set_for_database(loads, "statement_timeout", "1s")
    try:
        with loads.held("zpix"):
            process = loads.start("-j", jobs)
            loads.await_waiting('COPY "iron"."zpix"%', process, seconds=1.5)
        output(process, code=0)
    finally:
        set_for_database(loads, "statement_timeout", None)
    loads.is_complete(whole)
