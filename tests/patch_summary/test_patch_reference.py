"""The patched files of the reference, byte for byte, and the record of their changes."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path

import polars as pl
from astropy.io import fits
from support.summary_productions import content

from specprod_copy.patch_summary import Folders, PatchResult, patch_summary


def run_reference(shared: Path, out: Path) -> PatchResult:
    inputs = shared / "reference" / "patch" / "spectro"
    now = datetime.fromisoformat("2026-11-23T01:07:01-08:00")
    folders = Folders(inputs / "redux", inputs / "data")
    return patch_summary("jura", "daily", out, folders=folders, now=now)


def test_files_are_those_of_the_reference_to_the_byte(shared: Path, tmp_path: Path) -> None:
    run_reference(shared, tmp_path / "out")
    expected, written = content(shared / "reference/patch-expected"), content(tmp_path / "out")
    assert {name: written.get(name) == expected[name] for name in expected} == dict.fromkeys(
        expected, True
    )
    assert set(written) - set(expected) == {
        "changes-daily-patched-with-jura-20261123.parquet",
        "changes-daily-patched-with-jura-20261123.txt",
    }


def test_record_holds_exactly_the_differences_of_the_files(shared: Path, tmp_path: Path) -> None:
    result = run_reference(shared, tmp_path)
    name = "changes-daily-patched-with-jura-20261123"
    record = pl.read_parquet(tmp_path / f"{name}.parquet")
    assert record.equals(result.changes)
    text = (tmp_path / f"{name}.txt").read_text().splitlines()
    assert len(text) == len(result.lines()) + 1 + record.height
    assert text[: len(result.lines())] == result.lines()

    expected = {}
    for hdu, keys in (("EXPOSURES", ["EXPID"]), ("FRAMES", ["EXPID", "CAMERA"])):
        before, after = (
            fits.getdata(tmp_path / f"exposures-daily-{kind}-20261123.fits", hdu)
            for kind in ("original", "patched-with-jura")
        )
        for old, new in zip(before, after, strict=True):
            for column in before.names:
                if old[column] != new[column]:  # NaN, which becomes something, differs from itself
                    key = (hdu.lower(), *(old[k] for k in keys), column)
                    expected[key] = (old[column], new[column])
    first_and_last = {}
    for table, _, expid, camera, column, old, new, _ in (
        record.filter(table="exposures").vstack(record.filter(table="frames")).rows()
    ):
        key = (table, expid, camera, column) if camera else (table, expid, column)
        first_and_last[key] = (first_and_last.get(key, (old,))[0], new)
    assert first_and_last.keys() == expected.keys()
    for key, (old, new) in first_and_last.items():
        number = type(expected[key][1])  # numpy's, so that a 32-bit float is read as one
        assert number(new) == expected[key][1]
        assert (
            old == str(expected[key][0])
            or (old is None and math.isnan(expected[key][0]))
            or (number(old) == expected[key][0])
        )
