"""Patched summary files: the reference's bytes, the rules row by row, and what must be refused."""

from __future__ import annotations

import csv
import itertools
import math
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from astropy.io import fits
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specprod_copy.atomic_files import staged
from specprod_copy.cli.patch_summary import summary as command
from specprod_copy.desi.programs import faflavor2program
from specprod_copy.errors import ConfigurationError, InputError
from specprod_copy.patch_summary import PatchResult, patch_summary
from specprod_copy.patch_summary.inputs import LAYOUTS, Summary, SummaryFiles, checked
from specprod_copy.patch_summary.raw_headers import raw_file
from specprod_copy.patch_summary.steps import patch
from specprod_copy.patch_summary.table import SummaryTable

NOW = datetime(2024, 7, 2, 5, 6, 7, tzinfo=UTC)  # the day before, in California
UPDATED = "2024-07-01T22:06:07-0700"
SURVEYS = ("cmx", "sv1", "sv2", "sv3", "main", "special")

Row = dict[str, Any]

# ---------------------------------------------------------------- small productions


def tile(tileid: int, **values: Any) -> Row:
    row = {"TILEID": tileid, "SURVEY": "main", "PROGRAM": "dark", "FAPRGRM": "dark"}
    row |= {"FAFLAVOR": "maindark", "NEXP": 1, "EXPTIME": 900.5, "TILERA": 10.5, "TILEDEC": -1.25}
    row |= {"EFFTIME_SPEC": 1000.0, "OBSSTATUS": "obsend", "GOALTYPE": "dark"}
    return row | {"LASTNIGHT": 20210102} | values


def exposure(expid: int, tileid: int, **values: Any) -> Row:
    row = {"NIGHT": 20210101, "EXPID": expid, "TILEID": tileid, "TILERA": 10.5, "TILEDEC": -1.25}
    row |= {"MJD": 59215.25, "SURVEY": "main", "PROGRAM": "dark", "FAPRGRM": "dark"}
    row |= {"FAFLAVOR": "maindark", "EFFTIME_SPEC": 500.0, "GOALTYPE": "dark"}
    return row | {"AIRMASS": np.float32(1.1), "TSNR2_LRG": 2.0} | values


def frame(expid: int, camera: str, **values: Any) -> Row:
    row = {"EXPID": expid, "CAMERA": camera, "MJD": 59215.25, "EXPTIME": np.float32(450.0)}
    return row | {"TSNR2_LRG": 1.5, "TSNR2_ALPHA": np.float32(1.0), "GOALTYPE": "dark"} | values


FORMATS = {int: "J", float: "D", np.float32: "E"}


def write_hdu(name: str, rows: list[Row], **keywords: Any) -> fits.BinTableHDU:
    columns = []
    for column in rows[0]:
        values = [row[column] for row in rows]
        width = max(len(value) for value in values) if isinstance(values[0], str) else 0
        tform = f"{max(width, 1)}A" if isinstance(values[0], str) else FORMATS[type(values[0])]
        columns.append(fits.Column(column, tform, array=np.array(values)))
    hdu = fits.BinTableHDU.from_columns(columns, name=name)
    hdu.header.update(keywords)
    return hdu


def write_csv(path: Path, rows: list[Row]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


class Productions:
    """Two productions that agree, to be made faulty and then patched."""

    def __init__(self, root: Path) -> None:
        self.redux, self.raw, self.out = root / "spectro/redux", root / "spectro/data", root / "out"
        tiles, frames = [tile(1), tile(2)], [frame(101, "b0"), frame(101, "z9"), frame(201, "b0")]
        exposures = [exposure(101, 1), exposure(102, 1), exposure(201, 2)]
        self.rows = {
            production: {
                "tiles": [dict(row) for row in tiles],
                "exposures": [dict(row) for row in exposures],
                "frames": [dict(row) for row in frames],
            }
            for production in ("jura", "daily")
        }
        self.jura, self.daily = self.rows["jura"], self.rows["daily"]
        self.keywords: dict[str, Any] = {}

    def file(self, production: str, kind: str) -> Path:
        suffix = {"tiles": "csv", "exposures": "fits"}[kind]
        return self.redux / production / f"{kind}-{production}.{suffix}"

    def write(self) -> None:
        for production, tables in self.rows.items():
            (self.redux / production).mkdir(parents=True, exist_ok=True)
            write_csv(self.file(production, "tiles"), tables["tiles"])
            exposures = write_hdu("EXPOSURES", tables["exposures"], **self.keywords)
            hdus = [fits.PrimaryHDU(), exposures, write_hdu("FRAMES", tables["frames"])]
            fits.HDUList(hdus).writeto(self.file(production, "exposures"), overwrite=True)

    def raw_file(self, night: int, expid: int, **keywords: Any) -> None:
        path = raw_file(self.raw, night, expid)
        path.parent.mkdir(parents=True)
        hdu = fits.ImageHDU(name="SPEC", header=fits.Header(keywords))
        fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)

    def patch(self, *, write: bool = True, **options: Any) -> PatchResult:
        if write:
            self.write()
        options = {"redux": self.redux, "raw": self.raw, "now": NOW} | options
        return patch_summary("jura", "daily", self.out, **options)

    def fails(self, message: str, *, write: bool = True) -> None:
        with pytest.raises(InputError) as caught:
            self.patch(write=write)
        assert str(caught.value) == message
        assert not self.out.exists()


@pytest.fixture
def two(tmp_path: Path) -> Productions:
    return Productions(tmp_path)


def changed(result: PatchResult) -> list[tuple]:
    """Changes but for UPDATED, as (table, TILEID or EXPID, column, old, new, why)."""
    key = pl.coalesce("TILEID", "EXPID")
    rows = result.changes.filter(pl.col("column") != "UPDATED")
    return rows.select("table", key, "column", "old", "new", "why").rows()


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# ---------------------------------------------------------------- the reference


def run_reference(shared: Path, out: Path) -> PatchResult:
    inputs = shared / "reference" / "patch" / "spectro"
    now = datetime.fromisoformat("2026-11-23T01:07:01-08:00")
    return patch_summary("jura", "daily", out, redux=inputs / "redux", raw=inputs / "data", now=now)


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


# ---------------------------------------------------------------- the rules, row by row


def slowly_patched(
    src: dict[str, list[Row]], dst: dict[str, list[Row]], raw: dict[tuple[int, int], float]
) -> dict[str, list[Row]]:
    """All rules once more, on dicts, one value at a time; None is a missing value."""
    tiles, exposures, frames = ([dict(r) for r in dst[t]] for t in ("tiles", "exposures", "frames"))
    src_tiles = {r["TILEID"]: r for r in src["tiles"]}
    src_exposures = {r["EXPID"]: r for r in src["exposures"]}
    src_frames = {(r["EXPID"], r["CAMERA"]): r for r in src["frames"]}

    def zero(rows: list[Row]) -> None:
        for row in rows:
            for column, value in row.items():
                if value is None and column in NUMBERS:
                    row[column] = 0

    for row in frames:
        match = src_frames.get((row["EXPID"], row["CAMERA"]), {})
        for column in row:
            if column != "TSNR2_ALPHA" and row[column] is None:
                row[column] = match.get(column)
    zero(frames)

    marked = {
        c for c in (exposures[0] if exposures else ()) if any(r[c] is None for r in exposures)
    }
    for row in exposures:
        match = src_exposures.get(row["EXPID"])
        if match is None:
            continue
        old = dict(row)
        wrong = {
            "TILERA": old["TILERA"] == 0 and old["TILEDEC"] == 0,
            "TILEDEC": old["TILERA"] == 0 and old["TILEDEC"] == 0,
            "MJD": old["MJD"] is not None and old["MJD"] < 50000,
            "SURVEY": old["SURVEY"] not in SURVEYS,
        }
        for column in row:
            if column in ("TSNR2_LRG", "EFFTIME_SPEC"):
                continue
            bad = old[column] is None if column in marked else wrong.get(column, False)
            if bad and match[column] is not None:
                row[column] = match[column]
    if src["exposures"]:
        night = min(src["exposures"], key=lambda r: r["EXPID"])["NIGHT"]
        for row in exposures:
            unset = row["MJD"] is not None and row["MJD"] < 50000
            if unset and (row["EFFTIME_SPEC"] or 0) > 0 and row["NIGHT"] >= night:
                row["MJD"] = raw.get((row["NIGHT"], row["EXPID"]), row["MJD"])
    zero(exposures)

    mjd = {r["EXPID"]: r["MJD"] for r in exposures}
    for row in frames:
        if row["MJD"] < 50000:
            row["MJD"] = mjd.get(row["EXPID"], row["MJD"])

    for row in tiles:
        match, old = src_tiles.get(row["TILEID"], {}), dict(row)
        for column, value in old.items():
            if column in ("TILERA", "TILEDEC"):
                bad = old["TILERA"] == 0 and old["TILEDEC"] == 0
            elif column in ("FAPRGRM", "FAFLAVOR", "OBSSTATUS", "GOALTYPE"):
                bad = value == "unknown"
            else:
                bad = column in FLOATS and (value is None or math.isinf(value))
            if bad and match.get(column) is not None:
                row[column] = match[column]
        row["PROGRAM"] = "other" if row["FAFLAVOR"] is None else faflavor2program(row["FAFLAVOR"])
        if row["SURVEY"] not in (*SURVEYS, "unknown"):
            raise ValueError("SURVEY")
        row["SURVEY"] = "cmx" if row["SURVEY"] == "unknown" else row["SURVEY"]
        row["GOALTYPE"] = {83004: "dark", 83024: "bright"}.get(row["TILEID"], row["GOALTYPE"])
        row["GOALTYPE"] = "other" if row["GOALTYPE"] == "unknown" else row["GOALTYPE"]
        row["EFFTIME_SPEC"] = 0.0 if row["TILEID"] in (1825, 21273) else row["EFFTIME_SPEC"]
        row["UPDATED"] = UPDATED
    for row in tiles:
        if any(row[c] is None or not math.isfinite(row[c]) for c in FLOATS if c in row):
            raise ValueError("finite")

    by_tile, by_expid = {r["TILEID"]: r for r in tiles}, {r["EXPID"]: r for r in exposures}
    for rows, key, origin in ((exposures, "TILEID", by_tile), (frames, "EXPID", by_expid)):
        for row in rows:
            for column in ("SURVEY", "PROGRAM", "FAPRGRM", "FAFLAVOR", "GOALTYPE"):
                value = origin.get(row[key], {}).get(column)
                if column in row and value is not None:
                    row[column] = value

    for row in tiles:
        own = [r for r in exposures if r["TILEID"] == row["TILEID"]]
        good = row["LASTNIGHT"] is not None and row["LASTNIGHT"] >= 20201214
        if good and row["EFFTIME_SPEC"] > 0 and not any(r["EFFTIME_SPEC"] > 0 for r in own):
            for r in own:
                match = src_exposures.get(r["EXPID"], {})
                if match.get("EFFTIME_SPEC") is not None:
                    r["EFFTIME_SPEC"] = match["EFFTIME_SPEC"]
    return {"tiles": tiles, "exposures": exposures, "frames": frames}


SCHEMAS: dict[str, dict[str, Any]] = {
    name: {
        column: {int: pl.Int32, str: pl.String, np.float32: pl.Float32}.get(type(value), pl.Float64)
        for column, value in row.items()
    }
    for name, row in (
        ("tiles", tile(1)),
        ("exposures", exposure(1, 1)),
        ("frames", frame(1, "b0")),
    )
}
FLOATS = {
    c for s in SCHEMAS.values() for c, dtype in s.items() if dtype in (pl.Float64, pl.Float32)
}
NUMBERS = {c for s in SCHEMAS.values() for c, dtype in s.items() if dtype != pl.String}

tileids = st.sampled_from([1, 2, 3, 1825, 83004, 83024])
expids = st.integers(1, 8)
nights = st.sampled_from([20201210, 20201220])
VALUES = {
    "TILEID": tileids,
    "EXPID": expids,
    "NIGHT": nights,
    "LASTNIGHT": st.sampled_from([20201213, 20201214, 20210101]),
    "NEXP": st.integers(0, 3),
    "CAMERA": st.sampled_from(["b0", "r0"]),
    "MJD": st.sampled_from([0.0, 49999.0, 50000.0, 59200.5, 59201.5]),
    "SURVEY": st.sampled_from([*SURVEYS, "unknown"]),
    "FAFLAVOR": st.sampled_from(["maindark", "sv1bgsmws", "unknown", "specialm31", "x"]),
}
other_text = st.sampled_from(["dark", "bright", "unknown"])
other_number = st.sampled_from([-2.5, -0.0, 0.0, 0.0, 0.0, 300.0])


@st.composite
def tables(draw: Callable, name: str, odd: st.SearchStrategy[bool]) -> list[Row]:
    """Rows of a table, some columns of which have missing values."""
    schema, key = SCHEMAS[name], LAYOUTS[name].key
    may_miss = {c: draw(odd) for c in schema if c not in (*key, "NIGHT", "TILEID")}
    if name == "tiles":
        may_miss["SURVEY"] = False
    row = {}
    for column, dtype in schema.items():
        values = VALUES.get(column, other_text if dtype == pl.String else other_number)
        row[column] = st.none() | values if may_miss.get(column) else values
    unique = {"unique_by": lambda r: tuple(r[k] for k in key)}
    return draw(st.lists(st.fixed_dictionaries(row), max_size=7, **unique))


@st.composite
def productions(draw: Callable) -> dict[str, list[Row]]:
    odd = st.sampled_from([False, False, False, True])
    return {name: draw(tables(name, odd)) for name in SCHEMAS}


def as_summary(production: str, rows: dict[str, list[Row]]) -> Summary:
    """Tables as they are read: NaN and blank text where the rows have None."""
    made = {}
    for name, schema in SCHEMAS.items():
        as_read = pl.DataFrame(rows[name], schema=schema).with_columns(
            pl.col(pl.String).fill_null(""), pl.col(pl.Float64, pl.Float32).fill_null(math.nan)
        )
        table = SummaryTable(name, production, Path(name), LAYOUTS[name].key, as_read)
        made[name] = checked(table)
    return Summary(**made)


@pytest.fixture(scope="module")
def raw_data(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[tuple[int, int], float]]:
    """Raw data of some exposures, and what they say."""
    made = Productions(tmp_path_factory.mktemp("raw"))
    known = {(n, e): 59100.0 + e for n in (20201210, 20201220) for e in (1, 2, 3, 4, 5)}
    for (night, expid), mjd in known.items():
        made.raw_file(night, expid, **{"MJD-OBS": mjd})
    return made.raw, known


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(source=productions(), destination=productions())
def test_rules_row_by_row(
    source: dict[str, list[Row]],
    destination: dict[str, list[Row]],
    raw_data: tuple[Path, dict[tuple[int, int], float]],
) -> None:
    raw, known = raw_data
    try:
        expected = slowly_patched(source, destination, known)
    except ValueError as error:
        with pytest.raises(InputError, match=str(error)):
            patch(as_summary("jura", source), as_summary("daily", destination), raw, UPDATED)
        return
    before = as_summary("daily", destination)
    patched, _ = patch(as_summary("jura", source), before, raw, UPDATED)
    for name, schema in SCHEMAS.items():
        table = getattr(patched, name)
        types = schema | ({"UPDATED": pl.String} if name == "tiles" else {})
        assert table.frame.rows(named=True) == pl.DataFrame(expected[name], schema=types).rows(
            named=True
        )
        assert dict(table.frame.schema) == types
        assert replayed(getattr(before, name), table) == table.frame.rows(named=True)


def replayed(before: SummaryTable, after: SummaryTable) -> list[Row]:
    """The table before, after each change of the record, which must find the old value."""
    rows = {tuple(row[k] for k in before.key): row for row in before.frame.rows(named=True)}
    for change in after.changes.rows(named=True):
        row, column = rows[tuple(change[k] for k in before.key)], change["column"]
        convert = after.frame.schema[column].to_python()
        old = None if change["old"] is None else convert(change["old"])
        assert row.get(column) == old != convert(change["new"])
        row[column] = convert(change["new"])
    return list(rows.values())


def test_effective_times_only_of_loadable_tiles_without_any(two: Productions) -> None:
    nights = {11: 20201214, 12: 20201213, 13: 20201214, 14: 20201214}
    for rows in two.rows.values():
        rows["tiles"] += [tile(tileid, LASTNIGHT=night) for tileid, night in nights.items()]
        rows["exposures"] += [exposure(100 * t + i, t) for t in nights for i in (1, 2)]
    for row in two.daily["exposures"][3:]:
        row["EFFTIME_SPEC"] = 7.0 if row["EXPID"] == 1402 else -1.0
    two.daily["tiles"][4]["EFFTIME_SPEC"] = 0.0  # of tile 13
    two.daily["exposures"].append(exposure(1103, 11, EFFTIME_SPEC=0.0))  # not in the source
    why = "the tile has EFFTIME_SPEC, its exposures have none: taken from jura"
    assert changed(two.patch()) == [
        ("exposures", expid, "EFFTIME_SPEC", "-1.0", "500.0", why) for expid in (1101, 1102)
    ]


# ---------------------------------------------------------------- files


def test_nothing_to_patch_changes_nothing_but_updated(two: Productions) -> None:
    two.keywords = {"SPECIAL": (1.5, "comment"), "LONGTEXT": "x" * 100, "HISTORY": "done"}
    two.keywords |= {"TUNIT6": "d", "TDISP6": "F12.5"}
    result = two.patch()
    assert changed(result) == [] and result.notes == ()
    assert [path.name for path in result.files] == [
        "tiles-daily-patched-with-jura-20240701.csv",
        "exposures-daily-patched-with-jura-20240701.fits",
        "exposures-daily-patched-with-jura-20240701.csv",
        "tiles-daily-original-20240701.csv",
        "exposures-daily-original-20240701.fits",
        "changes-daily-patched-with-jura-20240701.parquet",
        "changes-daily-patched-with-jura-20240701.txt",
    ]
    assert sorted(result.files) == sorted(two.out.iterdir())
    tiles, exposures, text, old_tiles, old_exposures, _, record = result.files
    original = two.file("daily", "exposures").read_bytes()
    assert exposures.read_bytes() == old_exposures.read_bytes() == original
    assert old_tiles.read_bytes() == two.file("daily", "tiles").read_bytes()
    lines = old_tiles.read_text().splitlines()
    ends = [",UPDATED", f",{UPDATED}", f",{UPDATED}"]
    assert tiles.read_text().splitlines() == [a + b for a, b in zip(lines, ends, strict=True)]
    assert text.read_text().splitlines()[1] == (
        "20210101,101,1,10.5,-1.25,59215.25,main,dark,dark,maindark,500.0,dark,1.100000023841858,2.0"
    )
    assert record.read_text().splitlines() == [
        "        2  tiles.UPDATED  time of this run",
        "        2  changes in all",
        "",
        f"tiles TILEID 1: UPDATED (missing) -> {UPDATED} (time of this run)",
        f"tiles TILEID 2: UPDATED (missing) -> {UPDATED} (time of this run)",
    ]


def test_updated_keeps_its_place_and_need_not_be_in_the_source(two: Productions) -> None:
    two.daily["tiles"] = [{"UPDATED": "2023-01-02", **row} for row in two.daily["tiles"]]
    result = two.patch()
    assert result.summary.tiles.frame.columns[:2] == ["UPDATED", "TILEID"]
    assert result.summary.tiles.frame["UPDATED"].to_list() == [UPDATED, UPDATED]


def test_checksums_are_renewed(two: Productions) -> None:
    two.daily["exposures"][0]["AIRMASS"] = np.float32(np.nan)
    two.write()
    path = two.file("daily", "exposures")
    with fits.open(path, mode="update") as hdus:
        hdus["EXPOSURES"].add_checksum()
    result = two.patch(write=False)
    with fits.open(result.files[1], checksum=True) as hdus:
        assert hdus["EXPOSURES"].verify_checksum() == hdus["EXPOSURES"].verify_datasum() == 1
        assert "CHECKSUM" not in hdus["FRAMES"].header
        assert hdus["EXPOSURES"].data["AIRMASS"].tolist() == [np.float32(1.1)] * 3


def test_text_columns_are_widened_for_longer_text(two: Productions) -> None:
    for rows in two.rows.values():
        rows["tiles"][1]["FAFLAVOR"] = "mainbright1b"
    result = two.patch()
    assert result.notes == (
        "PROGRAM of exposures was widened from 4 to 8 characters",
        "FAFLAVOR of exposures was widened from 8 to 12 characters",
    )
    with fits.open(result.files[1]) as hdus, fits.open(two.file("daily", "exposures")) as original:
        new, old = hdus["EXPOSURES"], original["EXPOSURES"]
        assert new.data["PROGRAM"].tolist() == ["dark", "dark", "bright1b"]
        assert new.data["FAFLAVOR"].tolist() == ["maindark", "maindark", "mainbright1b"]
        assert new.columns.names == old.columns.names
        for name in set(new.columns.names) - {"PROGRAM", "FAFLAVOR"}:
            assert new.data[name].tobytes() == old.data[name].tobytes()
        assert {k for k in new.header if new.header[k] != old.header[k]} == {
            *("NAXIS1", "TFORM8", "TFORM10")
        }
        assert hdus["FRAMES"].data.tobytes() == original["FRAMES"].data.tobytes()


def test_null_integers_are_missing(two: Productions) -> None:
    two.daily["exposures"][0]["TILEID"] = -1
    two.daily["exposures"][1]["NIGHT"] = two.jura["exposures"][1]["NIGHT"] = -1
    two.keywords = {"TNULL1": -1, "TNULL3": -1}
    result = two.patch()
    assert changed(result) == [
        ("exposures", 101, "TILEID", None, "1", "missing: taken from jura"),
        ("exposures", 102, "NIGHT", None, "0", "missing: set to 0"),
    ]
    data = fits.getdata(result.files[1], "EXPOSURES")
    assert data["TILEID"].tolist() == [1, 1, 2] and data["NIGHT"].tolist() == [
        20210101,
        0,
        20210101,
    ]


def test_existing_output(two: Productions) -> None:
    first = two.patch()
    before = content(two.out)
    two.daily["tiles"][0]["FAPRGRM"] = "unknown"
    first.files[0].unlink()
    with pytest.raises(InputError) as caught:
        two.patch()
    others = ", ".join(path.name for path in first.files[1:])
    assert str(caught.value) == f"{two.out}: exists; add --overwrite to replace it: {others}"
    assert content(two.out) == {k: v for k, v in before.items() if k != first.files[0].name}
    for path in first.files[1:]:
        path.chmod(0o444)
    assert changed(two.patch(overwrite=True)) == [
        ("tiles", 1, "FAPRGRM", "unknown", "dark", "unknown: taken from jura")
    ]
    assert "unknown" in first.files[3].read_text() and "unknown" not in first.files[0].read_text()


def test_files_changed_meanwhile_are_noticed(two: Productions) -> None:
    two.write()
    files = SummaryFiles.of(two.redux, "daily")
    state = files.state()
    files.check_state(state)
    with files.exposures.open("ab") as file:
        file.write(b" ")
    message = f"{files.exposures}: was changed while it was being patched; run again"
    with pytest.raises(InputError, match=re.escape(message)):
        files.check_state(state)

    done = threading.Event()

    def touch_again_and_again() -> None:
        for second in itertools.count():
            os.utime(files.exposures, (second, second))
            if done.wait(0.001):
                return

    two.write()
    thread = threading.Thread(target=touch_again_and_again)
    thread.start()
    try:
        two.fails(message, write=False)
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("fault", [InputError("no"), KeyboardInterrupt(), OSError(28, "full", "x")])
def test_failed_run_leaves_nothing(tmp_path: Path, fault: BaseException) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "a").write_text("old")
    for folder in (kept, tmp_path / "new" / "folder"):
        with (
            pytest.raises((InputError, KeyboardInterrupt)),
            staged(folder, ["a", "b"], overwrite=True) as temporary,
        ):
            (temporary / "a").write_text("new")
            raise fault
    assert content(kept) == {"a": b"old"}
    assert list(tmp_path.iterdir()) == [kept]


def test_failed_move_is_undone(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old a")
    (tmp_path / "c").write_text("old c")
    with (
        pytest.raises(InputError, match="/new/c: cannot be read or written: No such file"),
        staged(tmp_path, ["a", "b", "c"], overwrite=True) as temporary,
    ):
        (temporary / "a").write_text("new")
        (temporary / "b").write_text("new")
    assert content(tmp_path) == {"a": b"old a", "c": b"old c"}


def test_killed_run_leaves_no_output(two: Productions) -> None:
    two.write()
    program = (
        "import os, signal, sys; from pathlib import Path\n"
        "from specprod_copy.atomic_files import staged\n"
        "with staged(Path(sys.argv[1]), ['a']) as folder:\n"
        "    (folder / 'a').write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, two.out], check=False)
    assert done.returncode == -signal.SIGKILL
    assert [path.name[:15] for path in two.out.iterdir()] == [".specprod-copy-"]
    two.patch()


# ---------------------------------------------------------------- raw data


def test_mjd_from_raw_data(two: Productions) -> None:
    rows = [exposure(e, 1, MJD=0.0) for e in (103, 104, 105, 106)]
    rows[1]["EFFTIME_SPEC"] = 0.0
    rows[2]["NIGHT"] = 20201231  # before the first night of the source
    two.daily["exposures"] += rows
    two.daily["frames"] += [frame(103, "r4", MJD=0.0), frame(106, "r4", MJD=0.0)]
    for row in rows[:3]:
        two.raw_file(row["NIGHT"], row["EXPID"], **{"MJD-OBS": 59215.75})
    result = two.patch()
    assert changed(result) == [
        ("exposures", 103, "MJD", "0.0", "59215.75", "MJD below 50000: MJD-OBS of the raw data"),
        ("frames", 103, "MJD", "0.0", "59215.75", "MJD below 50000: that of the exposure"),
    ]
    absent = two.raw / "20210101" / "00000106" / "desi-00000106.fits.fz"
    assert result.notes == (
        f"MJD of exposure 106 is not set, and there is no {absent}",
        "MJD of 3 exposures is still not set",
        "MJD of 1 frames is still not set",
    )


@pytest.mark.parametrize(
    ("keywords", "found"), [({}, "missing"), ({"MJD-OBS": "x"}, "'x'"), ({"MJD-OBS": True}, "True")]
)
def test_raw_data_without_mjd(two: Productions, keywords: Row, found: str) -> None:
    two.daily["exposures"].append(exposure(103, 1, MJD=0.0))
    two.raw_file(20210101, 103, **keywords)
    path = two.raw / "20210101/00000103/desi-00000103.fits.fz"
    two.fails(f"{path}[SPEC]: keyword MJD-OBS is {found}, not a date")


# ---------------------------------------------------------------- faults of the input


def test_no_row_matches(two: Productions) -> None:
    for name, column in (("tiles", "TILEID"), ("exposures", "EXPID"), ("frames", "EXPID")):
        for row in two.jura[name]:
            row[column] += 5000
    two.daily["exposures"][0] |= {"TILERA": 0.0, "TILEDEC": 0.0, "AIRMASS": np.float32(np.nan)}
    two.daily["tiles"][0] |= {"GOALTYPE": "unknown", "FAPRGRM": "unknown"}
    result = two.patch()
    assert changed(result) == [
        ("tiles", 1, "GOALTYPE", "unknown", "other", "still unknown"),
        ("exposures", 101, "AIRMASS", None, "0.0", "missing: set to 0"),
        *(("exposures", e, "FAPRGRM", "dark", "unknown", "that of the tile") for e in (101, 102)),
        *(("exposures", e, "GOALTYPE", "dark", "other", "that of the tile") for e in (101, 102)),
        *[("frames", 101, "GOALTYPE", "dark", "other", "that of the exposure")] * 2,
    ]
    assert result.notes[:2] == (
        "FAPRGRM of 1 tiles is still not set",
        "FAPRGRM of 2 exposures is still not set",
    )


def test_nothing_but_missing_values(two: Productions) -> None:
    for rows in two.daily.values():
        for row in rows:
            fill = {"LASTNIGHT": ""} | {c: math.nan for c, v in row.items() if isinstance(v, float)}
            fill |= {c: np.float32(np.nan) for c, v in row.items() if isinstance(v, np.float32)}
            row |= {column: value for column, value in fill.items() if column in row}
    for row in two.daily["tiles"]:  # not taken from the source when missing
        row |= {"TILERA": 10.5, "TILEDEC": -1.25}
    patched = two.patch().summary
    assert patched.tiles.frame["EXPTIME"].to_list() == [900.5, 900.5]
    assert patched.tiles.frame["LASTNIGHT"].to_list() == [None, None]
    assert patched.exposures.frame["MJD"].to_list() == [59215.25] * 3
    assert patched.exposures.frame["EFFTIME_SPEC"].to_list() == [0.0] * 3
    assert patched.frames.frame["TSNR2_LRG"].to_list() == [1.5] * 3
    assert patched.frames.frame["TSNR2_ALPHA"].to_list() == [0.0] * 3


def test_empty_fields_and_whole_numbers_in_csv(two: Productions) -> None:
    for row in two.jura["tiles"] + two.daily["tiles"]:
        row |= {"EXPTIME": 900, "OBSSTATUS": ""}
    two.daily["tiles"][0] |= {"EXPTIME": "", "PROGRAM": "", "FAPRGRM": ""}
    result = two.patch()
    assert changed(result) == [
        ("tiles", 1, "EXPTIME", None, "900.0", "not finite: taken from jura"),
        ("tiles", 1, "PROGRAM", None, "dark", "derived from FAFLAVOR"),
    ]
    assert result.notes == (
        "FAPRGRM of 1 tiles is still not set",
        "OBSSTATUS of 2 tiles is still not set",
    )
    assert result.files[0].read_text().splitlines()[1] == (
        f"1,main,dark,,maindark,1,900.0,10.5,-1.25,1000.0,,dark,20210102,{UPDATED}"
    )


@pytest.mark.parametrize("survey", ["", "sv4"])
def test_survey_that_is_none(two: Productions, survey: str) -> None:
    two.daily["tiles"][1]["SURVEY"] = survey
    two.fails(
        f"{two.file('daily', 'tiles')}, column SURVEY: {survey!r} of TILEID 2 is no survey; "
        "correct the file, or write 'unknown', which is taken for a commissioning tile"
    )


def test_floats_that_stay_not_finite(two: Productions) -> None:
    two.daily["tiles"] += [tile(t, EXPTIME=math.nan) for t in range(10, 17)]
    two.daily["tiles"][1]["TILERA"] = math.inf
    two.fails(
        f"{two.file('daily', 'tiles')}: not finite, and jura has no finite value: EXPTIME of "
        "TILEID 10, TILEID 11, TILEID 12, TILEID 13, TILEID 14 and 2 more; TILERA of TILEID 2"
    )


@pytest.mark.parametrize("production", ["jura", "daily"])
@pytest.mark.parametrize(
    ("name", "hdu", "key"),
    [
        ("tiles", "", "TILEID 1"),
        ("exposures", "[EXPOSURES]", "EXPID 101"),
        ("frames", "[FRAMES]", "EXPID 101 CAMERA b0"),
    ],
)
def test_duplicate_rows(two: Productions, production: str, name: str, hdu: str, key: str) -> None:
    two.rows[production][name] += [dict(two.rows[production][name][0])] * 2
    path = two.file(production, "tiles" if name == "tiles" else "exposures")
    two.fails(f"{path}{hdu}: more than one row for {key}")


def test_missing_key(two: Productions) -> None:
    two.daily["frames"][2]["CAMERA"] = ""
    path = two.file("daily", "exposures")
    two.fails(f"{path}[FRAMES], column CAMERA: missing in 1 rows, first in row 2")


@pytest.mark.parametrize(("production", "name"), [("jura", "exposures"), ("daily", "frames")])
def test_missing_column(two: Productions, production: str, name: str) -> None:
    for row in two.rows[production][name]:
        del row["MJD"]
    path = two.file(production, "exposures")
    two.fails(f"{path}[{name.upper()}], column MJD: needed to patch {name}, but missing")


def test_column_that_only_the_source_lacks(two: Productions) -> None:
    for row in two.jura["exposures"]:
        del row["AIRMASS"]
    assert changed(two.patch()) == []
    two.daily["exposures"][0]["AIRMASS"] = np.float32(np.nan)
    with pytest.raises(InputError) as caught:
        two.patch(overwrite=True)
    assert str(caught.value) == (
        f"{two.file('jura', 'exposures')}[EXPOSURES], column AIRMASS: no such column, but values "
        "are to be taken from it"
    )


def test_columns_of_other_kinds(two: Productions) -> None:
    for row in two.daily["exposures"]:
        row["MJD"] = 59215
    path = two.file("daily", "exposures")
    two.fails(f"{path}[EXPOSURES], column MJD: holds Int32, not floating-point numbers")


def test_columns_that_differ_between_the_productions(two: Productions) -> None:
    for row in two.jura["exposures"]:
        row |= {"AIRMASS": 1.1, "NIGHT": row["NIGHT"], "GOALTYPE": "bright"}
    two.daily["exposures"][0]["AIRMASS"] = np.float32(np.nan)
    result = two.patch()  # 64-bit floats are rounded
    assert result.summary.exposures.frame["AIRMASS"].to_list() == [np.float32(1.1)] * 3
    for row in two.jura["exposures"]:
        row["AIRMASS"] = "1.1"
    with pytest.raises(InputError, match="column AIRMASS: is String, but Float32 is needed"):
        two.patch(overwrite=True)


@pytest.mark.parametrize(
    ("keyword", "message"),
    [
        ({"TSCAL13": 2.0}, "is stored scaled (TSCAL, TZERO) and cannot be patched"),
        ({"TFORM13": "2I"}, "holds vectors; a summary table has one value per row"),
    ],
)
def test_columns_stored_in_other_ways(two: Productions, keyword: Row, message: str) -> None:
    two.daily["exposures"][0]["AIRMASS"] = np.float32(np.nan)
    two.write()
    path = two.file("daily", "exposures")
    with fits.open(path) as hdus:
        header, start = hdus["EXPOSURES"].header, hdus["EXPOSURES"]._header_offset
        header.update(keyword)
        new = header.tostring().encode()
    data = bytearray(path.read_bytes())
    data[start : start + len(new)] = new
    path.write_bytes(data)
    two.fails(f"{path}[EXPOSURES], column AIRMASS: {message}", write=False)


@pytest.mark.parametrize("kind", ["tiles", "exposures"])
@pytest.mark.parametrize("production", ["jura", "daily"])
def test_missing_file(two: Productions, production: str, kind: str) -> None:
    two.write()
    two.file(production, kind).unlink()
    two.fails(f"{two.file(production, kind)}: no such file", write=False)


def test_arguments_that_make_no_sense(two: Productions) -> None:
    two.write()
    paths = {"redux": two.redux, "raw": two.raw}
    with pytest.raises(ConfigurationError, match="daily cannot be patched with its own values"):
        patch_summary("daily", "daily", two.out, **paths, now=NOW)
    with pytest.raises(ValueError, match="has no time zone"):
        patch_summary("jura", "daily", two.out, **paths, now=NOW.replace(tzinfo=None))


# ---------------------------------------------------------------- the command

VARIABLES = ("DESI_ROOT", "DESI_SPECTRO_REDUX", "DESI_SPECTRO_DATA")


@pytest.mark.parametrize("way", ["option", "root", "folders"])
def test_command(two: Productions, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    two.daily["tiles"][0]["GOALTYPE"] = "unknown"
    two.write()
    root = two.redux.parents[1]
    elsewhere = str(root / "elsewhere")
    option, root_variable, folders = {
        "option": (["--root", str(root)], elsewhere, (elsewhere, elsewhere)),
        "root": ([], str(root), ("", "")),
        "folders": ([], elsewhere, (str(two.redux), str(two.raw))),
    }[way]
    for variable, value in zip(VARIABLES, (root_variable, *folders), strict=True):
        monkeypatch.setenv(variable, value)
    done = CliRunner().invoke(command, [*option, str(two.out)], catch_exceptions=False)
    written = [line[6:] for line in done.output.splitlines() if line.startswith("wrote ")]
    assert done.exit_code == 0
    assert sorted(written) == sorted(str(path) for path in two.out.iterdir())
    assert done.output.splitlines()[:3] == [
        "        1  tiles.GOALTYPE  unknown: taken from jura",
        "        2  tiles.UPDATED   time of this run",
        "        3  changes in all",
    ]


def test_command_without_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    done = CliRunner().invoke(command, [str(tmp_path / "out")])
    assert done.exit_code == 2
    assert done.output.splitlines()[-1] == (
        "Error: name the folder of the data: --root DIR, or set DESI_SPECTRO_REDUX or DESI_ROOT"
    )
