"""Input that is odd but right, and input that must be refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from astropy.io import fits
from support.summary_productions import NOW, UPDATED, Productions, Row, changed, tile

from specprod_copy.errors import ConfigurationError, InputError
from specprod_copy.patch_summary import Folders, patch_summary


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
    folders = Folders(two.redux, two.raw)
    with pytest.raises(ConfigurationError, match="daily cannot be patched with its own values"):
        patch_summary("daily", "daily", two.out, folders=folders, now=NOW)
    with pytest.raises(ValueError, match="has no time zone"):
        patch_summary("jura", "daily", two.out, folders=folders, now=NOW.replace(tzinfo=None))
