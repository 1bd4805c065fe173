"""``load --replace``: the rows of changed files are loaded again, and no others are touched."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from click.testing import CliRunner
from support.changing import (
    TABLES,
    Case,
    edit,
    iron,
    loaded,
    many_transactions,
    refused,
    targetids,
)

from specprod_copy.cli import cli
from specprod_copy.demo import write_production
from specprod_copy.errors import (
    ChangedFileError,
    ConfigurationError,
    DatabaseError,
)

__all__ = ["iron", "loaded", "many_transactions"]


def test_the_command_of_the_error(loaded):
    """It replaces the one row that differs; nothing else is written to."""
    before = {table: loaded.versions(table) for table in TABLES}
    edit(loaded.files.tiles(), values={(2, "NEXP"): 77})
    with pytest.raises(ChangedFileError) as caught:
        loaded.load("exposures")
    command = str(caught.value).partition("into tile; ")[2].partition(" replaces them")[0]
    program, *arguments = shlex.split(command)
    assert program == "specprod-copy"
    done = CliRunner().invoke(cli, [*arguments, "--dsn", loaded.conninfo], catch_exceptions=False)
    assert done.exit_code == 0
    assert "note: tile: 1 rows changed, 0 new, 0 removed\n" in done.output
    tile = next(line.split() for line in done.output.splitlines() if line.startswith("tile"))
    assert tile == ["tile", "exposures", "1", "4", "4", *tile[5:-1], "0"]
    after = {table: loaded.versions(table) for table in TABLES}
    changed = before["tile"].keys() - after["tile"].keys()
    assert len(changed) == 1
    assert after["tile"].items() - before["tile"].items() == {
        (row, version) for row, version in after["tile"].items() if ",77," in row
    }
    assert all(after[table] == before[table] for table in TABLES if table != "tile")
    loaded.assert_equals_fresh_load()


def test_only_the_sign_of_zero(loaded):
    loaded.query(
        "UPDATE iron.tile SET efftime_gfa = 0 WHERE tileid IN (SELECT min(tileid) FROM iron.tile)"
    )
    row = int(fits.getdata(loaded.files.tiles(), 1)["TILEID"].argmin())
    edit(loaded.files.tiles(), values={(row, "EFFTIME_GFA"): -0.0})
    loaded.replace("exposures", files=[loaded.files.tiles()])
    assert loaded.query("SELECT count(*) FROM iron.tile WHERE efftime_gfa::text = '-0'") == [(1,)]


def test_two_hdus_of_one_file(loaded):
    """Rows vanish from both tables, and one refers to the other."""
    path = loaded.files.exposures()
    expid = int(fits.getdata(path, "EXPOSURES")["EXPID"][0])
    stay = fits.getdata(path, "FRAMES")["EXPID"] != expid
    edit(path, "EXPOSURES", rows=lambda n: range(1, n), values={(0, "MJD"): 59000.25})
    edit(path, "FRAMES", rows=lambda n: np.flatnonzero(stay), values={(0, "EBV"): 0.5})
    summary = loaded.replace("exposures", files=[path])
    assert summary.notes[:2] == [
        "exposure: 1 rows changed, 0 new, 1 removed",
        f"frame: 1 rows changed, 0 new, {np.count_nonzero(~stay)} removed",
    ]
    loaded.assert_equals_fresh_load()


def test_a_table_alone(loaded):
    """A table's name stands for its part of the stage."""
    path = loaded.files.exposures()
    edit(path, "FRAMES", rows=lambda n: range(3, n))
    loaded.replace("frame", files=[path])
    loaded.assert_equals_fresh_load()


def test_catalog(loaded):
    """A row changes, one goes; all else stays as it lies."""
    before = loaded.versions("zpix")
    path = loaded.files.zall_pix()
    edit(path, rows=lambda n: range(n - 1), values={(5, "Z"): 0.125})
    loaded.replace("redshift", files=[path])
    after = loaded.versions("zpix")
    assert len(after.keys() - before.keys()) == 1
    assert all(before[row] == after[row] for row in before.keys() & after.keys())
    loaded.assert_equals_fresh_load()


def test_relative_names(loaded, monkeypatch):
    """Relative to the root, as in the ledger, or to the folder where one is."""
    path = loaded.files.tiles()
    edit(path, values={(0, "NEXP"): 70})
    loaded.replace("tile", files=[path.relative_to(loaded.root)])
    edit(path, values={(0, "NEXP"): 71})
    monkeypatch.chdir(path.parent)
    loaded.replace("tile", files=[Path(path.name)])
    assert loaded.query("SELECT count(*) FROM iron.tile WHERE nexp = 71") == [(1,)]


def test_a_bare_name(loaded, monkeypatch, tmp_path):
    """It is a file of the production, unless one of that name lies in the folder."""
    monkeypatch.chdir(tmp_path)
    path = loaded.files.tiles()
    edit(path, values={(0, "NEXP"): 72})
    loaded.replace("tile", files=[Path(path.name)])
    assert loaded.query("SELECT count(*) FROM iron.tile WHERE nexp = 72") == [(1,)]
    Path(path.name).write_bytes(b"")
    with pytest.raises(ConfigurationError, match=f"^{path.name} is not among the files"):
        loaded.replace("tile", files=[Path(path.name)])


# Several files per table -------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".fits", ".fits.gz"])
def test_one_of_many_files(loaded, suffix):
    """Rows of a tile's file change, come and go; those of other tiles are not touched."""
    path = next(p for p in sorted(loaded.root.rglob(f"fiberassign-*{suffix}")))
    tileid = int(path.name[12:18])
    before = {table: loaded.versions(table) for table in ("fiberassign", "potential")}
    science = np.flatnonzero(np.isin(targetids(path), list(_photometry(loaded))))
    gone, doubled = science[:2].tolist()
    edit(
        path,
        "FIBERASSIGN",
        rows=lambda n: [*(row for row in range(n) if row != gone), doubled],
        values={(0, "PMRA"): 7.5, (-1, "LOCATION"): 9999, (-1, "FIBER"): 4999},
    )
    edit(path, "POTENTIAL_ASSIGNMENTS", rows=lambda n: range(n // 2))
    summary = loaded.replace("fiberassign", files=[path])
    assert summary.notes[0].endswith(" 1 new, 1 removed")
    for table, old in before.items():
        new = loaded.versions(table)
        others = {row for row in old if f",{tileid}," not in row}
        assert others
        assert {row: new.get(row) for row in others} == {row: old[row] for row in others}
    loaded.assert_equals_fresh_load()


def _photometry(case: Case) -> set[int]:
    return {t for (t,) in case.query("SELECT targetid FROM iron.photometry")}


def test_two_files_at_once(loaded):
    """Rows move from one file to another."""
    one, other = loaded.files.tractorphot()[:2]
    with fits.open(one) as a, fits.open(other) as b:
        moved = a[1].data[:2].copy()
        assert a[1].columns.names == b[1].columns.names
        a[1].data = a[1].data[2:]
        a.writeto(one.with_name("a"))
        grown = fits.BinTableHDU.from_columns(b[1].columns, nrows=len(b[1].data) + 2)
        for name in b[1].columns.names:
            grown.data[name][-2:] = moved[name]
        grown.name = "TRACTORPHOT"
        fits.HDUList([b[0], grown]).writeto(other.with_name("b"))
    one.with_name("a").replace(one)
    other.with_name("b").replace(other)
    before = loaded.state()
    with pytest.raises(ChangedFileError, match=f"{other.name}.* --replace {other} replaces them"):
        loaded.replace("photometry", files=[one])
    assert loaded.state() == before
    loaded.replace("photometry", files=[one, other])
    loaded.assert_equals_fresh_load()


def test_key_of_another_file(loaded):
    one, other = loaded.files.tractorphot()[:2]
    taken = targetids(other)[4]
    edit(one, values={(3, "TARGETID"): taken})
    message = refused(loaded, "photometry", files=[one])
    assert message == (
        f"targetid of table photometry is not unique: (targetid) = ({taken}), from "
        f"{one}[TRACTORPHOT] row 3, {other}[TRACTORPHOT] row 4. Take the rows out of the files, or "
        "load the right files with --overwrite"
    )


def test_key_twice_in_the_file(loaded):
    path = loaded.files.tiles()
    tileid = int(fits.getdata(path, 1)["TILEID"][0])
    edit(path, values={(2, "TILEID"): tileid})
    message = refused(loaded, "exposures", files=[path])
    assert f"(tileid) = ({tileid}), from {path}[TILE_COMPLETENESS] row 0, {path}" in message


# Where only the first row of a target counts -----------------------------------------------------


def test_tractor_file_gains_and_loses_targets(loaded):
    """Targets then have photometry from targetphot, or no more."""
    path = loaded.files.tractorphot()[1]
    lost = targetids(path)[0]
    only_targeted = {t for f in loaded.files.targetphot() for t in targetids(f)}.difference(
        *(targetids(f) for f in loaded.files.tractorphot())
    )
    gained = min(only_targeted)
    assert lost in {t for f in loaded.files.targetphot() for t in targetids(f)}
    edit(path, rows=lambda n: [*range(1, n), n - 1], values={(-1, "TARGETID"): gained})
    summary = loaded.replace("photometry", files=[path])
    assert summary.notes[0] == "photometry: 2 rows changed, 0 new, 0 removed"
    loaded.assert_equals_fresh_load()


def test_targetphot_file(loaded):
    """Its rows are in two tables. Those of later files count where the target left this one."""
    path, gone = _target_that_a_later_file_has(loaded)
    stay = [row for row, t in enumerate(targetids(path)) if t != gone]
    assert 0 in stay
    edit(path, rows=lambda n: stay, values={(0, "PMRA"): 7.5, (-1, "PMDEC"): -7.5})
    row = f"SELECT t::text FROM iron.photometry t WHERE targetid = {gone}"
    before = loaded.query(row)
    loaded.replace("targetphot", "target", files=[path])
    after = loaded.query(row)
    assert (len(before), len(after), before == after) == (1, 1, False)
    loaded.assert_equals_fresh_load()


def _target_that_a_later_file_has(case: Case) -> tuple[Path, int]:
    """Return a targetphot file and a target whose photometry is from it, without spectra."""
    tractor = {t for f in case.files.tractorphot() for t in targetids(f)}
    observed = {t for (t,) in case.query("SELECT targetid FROM iron.ztile")}
    seen = tractor | observed
    files = [(path, targetids(path)) for path in case.files.targetphot()]
    for number, (path, mine) in enumerate(files):
        later = {t for _, others in files[number + 1 :] for t in others}
        for t in sorted(set(mine[1:]) & later - seen):
            return path, t
        seen.update(mine)
    raise AssertionError("the production has no such target")


def test_target_that_is_referred_to(loaded):
    """Its spectra would lose it: the error says which stage's files have to change as well."""
    first = loaded.files.targetphot()[0]
    observed = {t for (t,) in loaded.query("SELECT targetid FROM iron.ztile")}
    stay = [row for row, t in enumerate(targetids(first)) if t not in observed]
    assert len(stay) < len(targetids(first))
    edit(first, rows=lambda n: stay)
    message = refused(loaded, "targetphot", "target", files=[first], kind=DatabaseError)
    assert message.startswith("table ztile refers to a row of table target that no file gives ")
    assert "Replace the files of stage redshift as well, in the same command, or " in message


def test_catalogs_per_survey(database, tmp_path):
    """What is computed over all rows of the table is computed again."""
    root = tmp_path / "split"
    write_production(root, "iron", tiles=4, targets=50, per_survey=True)
    for zall in root.glob("spectro/redux/iron/zcatalog/v1/zall-*.fits"):
        zall.unlink()
    case = Case(root, database)
    case.load("all")
    before = case.versions("ztile")
    path = max(case.files.ztile_survey_program(), key=lambda path: len(targetids(path)))
    edit(path, rows=lambda n: range(4, n), values={(0, "ZWARN"): 4, (1, "Z"): 0.25})
    case.replace("redshift", files=[path])
    after = case.versions("ztile")
    assert 2 <= len(after.keys() - before.keys()) < len(after) // 2
    case.assert_equals_fresh_load()
