"""What is written: the patched files, everything else as it was, all of them or none."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from support.summary_productions import UPDATED, Productions, changed, content, write_csv

from specprod_copy.errors import InputError
from specprod_copy.patch_summary import Folders
from specprod_copy.patch_summary.inputs import SummaryFiles
from specprod_copy.reader.look import check_stamps


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


def test_cards_of_a_widened_column_keep_their_comments(two: Productions) -> None:
    two.write()
    path = two.file("daily", "exposures")
    with fits.open(path, mode="update") as hdus:
        header = hdus["EXPOSURES"].header
        header.comments["TFORM8"] = "of PROGRAM"
        header.comments["NAXIS1"] = "bytes of a row"
        header["TFORM80"] = "not a column"
        hdus["EXPOSURES"].add_checksum()
    for production, rows in two.rows.items():
        rows["tiles"][1]["FAFLAVOR"] = "mainbright1b"
        write_csv(two.file(production, "tiles"), rows["tiles"])
    result = two.patch(write=False)
    with fits.open(path) as original, fits.open(result.files[1], checksum=True) as hdus:
        old, new = original["EXPOSURES"].header, hdus["EXPOSURES"].header
        assert hdus["EXPOSURES"].verify_checksum() == hdus["EXPOSURES"].verify_datasum() == 1
    assert (new["TFORM8"], new["TFORM10"]) == ("8A", "12A")
    sums = {"CHECKSUM", "DATASUM"}
    assert [c.keyword for c in new.cards] == [c.keyword for c in old.cards]
    assert {k: new.comments[k] for k in new if k not in sums} == {
        k: old.comments[k] for k in old if k not in sums
    }


@pytest.mark.parametrize(
    ("value", "comment"),
    [
        ("'8A' / FAFLAVOR", "FAFLAVOR"),
        ("'8A'/ FAFLAVOR", "FAFLAVOR"),
        ("  '8A'     / FAFLAVOR", "FAFLAVOR"),
        (f"'8A' / {'x' * 63}", "x" * 58),
        ("'8A'", ""),
    ],
)
def test_cards_that_are_shorter_than_usual(two: Productions, value: str, comment: str) -> None:
    two.write()
    path = two.file("daily", "exposures")
    content = path.read_bytes()
    card = b"TFORM10 = '8A      '".ljust(80)
    assert content.count(card) == 1
    path.write_bytes(content.replace(card, f"TFORM10 = {value}".ljust(80).encode()))
    for production, rows in two.rows.items():
        rows["tiles"][1]["FAFLAVOR"] = "mainbright1b"
        write_csv(two.file(production, "tiles"), rows["tiles"])
    with fits.open(two.patch(write=False).files[1]) as hdus:
        header = hdus["EXPOSURES"].header
        assert (header["TFORM10"], header.comments["TFORM10"]) == ("12A", comment)
        assert hdus["EXPOSURES"].data["FAFLAVOR"].tolist()[2] == "mainbright1b"
        assert hdus["FRAMES"].data["CAMERA"].tolist() == ["b0", "z9", "b0"]


def test_table_without_rows(two: Productions) -> None:
    two.write()
    path = two.file("daily", "exposures")
    with fits.open(path) as hdus:
        hdus["FRAMES"].data = hdus["FRAMES"].data[:0]
        hdus.writeto(path, overwrite=True)
    result = two.patch(write=False)
    assert fits.getdata(result.files[1], "FRAMES").tolist() == []


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
    assert str(caught.value) == f"{two.out}: has {others} already; add --overwrite to replace them"
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
    stamps = files.stamps()
    check_stamps(stamps.items(), "read")
    with files.exposures.open("ab") as file:
        file.write(b" ")
    message = f"{files.exposures}: the file changed while it was read; run the command again"
    with pytest.raises(InputError, match=re.escape(message)):
        check_stamps(stamps.items(), "read")


@pytest.mark.parametrize("kind", ["tiles", "exposures"])
@pytest.mark.parametrize("production", ["jura", "daily"])
def test_files_of_both_productions_are_watched(two: Productions, production, kind) -> None:
    two.jura["exposures"][0]["MJD"] = two.daily["exposures"][0]["MJD"] = 0.0
    two.write()
    file = two.file(production, kind)
    folders = Folders(two.redux, RawDataOfAChangingProduction(file))
    with pytest.raises(InputError) as caught:
        two.patch(write=False, folders=folders)
    assert str(caught.value) == f"{file}: the file changed while it was read; run the command again"
    assert not two.out.exists()


class RawDataOfAChangingProduction:
    """A folder of raw data; when it is looked into, after the tables were read, a file changes."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __truediv__(self, name: str) -> Path:
        os.utime(self.file, (1, 1))
        return self.file.parent / "raw" / name


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
