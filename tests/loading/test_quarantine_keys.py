"""Rows with a key that another row has, or that refer to nothing, go into quarantine as well."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from astropy.io import fits
from support import limits
from support.moments import await_no_loader, await_waiting, table_held
from support.quarantine_case import Case, iron

from specprod_copy.demo import write_production
from specprod_copy.desi.ids import SKY_BIT
from specprod_copy.errors import DatabaseError
from specprod_copy.postgres.connection_pool import Connections
from specprod_copy.tables import Inputs

__all__ = ["iron"]

WHY = ["row", "column", "value", "reason"]


@pytest.fixture(params=["one transaction", "many"])
def pieces(request, iron) -> str:
    if request.param == "many":
        iron.limits = limits.cut(40, 20)
    return request.param


def frames_of(iron: Case, expid: int) -> list[int]:
    frames = fits.getdata(iron.files.exposures(), "FRAMES")
    return np.flatnonzero(frames["EXPID"] == expid).tolist()


def targets(catalog: Path) -> np.ndarray:
    """Return the numbers of the rows of a catalog that are loaded."""
    ids = fits.getdata(catalog, 1)["TARGETID"]
    return np.flatnonzero((ids > 0) & (ids & SKY_BIT == 0))


def test_key_twice_in_a_file(iron, pieces):
    """The first row stays; what refers to the second one's own key goes with it."""
    path = iron.files.exposures()
    expids = fits.getdata(path, "EXPOSURES")["EXPID"].tolist()
    iron.change(path, "EXPOSURES", "EXPID", 5, expids[2])
    iron.change(path, "EXPOSURES", "EXPID", 6, expids[2])
    iron.change(path, "EXPOSURES", "EXPTIME", 5, np.nan)  # is counted with the values changed
    printed = iron.load("exposures")
    frames = sorted(frames_of(iron, expids[5]) + frames_of(iron, expids[6]))
    file = path.relative_to(iron.root)
    reason = f"expid is that of row 2 of {file}[EXPOSURES]"
    assert iron.parquet("exposures.exposure").select(WHY).rows() == [
        (5, "EXPID", str(expids[2]), reason),
        (6, "EXPID", str(expids[2]), reason),
    ]
    found = iron.parquet("exposures.frame")
    assert found["row"].to_list() == frames
    assert found["reason"].unique().to_list() == ["no row of exposure has this expid"]
    assert set(found["value"]) == {str(expids[5]), str(expids[6])}
    assert f"rows in quarantine: {len(frames)} of frame" in printed
    ledger = """SELECT sum(rows_read)::int, sum(rows_kept)::int, sum(rows_quarantined)::int
                FROM iron.load_ledger WHERE table_name = 'exposure'"""
    assert iron.query(ledger) == [(8, 6, 2)]
    assert "exposure  exposures      1     8     6 " in printed
    assert iron.verify("exposures") == {}

    iron.without(path, "EXPOSURES", [5, 6])
    iron.without(path, "FRAMES", frames)
    iron.load("exposures", "--schema", "clean", code=0)
    for table in ("tile", "exposure", "frame"):
        assert iron.table(table) == iron.table(table, "clean")
    keys = "SELECT conname FROM pg_constraint WHERE connamespace = '{}'::regnamespace ORDER BY 1"
    assert iron.query(keys.format("iron")) == iron.query(keys.format("clean"))


def test_key_twice_across_files(iron):
    first, second = iron.files.tractorphot()[:2]
    targetid = int(fits.getdata(first, 1)["TARGETID"][4])
    iron.change(second, "TRACTORPHOT", "TARGETID", 1, targetid)
    iron.load("photometry", "targetphot")
    found = iron.parquet("photometry.photometry")
    assert found.select("file", *WHY).rows() == [
        (
            str(second.relative_to(iron.root)),
            1,
            "TARGETID",
            str(targetid),
            f"targetid is that of row 4 of {first.relative_to(iron.root)}[TRACTORPHOT]",
        )
    ]
    assert iron.verify("photometry", "targetphot") == {}
    iron.without(second, "TRACTORPHOT", [1])
    iron.load("photometry", "targetphot", "--schema", "clean", code=0)
    assert iron.table("photometry") == iron.table("photometry", "clean")


def test_orphans_and_what_refers_to_them(iron, pieces):
    path = iron.files.exposures()
    expid = int(fits.getdata(path, "EXPOSURES")["EXPID"][3])
    iron.change(path, "EXPOSURES", "TILEID", 3, 99999)
    iron.load("exposures")
    frames = frames_of(iron, expid)
    assert iron.parquet("exposures.exposure").select(WHY).rows() == [
        (3, "TILEID", "99999", "no row of tile has this tileid")
    ]
    assert iron.parquet("exposures.frame").select(WHY).rows() == [
        (row, "EXPID", str(expid), "no row of exposure has this expid") for row in frames
    ]
    assert iron.verify("exposures") == {}
    iron.without(path, "EXPOSURES", [3])
    iron.without(path, "FRAMES", frames)
    iron.load("exposures", "--schema", "clean", code=0)
    for table in ("exposure", "frame"):
        assert iron.table(table) == iron.table(table, "clean")


def test_rows_of_earlier_loads(iron):
    """Rows that earlier loads brought, with a foreign key between them, go as well."""
    tileid = int(fits.getdata(iron.files.tiles(), 1)["TILEID"][1])
    exposures = fits.getdata(iron.files.exposures(), "EXPOSURES")
    lost = exposures["EXPID"][exposures["TILEID"] == tileid].tolist()
    iron.load("exposure", "frame", code=0)
    iron.change(iron.files.tiles(), "TILE_COMPLETENESS", "SURVEY", 1, "xyz")
    printed = iron.load("tile")
    assert f"rows in quarantine: {len(lost)} of exposure" in printed
    frames = sorted(row for expid in lost for row in frames_of(iron, expid))
    assert iron.parquet("exposures.frame")["row"].to_list() == frames
    assert iron.query("SELECT count(*) FROM iron.frame") == [(239 - len(frames),)]
    assert iron.verify("exposures") == {}


def test_mended_tile(iron):
    """What went with it comes back with the files that it is in, changed or not."""
    tiles, exposures = iron.files.tiles(), iron.files.exposures()
    original = tiles.read_bytes()
    iron.change(tiles, "TILE_COMPLETENESS", "SURVEY", 1, "xyz")
    iron.load("exposures")
    tiles.write_bytes(original)
    replace = ["exposures", "--yes", "--replace", str(tiles), "--replace", str(exposures)]
    iron.load(*replace, quarantine=False, code=0)
    iron.load("exposures", "--schema", "clean", code=0)
    for table in ("tile", "exposure", "frame"):
        assert iron.table(table) == iron.table(table, "clean")
    assert iron.query("SELECT sum(rows_quarantined)::int FROM iron.load_ledger") == [(0,)]
    assert iron.verify("exposures") == {}


def test_copied_files_of_earlier_loads(iron):
    """A file with another time of change has the rows that were loaded all the same."""
    iron.load("exposure", "frame", code=0)
    os.utime(iron.files.exposures(), ns=(1, 1))
    iron.change(iron.files.tiles(), "TILE_COMPLETENESS", "SURVEY", 1, "xyz")
    assert "of exposure, in" in iron.load("tile")
    assert iron.verify("exposures") == {}


def test_bad_tile(iron):
    """It takes its spectra with it, and the same files are inputs with and without its stage."""
    iron.change(iron.files.tiles(), "TILE_COMPLETENESS", "SURVEY", 1, "xyz")
    tileid = int(fits.getdata(iron.files.tiles(), 1)["TILEID"][1])
    iron.load("all")
    for stage, tables in {
        "exposures": ("exposure", "frame"),
        "target": ("target",),
        "redshift": ("ztile",),
        "fiberassign": ("fiberassign", "potential"),
    }.items():
        for table in tables:
            assert iron.query(f"SELECT count(*) FROM iron.{table} WHERE tileid = {tileid}") == [
                (0,)
            ]
            assert iron.parquet(f"{stage}.{table}").height > 0
    assert iron.verify("all") == {}
    again = "SELECT entry, rows_kept FROM iron.load_ledger ORDER BY 1, 2"
    before = iron.query(again)
    iron.load("fiberassign")
    assert iron.query(again) == before
    assert iron.verify("fiberassign") == {}


def test_what_is_computed_after_the_rows(tmp_path, database):
    """The spectra of a target are counted without those in quarantine."""
    write_production(tmp_path / "original", "guadalupe", tiles=4, targets=60, per_survey=True)
    case = Case(tmp_path, tmp_path / "original", database, "guadalupe")
    case.files.zall_pix().unlink()
    path = case.files.zpix_survey_program()[0]
    one, other = targets(path)[:2]
    targetid = int(fits.getdata(path, 1)["TARGETID"][one])
    case.change(path, "ZCATALOG", "TARGETID", other, targetid)
    case.load("zpix")
    counts = f"SELECT zcat_nspec FROM guadalupe.zpix WHERE targetid = {targetid}"
    assert case.query(counts) == [(1,)]
    assert case.parquet("redshift.zpix")["row"].to_list() == [other]
    assert case.verify("zpix") == {}
    case.without(path, "ZCATALOG", [other])
    case.load("zpix", "--schema", "clean", code=0)
    assert case.table("zpix", "guadalupe") == case.table("zpix", "clean")


def test_double_key_beside_quarantine(iron, monkeypatch):
    """Without quarantine the message names both places, though other rows cannot be read."""
    path = iron.files.exposures()
    expids = fits.getdata(path, "EXPOSURES")["EXPID"].tolist()
    iron.change(path, "EXPOSURES", "EXPID", 5, expids[2])
    iron.change(path, "EXPOSURES", "MJD", 1, 1e9)
    iron.limits = limits.LARGE

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Connections, "run", interrupted)
        iron.load("exposure", code=1)
    place = f"{path}[EXPOSURES]"
    with pytest.raises(DatabaseError) as caught:
        iron.load("exposure", quarantine=False)
    assert f"from {place} row 2, {place} row 5." in str(caught.value)
    iron.load("exposure")
    assert iron.parquet("exposures.exposure")["row"].to_list() == [1, 5]


def test_more_than_may_be(iron):
    iron.change(iron.files.exposures(), "EXPOSURES", "TILEID", 3, 99999)
    frames = frames_of(iron, int(fits.getdata(iron.files.exposures())["EXPID"][3]))
    with pytest.raises(DatabaseError) as caught:
        iron.load("exposures", "--max-quarantined", str(len(frames)))
    assert str(caught.value) == (
        f"{len(frames) + 1} rows of schema iron would be in quarantine, and at most {len(frames)} "
        "may be: mend the files, or allow more with --max-quarantined"
    )
    assert iron.query("SELECT 1 FROM pg_namespace WHERE nspname = 'iron'") == []
    with fits.open(iron.files.exposures(), mode="update") as hdus:
        hdus["EXPOSURES"].data["TILEID"] = 99999
    with pytest.raises(DatabaseError, match="more than 2 rows are concerned, too many"):
        iron.load("exposures", "--max-quarantined", "2")


def test_verify_looks_for_the_other_row(iron):
    """A row that is in quarantine for its key would fit when the other one is gone."""
    path = iron.files.exposures()
    expids = fits.getdata(path, "EXPOSURES")["EXPID"].tolist()
    iron.change(path, "EXPOSURES", "EXPID", 5, expids[2])
    iron.change(path, "EXPOSURES", "TILEID", 3, 99999)
    iron.load("exposures")
    iron.query(f"DELETE FROM iron.frame WHERE expid = {expids[2]}")
    iron.query(f"DELETE FROM iron.exposure WHERE expid = {expids[2]}")
    iron.query(
        """INSERT INTO iron.tile SELECT (json_populate_record(t, '{"tileid": 99999}')).*
           FROM iron.tile t LIMIT 1"""
    )
    file = f"{path.relative_to(iron.root)}[EXPOSURES]"
    assert iron.verify("exposures")["exposure quarantine"] == (
        f"not refused again, or for another reason: {file} row 3; {file} row 5"
    )


DRIVER = """
from specprod_copy.cli import main
from specprod_copy.plan.limits import Limits
if __name__ == "__main__":
    main(Limits(unit_rows=20, batch_rows=40, small_rows=0, whole_bytes=0))
"""


def test_several_processes(iron, tmp_path):
    """Everything at once, by one process and by two that are killed: the same tables and files."""
    exposures, zpix = iron.files.exposures(), iron.files.zall_pix()
    iron.change(exposures, "EXPOSURES", "TILEID", 3, 99999)
    iron.change(exposures, "FRAMES", "CAMERA", 7, "q1")
    iron.change(zpix, "ZCATALOG", "TARGET_DEC", int(targets(zpix)[-1]), 91.0)
    iron.change(iron.files.targetphot()[0], "TARGETPHOT", "SURVEY", 5, "xyz")
    script = tmp_path / "load.py"
    script.write_text(DRIVER)

    def start(jobs: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(script), "load", "all", "-p", "iron", "-s", f"jobs{jobs}"]
        command += ["-r", str(iron.root), "--dsn", iron.conninfo, "--jobs", jobs]
        command += ["--on-error", "quarantine", "--quarantine", str(iron.folder / jobs)]
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)

    with table_held(iron.conninfo, Inputs(iron.files), "jobs2", "zpix"):
        killed = start("2")
        await_waiting(iron.conninfo, 'COPY "jobs2"."zpix"%', killed, sessions=2)
        assert iron.query("SELECT 1 FROM jobs2.load_ledger WHERE rows_quarantined > 0")
        killed.kill()
        killed.communicate()
    await_no_loader(iron.conninfo)
    for jobs in ("1", "2"):
        process = start(jobs)
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 3, errors
    names = [path.name.removeprefix("jobs1.") for path in (iron.folder / "1").iterdir()]
    assert {
        "exposures.exposure.parquet",
        "exposures.frame.parquet",
        "target.target.parquet",
        "redshift.zpix.parquet",
    } <= set(names)
    for name in names:
        one = pl.read_parquet(iron.folder / "1" / f"jobs1.{name}")
        two = pl.read_parquet(iron.folder / "2" / f"jobs2.{name}")
        assert one.equals(two), name
    tables = iron.query("SELECT tablename FROM pg_tables WHERE schemaname = 'jobs1'")
    for (table,) in tables:
        if table != "load_ledger":
            assert iron.table(table, "jobs1") == iron.table(table, "jobs2")
