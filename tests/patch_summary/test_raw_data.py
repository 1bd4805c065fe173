"""MJD from the headers of raw data."""

from __future__ import annotations

import pytest
from support.summary_productions import Productions, Row, changed, exposure, frame


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
