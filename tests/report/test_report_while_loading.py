"""A page about a schema that somebody loads, or whose ledger is another one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from support.changing import Case, iron, loaded
from support.outcome import outcome

from specprod_copy.errors import DatabaseError
from specprod_copy.plan.limits import Limits
from specprod_copy.postgres.connection import connect
from specprod_copy.progress import ProgressListener
from specprod_copy.report import Contents, read_contents

__all__ = ["iron", "loaded"]


class Replacing(ProgressListener):
    """Tries to replace tables as soon as the ledger is read, by several commits."""

    def __init__(self, case: Case) -> None:
        self._case, self.given_up = case, ""

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        yield
        if what == "reading the ledger":
            self._case.limits = Limits(small_rows=0, whole_bytes=0)
            try:
                self._case.load("redshift", overwrite=True, patience=0)
            except DatabaseError as error:
                self.given_up = str(error)


def contents(case: Case, listener: ProgressListener) -> Contents:
    with connect(case.conninfo) as connection:
        return read_contents(connection, "iron", listener)


def test_tables_are_not_replaced_while_it_reads_them(loaded):
    """Those that took their place would be empty for who began to read before."""
    replacing = Replacing(loaded)
    found = contents(loaded, replacing)
    rows = {one.table: one.rows for one in found.loaded}
    assert found.spectra.sky.sum() + found.spectra.unplaced == rows["zpix"] > 0
    assert found.nights.spectra["spectra"].sum() == rows["ztile"] > 0
    assert "others still use the tables" in replacing.given_up


def test_a_ledger_without_a_column(loaded):
    loaded.execute("ALTER TABLE iron.load_ledger DROP failure")
    missing = "table iron.load_ledger is not as it is defined: failure text is missing"
    with pytest.raises(DatabaseError, match=missing):
        contents(loaded, ProgressListener())


@pytest.mark.parametrize(
    ("table", "column"),
    [("zpix", "mean_fiber_ra"), ("ztile", "lastnight"), ("tile", "tilera"), ("exposure", "night")],
)
def test_a_table_without_a_column(loaded, tmp_path, table, column):
    loaded.execute(f"ALTER TABLE iron.{table} DROP {column} CASCADE")
    page = tmp_path / "iron.html"
    arguments = ("--dsn", loaded.conninfo, "--schema", "iron", "-o", page)
    assert outcome("report", *arguments) == (
        1,
        f'Error: cannot read table iron.{table}: column "{column}" does not exist. '
        "'specprod-copy diff --schema iron' prints what it lacks; a load with --overwrite makes "
        "and fills the table again",
    )
    assert not page.exists()
