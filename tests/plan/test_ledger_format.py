"""Ledgers of other versions, and tables that are not those that the ledger is about."""

from __future__ import annotations

import os
import re
import shlex
import subprocess

import pytest
from support.changing import Case, iron, loaded
from support.old_ledger import make_old

from specprod_copy.errors import ChangedFileError, DatabaseError
from specprod_copy.loading.dry_run import plan_load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.postgres.connection import connect
from specprod_copy.status import schema_status
from specprod_copy.tables import Inputs
from specprod_copy.verification import VerifyOptions, verify

__all__ = ["iron", "loaded"]

OLD = re.escape(
    "the ledger of schema iron is of format 1, by an earlier version of this program; the next "
    "load, tile or sync takes it over into format 2"
)


def rows_read(case: Case, *stages: str, **options: object) -> int:
    return sum(row.rows_read for row in case.load(*stages, **options).tables)


def status(case: Case) -> object:
    with connect(case.conninfo) as connection:
        return schema_status(connection, "iron")


# Other formats -----------------------------------------------------------------------------------


def test_old_ledger_is_taken_over(loaded):
    """By the first command that writes, which loads nothing again."""
    with connect(loaded.conninfo) as connection:
        connection.execute("CREATE ROLE old_reader")
    make_old(loaded.conninfo, "iron")
    loaded.execute("GRANT SELECT ON iron.load_ledger TO old_reader")
    try:
        before = {table: loaded.rows(table) for table in ("zpix", "tile", "photometry")}
        assert rows_read(loaded, "redshift") == 0
        assert {table: loaded.rows(table) for table in before} == before
        assert rows_read(loaded, "all") == 0
        grant = "SELECT has_table_privilege('old_reader', 'iron.load_ledger', 'SELECT')"
        assert loaded.query(grant) == [(True,)]
        results = verify(loaded.conninfo, Inputs(loaded.files), VerifyOptions(("all",), "iron"))
        assert [result for result in results if not result.passed] == []
        loaded.load("zpix", overwrite=True)
        assert rows_read(loaded, "all", check_content=True) == 0
        assert (
            loaded.query("SELECT 1 FROM iron.load_ledger WHERE inputs -> 0 ->> 'digest' IS NULL")
            == []
        )
    finally:
        loaded.execute("DROP OWNED BY old_reader; DROP ROLE old_reader")


def test_overwrite_finds_an_old_ledger(loaded):
    make_old(loaded.conninfo, "iron")
    loaded.load("zpix", overwrite=True)
    assert rows_read(loaded, "all") == 0


def test_those_that_only_read_say_what_it_is(loaded):
    make_old(loaded.conninfo, "iron")
    inputs = Inputs(loaded.files)
    with pytest.raises(DatabaseError, match=OLD):
        status(loaded)
    with pytest.raises(DatabaseError, match=OLD):
        verify(loaded.conninfo, inputs, VerifyOptions(("all",), "iron"))
    with pytest.raises(DatabaseError, match=OLD):
        plan_load(loaded.conninfo, inputs, LoadOptions(("all",), "iron"))


def test_without_a_digest_the_time_decides(loaded):
    """The command of the error gives it back."""
    make_old(loaded.conninfo, "iron")
    path = loaded.files.zall_pix()
    os.utime(path, ns=(0, 12345))
    with pytest.raises(ChangedFileError) as caught:
        loaded.load("zpix")
    message = str(caught.value)
    assert "by an earlier version, which did not record their digest; specprod-copy load" in message
    subprocess.run(shlex.split(message.partition("give it its time back: ")[2]), check=True)
    assert rows_read(loaded, "zpix") == 0


def test_later_format(loaded):
    loaded.execute("UPDATE iron.load_ledger SET format = 3 WHERE table_name = 'tile'")
    before = loaded.state()
    for attempt in (lambda: loaded.load("all"), lambda: status(loaded)):
        with pytest.raises(DatabaseError, match="of format 3, by a later version of this program"):
            attempt()
    assert loaded.state() == before
