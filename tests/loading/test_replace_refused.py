"""``load --replace`` where it is refused or interrupted; and how it asks."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

import psycopg
import pytest
from astropy.io import fits
from support.changing import (
    edit,
    interrupt_after,
    iron,
    loaded,
    many_transactions,
    refused,
    targetids,
)

from specprod_copy.errors import (
    ChangedFileError,
    ConfigurationError,
    DatabaseError,
    InputError,
)
from specprod_copy.loading import copying, replace
from specprod_copy.plan.ledger import Ledger

__all__ = ["iron", "loaded", "many_transactions"]


def test_a_row_that_is_referred_to(loaded):
    path = loaded.files.tiles()
    gone = int(fits.getdata(path, 1)["TILEID"][0])
    edit(path, rows=lambda n: range(1, n))
    message = refused(loaded, "exposures", files=[path], kind=DatabaseError)
    assert message == (
        "table exposure refers to a row of table tile that no file gives any more: Key (tileid)="
        f'({gone}) is still referenced from table "exposure". Replace the files of stage exposures '
        "as well, in the same command, or load all --overwrite"
    )


def test_a_row_that_would_take_others_along(loaded):
    """By a key of our name that others have made, in a table that is not replaced."""
    with psycopg.connect(loaded.conninfo) as connection:
        connection.execute(
            "ALTER TABLE iron.ztile DROP CONSTRAINT ztile_tileid_fkey, ADD CONSTRAINT "
            "ztile_tileid_fkey FOREIGN KEY (tileid) REFERENCES iron.tile ON DELETE SET NULL"
        )
    path = loaded.files.tiles()
    edit(path, rows=lambda n: range(1, n))
    message = refused(loaded, "tile", files=[path], kind=DatabaseError)
    assert message == (
        "table iron.ztile: ztile_tileid_fkey is FOREIGN KEY (tileid) REFERENCES tile (tileid) "
        "ON DELETE SET NULL: rows that are removed from tile would take others along; drop it, "
        "and run the command again"
    )


def test_a_row_that_refers_to_nothing(loaded):
    path = loaded.files.exposures()
    edit(path, "EXPOSURES", values={(0, "TILEID"): 99999})
    message = refused(loaded, "exposures", files=[path], kind=DatabaseError)
    assert 'Key (tileid)=(99999) is not present in table "tile"' in message


def test_bad_value(loaded):
    path = loaded.files.tiles()
    edit(path, values={(1, "SURVEY"): "xyz"})
    message = refused(loaded, "exposures", files=[path], kind=InputError)
    assert message.startswith(f"{path}[TILE_COMPLETENESS], column SURVEY: none of cmx, ")


def test_no_input(loaded, tmp_path):
    path = tmp_path / "tiles-iron.fits"
    path.write_bytes(b"")
    assert refused(loaded, "exposures", "zpix", files=[path], kind=ConfigurationError) == (
        f"{path} is not among the files of stage exposures and redshift"
    )
    assert refused(loaded, "zpix", files=[loaded.files.tiles()], kind=ConfigurationError) == (
        f"{loaded.files.tiles()} is not among the files of stage redshift"
    )


def test_nothing_to_replace(iron):
    path = iron.files.zall_pix()
    expected = (
        f"no rows of {path} are in the tables of stage redshift: there is nothing to replace; a "
        "load without --replace loads it"
    )
    assert refused(iron, "zpix", files=[path], kind=ConfigurationError) == expected
    iron.load("photometry", "targetphot", "zpix")
    before = iron.state()
    done = iron.command("load", "ztile", "--replace", iron.files.zall_tilecumulative())
    assert isinstance(done.exception, ConfigurationError)
    assert iron.state() == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--overwrite"], "either whole tables (overwrite) or the rows of files (replace)"),
        (["--part", "1/2"], "tables or files cannot be shared: no part of it"),
        (["--overwrite", "--dry-run"], "either whole tables"),
    ],
)
def test_options_that_exclude_each_other(loaded, options, message):
    before = loaded.state()
    done = loaded.command("load", "tile", "--replace", loaded.files.tiles(), *options)
    assert isinstance(done.exception, ConfigurationError)
    assert message in str(done.exception)
    assert loaded.state() == before


@pytest.mark.parametrize(
    "damage",
    [
        "INSERT INTO iron.potential SELECT 5, tileid, targetid, fiber, location + 10000 "
        "FROM iron.potential LIMIT 1",
        "DELETE FROM iron.potential WHERE id = (SELECT max(id) FROM iron.potential "
        "WHERE tileid = (SELECT max(tileid) FROM iron.tile))",
    ],
)
def test_rows_of_unknown_origin(loaded, damage):
    """One that no file gives goes; one that is lost is noticed."""
    path = sorted(loaded.root.rglob("fiberassign-*.fits*"))[0]
    [(n,)] = loaded.query("SELECT count(*) FROM iron.potential")
    loaded.query(damage)
    if damage.startswith("INSERT"):
        loaded.replace("fiberassign", files=[path])
        loaded.assert_equals_fresh_load()
        return
    message = refused(loaded, "fiberassign", files=[path], kind=DatabaseError)
    assert message.startswith(
        f"table iron.potential has {n - 1:,} rows, but the ledger records {n:,}: "
    )


# Interrupted -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "name"),
    [
        (copying, "copy_units"),
        (Ledger, "record"),
        (replace.TableReplacement, "merge"),
        (replace.TableReplacement, "remove"),
        (replace.TableReplacement, "check_total"),
    ],
)
def test_interrupted_replacement(loaded, monkeypatch, where, name):
    """At each step, when it is done for the second table: nothing is changed."""
    path = loaded.files.exposures()
    edit(path, "EXPOSURES", values={(0, "MJD"): 59000.25})
    edit(path, "FRAMES", rows=lambda n: range(3, n))
    before, calls, real = loaded.state(), [], getattr(where, name)

    def dying(*arguments):
        result = real(*arguments)
        calls.append(name)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return result

    with monkeypatch.context() as patched:
        patched.setattr(where, name, dying)
        with pytest.raises(KeyboardInterrupt):
            loaded.replace("exposures", files=[path])
    assert loaded.state() == before
    loaded.replace("exposures", files=[path])
    assert loaded.state() != before


def test_file_of_an_interrupted_load(iron, many_transactions, monkeypatch):
    """The table has no keys yet. The rest is loaded as well."""
    again = interrupt_after(monkeypatch, 9)
    with pytest.raises(KeyboardInterrupt):
        iron.load("all")
    again()
    assert iron.query("SELECT 1 FROM pg_indexes WHERE indexname = 'photometry_pkey'") == []
    loaded = {f for (f,) in iron.query("SELECT inputs -> 0 ->> 'file' FROM iron.load_ledger")}
    path = iron.files.tractorphot()[0]
    assert path.relative_to(iron.root).as_posix() in loaded
    edit(path, rows=lambda n: range(2, n), values={(0, "FLUX_G"): 7.5})
    with pytest.raises(ChangedFileError):
        iron.load("all")
    iron.replace("all", files=[path])
    iron.assert_equals_fresh_load()


def test_keys_that_two_files_shared(iron, many_transactions):
    """Their load ended without keys; both of them have to be replaced to tell the rows apart."""
    one, other = iron.files.tractorphot()[:2]
    mine, taken = targetids(one)[3], targetids(other)[4]
    edit(one, values={(3, "TARGETID"): taken})
    with pytest.raises(DatabaseError, match="photometry_pkey of table photometry is not unique"):
        iron.load("photometry", "targetphot")
    edit(one, values={(3, "TARGETID"): mine})
    message = refused(iron, "photometry", "targetphot", files=[one], kind=DatabaseError)
    assert "files had rows of the same key: then replace all of them in one command" in message
    iron.replace("photometry", "targetphot", files=[one, other])
    iron.load("all")
    iron.assert_equals_fresh_load()


# The command -------------------------------------------------------------------------------------


def test_it_asks_on_a_terminal(loaded, monkeypatch):
    terminal = SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(import_module("specprod_copy.cli.load_run"), "sys", terminal)
    path = loaded.files.tiles()
    edit(path, values={(2, "NEXP"): 77})
    before = loaded.state()
    asked = loaded.command("load", "tile", "--replace", path, input="n\n")
    assert asked.exit_code == 1
    question = f"Replace the rows of {path} in the tables of tile in schema iron? [y/N]: n"
    assert asked.output.splitlines() == [question, "Nothing was replaced."]
    of_all = loaded.command("load", "all", "--overwrite", input="n\n")
    assert of_all.output.startswith("Replace all tables in schema iron? [y/N]: n\n")
    assert of_all.exit_code == 1
    assert loaded.state() == before
    assert loaded.command("load", "tile", "--replace", path, "--yes").exit_code == 0
    assert loaded.query("SELECT count(*) FROM iron.tile WHERE nexp = 77") == [(1,)]


def test_dry_run(loaded):
    path = loaded.files.tiles()
    edit(path, values={(2, "NEXP"): 77})
    before = loaded.state()
    done = loaded.command("load", "exposures", "--replace", path, "--dry-run")
    assert done.exit_code == 0
    lines = {line.split()[0]: line.split() for line in done.output.splitlines()}
    assert lines["tile"][:6] == ["tile", "exposures", "1", "1", "1", "4"]
    assert lines["frame"][:6] == ["frame", "exposures", "1", "0", "0", "0"]
    assert loaded.state() == before


def test_plan_of_everything_afterwards_is_empty(loaded, monkeypatch):
    """A second load finds nothing to do, and reads no TARGETIDs."""
    path = loaded.files.targetphot()[-1]
    edit(path, values={(0, "PMRA"): 7.5})
    loaded.replace("targetphot", "target", files=[path])
    summary = loaded.load("all")
    assert (sum(row.rows_read for row in summary.tables), summary.steps) == (0, 0)
