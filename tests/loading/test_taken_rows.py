"""Rows that a trigger or a rule keeps from a table are an error, and nothing is committed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from astropy.io import fits
from support.changing import Case, edit, iron, loaded, many_transactions
from support.dropping import drop_rows

from specprod_copy.daily.primary import choose_primary
from specprod_copy.errors import DatabaseError
from specprod_copy.postgres import ddl
from specprod_copy.postgres.connection import connect
from specprod_copy.tables import specprod_catalogue

__all__ = ["iron", "loaded", "many_transactions"]


def refused(case: Case, action: Callable, table: str, numbers: str = r"[\d,]+ of [\d,]+") -> None:
    """Expect an error that names a table and two numbers, and an unchanged database."""
    before = case.state()
    message = rf"^{table}: the server took {numbers} rows, .* look for a trigger or a rule on"
    with pytest.raises(DatabaseError, match=message):
        action()
    assert case.state() == before


# ---------------------------------------------------------------------------------------- load


def make_frame(case: Case) -> None:
    for statement in ddl.statements(
        specprod_catalogue().definition, ["schema", "frame"], ["table"], schema="iron"
    ):
        case.query(statement.sql)
    drop_rows(case.query, "iron.frame", "INSERT", "NEW.frameid % 7 = 0")


def test_copy(iron):
    make_frame(iron)
    frames = len(fits.getdata(iron.files.exposures(), "FRAMES"))
    numbers = rf"{frames - 1}|\d+ of {frames}"
    refused(iron, lambda: iron.load("exposures"), "iron.frame", f"(?:{numbers})")
    assert not iron.exists("load_ledger")


@pytest.mark.parametrize("jobs", [1, 2])
def test_copy_of_a_large_load(iron, many_transactions, jobs):
    """What was committed before stays; of the batch with such rows nothing."""
    make_frame(iron)
    with pytest.raises(DatabaseError, match=r"^iron\.frame: the server took \d+ of \d+ rows"):
        iron.load("exposures", jobs=jobs)
    kept = "SELECT coalesce(sum(rows_kept), 0) FROM iron.load_ledger WHERE table_name = 'frame'"
    assert iron.query("SELECT count(*) FROM iron.frame") == iron.query(kept)


def test_exit_code(iron):
    make_frame(iron)
    command = [sys.executable, "-m", "specprod_copy", "load", "exposures", "-p", "iron"]
    command += ["-r", str(iron.root), "--dsn", iron.conninfo, "-q"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: iron.frame: the server took ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("table", ["load_ledger", "version"])
@pytest.mark.parametrize("how", ["trigger", "rule"])
def test_ledger_and_versions(loaded, table, how):
    loaded.query("DROP TABLE iron.tile CASCADE; DELETE FROM iron.version WHERE id > 3")
    loaded.query("DELETE FROM iron.load_ledger WHERE table_name = 'tile'")
    if how == "rule":
        loaded.query(f"CREATE RULE r AS ON INSERT TO iron.{table} DO INSTEAD NOTHING")
    else:
        drop_rows(loaded.query, f"iron.{table}", "INSERT")
    refused(loaded, lambda: loaded.load("exposures"), rf"iron\.{table}", r"0 of \d+")


def test_swap(loaded):
    """The ledger has to tell of the tables that take the place of others."""
    loaded.query("CREATE RULE r AS ON INSERT TO iron.load_ledger DO INSTEAD NOTHING")
    before = loaded.rows("load_ledger"), loaded.versions("photometry")
    with pytest.raises(DatabaseError, match=r"^iron\.load_ledger: the server took 0 of \d+ rows"):
        loaded.load("photometry", "targetphot", "target", "fiberassign", "redshift", overwrite=True)
    assert (loaded.rows("load_ledger"), loaded.versions("photometry")) == before


# ----------------------------------------------------------------------------- replace, primary


@pytest.mark.parametrize("event", ["INSERT", "UPDATE", "DELETE"])
def test_replace(loaded, event):
    path = loaded.files.exposures()
    drop_rows(loaded.query, "iron.frame", event)
    frames = fits.getdata(path, "FRAMES")
    if event == "UPDATE":
        edit(path, "FRAMES", values={(3, "EBV"): 0.5})
    elif event == "DELETE":
        edit(path, "FRAMES", rows=lambda n: range(n - 2))
    else:
        loaded.query("ALTER TABLE iron.frame DISABLE TRIGGER dropping")
        edit(path, "FRAMES", rows=lambda n: range(n - 2))
        loaded.replace("exposures", files=[path])
        loaded.query("ALTER TABLE iron.frame ENABLE TRIGGER dropping")
        with fits.open(path) as hdus:
            hdus["FRAMES"] = fits.BinTableHDU(frames, name="FRAMES")
            new = path.with_name("new.fits")
            hdus.writeto(new)
        new.replace(path)
    number = 1 if event == "UPDATE" else 2
    refused(
        loaded,
        lambda: loaded.replace("exposures", files=[path]),
        r"iron\.frame",
        f"0 of {number}",
    )


def test_primary(loaded):
    loaded.query("UPDATE iron.ztile SET zcat_nspec = 99")
    [(rows,)] = loaded.query("SELECT count(*) FROM iron.ztile")
    drop_rows(loaded.query, "iron.ztile", "UPDATE")

    def choose() -> None:
        with connect(loaded.conninfo) as connection:
            choose_primary(connection, "iron")

    refused(loaded, choose, r"iron\.ztile", f"0 of {rows:,}")


def test_quarantine(iron):
    """A row whose key another one has does not leave the table."""
    path = iron.files.exposures()
    expid = int(fits.getdata(path, "EXPOSURES")["EXPID"][2])
    edit(path, "EXPOSURES", values={(5, "EXPID"): expid})
    for statement in ddl.statements(
        specprod_catalogue().definition, ["schema", "exposure"], ["table"], schema="iron"
    ):
        iron.query(statement.sql)
    drop_rows(iron.query, "iron.exposure", "DELETE")
    refused(
        iron,
        lambda: iron.load("exposures", max_quarantined=10),
        r"iron\.exposure",
        "0 of 2",
    )
