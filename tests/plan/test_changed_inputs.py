"""Files that change, vanish or come half loaded between two loads, and values that hide."""

from __future__ import annotations

import numpy as np
import psycopg
import pytest
from astropy.io import fits
from astropy.table import Table
from support.changing import interrupt_after, iron, many_transactions

from specprod_copy.cli import cli
from specprod_copy.errors import ChangedFileError, InputError
from specprod_copy.plan import first_occurrences
from specprod_copy.postgres import catalog

__all__ = ["iron", "many_transactions"]


def test_vanished_file(iron):
    iron.load("photometry", "targetphot")
    gone = iron.files.tractorphot()[0]
    gone.unlink()
    with pytest.raises(ChangedFileError) as caught:
        iron.load("photometry", "targetphot")
    assert str(caught.value) == (
        f"{gone.relative_to(iron.root)}[TRACTORPHOT]: its rows are in table photometry, but it is "
        "not among the files of stage photometry now; --overwrite loads the stage anew"
    )


def test_vanished_file_of_an_interrupted_overwrite(iron, many_transactions, monkeypatch):
    """What was loaded of it beside is not swapped in."""
    again = interrupt_after(monkeypatch, 3)
    with pytest.raises(KeyboardInterrupt):
        iron.load("photometry", "targetphot", overwrite=True)
    again()
    gone = iron.files.tractorphot()[0]
    lost = set(fits.getdata(gone, 1)["TARGETID"].tolist())
    gone.unlink()
    iron.load("photometry", "targetphot", overwrite=True)
    left = np.concatenate(
        [
            fits.getdata(f, 1)["TARGETID"]
            for f in (*iron.files.tractorphot(), *iron.files.targetphot())
        ]
    )
    got = {t for (t,) in iron.query("SELECT targetid FROM iron.photometry")}
    assert got == set(left.tolist())
    assert lost


def test_schema_of_the_user_beside(iron):
    """A schema that is called like ours, or has _new at its end, is not touched."""
    iron.load("exposures")
    with psycopg.connect(iron.conninfo) as connection:
        connection.execute("CREATE SCHEMA iron_new; CREATE TABLE iron_new.tile (mine int)")
    iron.load("exposures", overwrite=True)
    assert iron.query("SELECT count(*) FROM iron_new.tile") == [(0,)]


def test_changed_tractor_file_before_targetphot(iron):
    """Which targetphot rows count depends on the tractorphot files: they must be those loaded."""
    iron.load("photometry")
    path = iron.files.tractorphot()[0]
    table = Table(fits.getdata(path, 1))
    extra = table[:1].copy()
    extra["TARGETID"] = fits.getdata(iron.files.targetphot()[0], 1)["TARGETID"][0]
    rows = np.concatenate([np.asarray(table), np.asarray(extra)], dtype=np.asarray(table).dtype)
    fits.BinTableHDU(rows, name="TRACTORPHOT").writeto(path, overwrite=True)
    with pytest.raises(ChangedFileError, match="changed since its rows were loaded"):
        iron.load("targetphot")


def test_interrupted_stage_is_not_complete(iron, many_transactions, monkeypatch):
    again = interrupt_after(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt):
        iron.load("photometry")
    again()
    notes = iron.load("targetphot").notes
    assert "keys and indexes of photometry wait for stage photometry" in notes
    assert not iron.query("SELECT 1 FROM pg_indexes WHERE indexname = 'photometry_pkey'")
    iron.load("photometry")
    assert iron.query("SELECT 1 FROM pg_indexes WHERE indexname = 'photometry_pkey'")


def test_complete_stages_are_not_read_again(iron, monkeypatch):
    iron.load("photometry", "targetphot")
    monkeypatch.setattr(
        first_occurrences, "first_rows", lambda *_: pytest.fail("TARGETIDs were read again")
    )
    iron.load("photometry", "targetphot")


def test_fiberassign_without_tiles(iron):
    with pytest.raises(InputError, match="load stage exposures first, or together"):
        iron.load("fiberassign")
    assert iron.query("SELECT 1 FROM pg_namespace WHERE nspname = 'iron'") == []


def test_cluster_is_done_once(iron):
    if not iron.query("SELECT 1 FROM pg_available_extensions WHERE name = 'q3c'"):
        pytest.skip("the server does not have q3c")
    iron.load("exposures", cluster=True)
    files = "SELECT relname, relfilenode FROM pg_class WHERE relname IN ('tile', 'exposure')"
    before = iron.query(files)
    iron.load("exposures", cluster=True)
    assert iron.query(files) == before


@pytest.mark.parametrize("mjd", [-1e9, 1e9, 1e300])
def test_impossible_dates(iron, mjd):
    with fits.open(iron.files.exposures(), mode="update") as hdus:
        hdus["EXPOSURES"].data["MJD"][1] = mjd
    with pytest.raises(InputError) as caught:
        iron.load("exposures")
    assert f"column MJD: not a date of the years 1 to 9999 (row 1: {mjd!r};" in str(caught.value)


def test_null_targetid_does_not_vanish(iron):
    """A row without TARGETID is no sky row."""
    path = iron.files.zall_pix()
    with fits.open(path) as hdus:
        hdu = hdus[1].copy()
    null = int(hdu.data["TARGETID"][2])
    hdu.header[f"TNULL{hdu.columns.names.index('TARGETID') + 1}"] = null
    hdu.writeto(path, overwrite=True)
    with pytest.raises(InputError, match=r"TARGETID: NULL in a NOT NULL column \(row 2: None"):
        iron.load("zpix")


def test_encoding_of_the_client_does_not_matter(iron, monkeypatch):
    table = Table.read(iron.files.tiles())
    table.convert_bytestring_to_unicode()
    table["FAFLAVOR"][0] = "né"
    path = iron.root / "tiles.csv"
    table.write(path, format="ascii.csv")
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    iron.load("tile", inputs={"tiles_file": path})
    monkeypatch.delenv("PGCLIENTENCODING")
    got = iron.query("SELECT count(*) FROM iron.tile WHERE faflavor = 'né'")
    assert got == [(1,)]


def test_server_without_q3c(iron, monkeypatch):
    monkeypatch.setattr(catalog, "q3c_version", lambda *_, **__: None)
    summary = iron.load("exposures")
    assert any(
        note.startswith("the server does not have the extension q3c") for note in summary.notes
    )
    assert iron.query("SELECT 1 FROM pg_indexes WHERE indexname LIKE '%q3c%'") == []


def test_production_and_root_from_the_environment(iron):
    from click.testing import CliRunner

    environment = {"SPECPROD": "iron", "DESI_ROOT": str(iron.root)}
    done = CliRunner().invoke(cli, ["load", "tile", "--dsn", iron.conninfo], env=environment)
    assert done.exit_code == 0
    assert iron.query("SELECT count(*) FROM iron.tile") == [(4,)]
