"""The rules for patching, once more and row by row."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.summary_productions import (
    SURVEYS,
    UPDATED,
    Productions,
    Row,
    changed,
    exposure,
    frame,
    tile,
)

from specprod_copy.desi.programs import faflavor2program
from specprod_copy.errors import InputError
from specprod_copy.patch_summary.inputs import LAYOUTS, Summary, checked
from specprod_copy.patch_summary.steps import patch
from specprod_copy.patch_summary.table import SummaryTable


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
