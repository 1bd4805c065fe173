"""Files that were touched, copied or changed in place: what the ledger's digest sees."""

from __future__ import annotations

import gzip
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from astropy.io import fits
from astropy.table import Table
from support.changing import edit, iron, loaded

from specprod_copy.errors import ChangedFileError
from specprod_copy.reader import content, open_table
from specprod_copy.tables import Inputs
from specprod_copy.verification import VerifyOptions, verify

__all__ = ["iron", "loaded"]


def digest(path: Path, *hdus: str) -> str:
    with open_table(path, hdus) as table:
        return table.digest()


def keep_stamp(path: Path, change) -> None:
    """Change a file so that its size and time stay."""
    before = path.stat()
    change(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def flip(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ 1]))


def start_of(path: Path, hdu: str) -> int:
    with fits.open(path) as hdus:
        return hdus[hdu].fileinfo()["datLoc"]


@pytest.fixture
def small_limit(monkeypatch):
    """Make tables of some kilobytes large ones."""
    monkeypatch.setattr(content, "WHOLE_BYTES", 1000)
    monkeypatch.setattr(content, "SAMPLES", 3)
    monkeypatch.setattr(content, "SAMPLE_BYTES", 100)


# The digest --------------------------------------------------------------------------------------


def test_what_a_digest_stands_for(iron, small_limit):
    zall = iron.files.zall_pix()
    assert digest(zall).split()[0] == "samples"
    with fits.open(zall) as hdus:
        hdus.writeto(zall, overwrite=True, checksum=True)
    assert digest(zall).split()[0] == "datasum"
    assert digest(iron.files.tiles()).split()[0] == "whole"
    packed = next(iron.root.rglob("fiberassign-*.fits.gz"))
    assert digest(packed).split()[0] == "gzip"
    csv = iron.root / "tiles.csv"
    Table.read(iron.files.tiles()).write(csv, format="ascii.csv")
    assert digest(csv).split()[0] == "whole"
    assert re.fullmatch("whole [0-9a-f]{64}", digest(csv))


def test_only_content_matters(iron):
    """Not when it was written, and not another HDU."""
    path = iron.files.exposures()
    before = {hdu: digest(path, hdu) for hdu in ("EXPOSURES", "FRAMES")}
    with fits.open(path, mode="update") as hdus:
        for hdu in hdus:
            hdu.header["DATE"] = "2024-05-06"
            hdu.header["CHECKSUM"] = ("abc", "some comment")
            hdu.header["HISTORY"] = "was written again"
    assert {hdu: digest(path, hdu) for hdu in before} == before
    edit(path, "FRAMES", values={(0, "EBV"): 0.5})
    assert digest(path, "EXPOSURES") == before["EXPOSURES"]
    assert digest(path, "FRAMES") != before["FRAMES"]


@pytest.mark.parametrize("hdu", [0, 1])
def test_keywords_matter(iron, hdu):
    """The primary header as well: it gives values that the other one lacks."""
    path = iron.files.zall_pix()
    before = digest(path)
    with fits.open(path, mode="update") as hdus:
        hdus[hdu].header["TILEID"] = 5
    assert digest(path) != before


def test_one_bit_matters(iron):
    path = iron.files.zall_pix()
    before, start, size = digest(path), start_of(path, "ZCATALOG"), 0
    with fits.open(path) as hdus:
        size = hdus[1].data.nbytes
    for offset in (0, size // 2, size - 1):
        flip(path, start + offset)
        assert digest(path) != before
        flip(path, start + offset)
    assert digest(path) == before


def test_samples_have_both_ends(iron, small_limit):
    path = iron.files.zall_pix()
    before, start = digest(path), start_of(path, "ZCATALOG")
    with fits.open(path) as hdus:
        size = hdus[1].data.nbytes
    middle = (size - 100) // 2
    seen = {0: True, 99: True, 100: False, middle: True, size - 101: False, size - 1: True}
    for offset, differs in seen.items():
        flip(path, start + offset)
        assert (digest(path) != before) == differs, offset
        flip(path, start + offset)


# The ledger --------------------------------------------------------------------------------------


def test_touched_and_copied_files_are_the_same(loaded):
    for path in loaded.root.rglob("*.fits*"):
        copy = path.with_name("copy")
        shutil.copyfile(path, copy)
        copy.replace(path)
        os.utime(path, ns=(0, 12345))
    summary = loaded.load("all")
    assert (sum(row.rows_read for row in summary.tables), summary.steps) == (0, 0)
    results = verify(loaded.conninfo, Inputs(loaded.files), VerifyOptions(("all",), "iron"))
    assert [result for result in results if not result.passed] == []


@pytest.mark.parametrize("stage", ["tile", "zpix", "photometry", "target"])
def test_change_that_keeps_size_and_time(loaded, stage):
    kinds = {
        "tile": loaded.files.tiles(),
        "zpix": loaded.files.zall_pix(),
        "photometry": loaded.files.tractorphot()[1],
        "target": loaded.files.targetphot()[-1],
    }
    path = kinds[stage]
    with fits.open(path) as hdus:
        start = hdus[1].fileinfo()["datLoc"]
    keep_stamp(path, lambda path: flip(path, start + 5))
    with pytest.raises(ChangedFileError, match="the file changed since its rows were loaded"):
        loaded.load(stage)
    results = verify(loaded.conninfo, Inputs(loaded.files), VerifyOptions((stage,), "iron"))
    [unchanged] = [r for r in results if r.name == "file-unchanged" and not r.passed]
    assert "changed since it was loaded, though it is of the same size and time: " in (
        unchanged.detail
    )


def test_gzipped_file_that_keeps_size_and_time(loaded):
    path = next(loaded.root.rglob("fiberassign-*.fits.gz"))
    with gzip.open(path) as file:
        data = bytearray(file.read())
    before = path.stat()
    data[-1] ^= 1
    # Not packed at all, and so of a size that does not depend on the content.
    for changed in (bytes(data), bytes([*data[:-1], data[-1] ^ 1])):
        path.write_bytes(gzip.compress(changed, 0, mtime=0))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        with pytest.raises(ChangedFileError, match="the file changed since"):
            loaded.load("fiberassign")
        loaded.replace("fiberassign", files=[path])
        loaded.load("fiberassign")


def test_changed_csv(iron):
    csv = iron.root / "tiles.csv"
    table = Table.read(iron.files.tiles())
    table["OBSSTATUS"] = "abc"
    table.write(csv, format="ascii.csv")
    iron.load("tile", inputs={"tiles_file": csv})
    keep_stamp(csv, lambda path: path.write_text(path.read_text().replace("abc", "abd", 1)))
    with pytest.raises(ChangedFileError) as caught:
        iron.load("tile", inputs={"tiles_file": csv})
    assert str(caught.value) == (
        f"{csv}: the file changed since its rows were loaded into tile; specprod-copy load "
        f"exposures --replace {csv} replaces them"
    )


def test_other_hdu_mended(loaded):
    edit(loaded.files.exposures(), "FRAMES", values={(3, "EBV"): 0.25})
    loaded.load("tile", "exposure")
    with pytest.raises(ChangedFileError, match=r"\[FRAMES\]: the file changed since"):
        loaded.load("exposures")


def test_large_file_with_datasum(iron, small_limit):
    path = iron.files.zall_pix()
    with fits.open(path) as hdus:
        hdus.writeto(path, overwrite=True, checksum=True)
    iron.load("photometry", "targetphot", "zpix")
    os.utime(path, ns=(0, 12345))
    iron.load("zpix")
    with fits.open(path) as hdus:
        row = len(hdus[1].data) // 3
        hdus[1].data["Z"][row] += 1
        hdus.writeto(path, overwrite=True, checksum=True)
    with pytest.raises(ChangedFileError, match="the file changed since"):
        iron.load("zpix")


def test_large_file_without_datasum(iron, small_limit):
    """Its time counts, and the command of the error gives it back."""
    iron.load("photometry", "targetphot", "zpix")
    path = iron.files.zall_pix()
    os.utime(path, ns=(0, 12345))
    with pytest.raises(ChangedFileError) as caught:
        iron.load("zpix")
    message = str(caught.value)
    assert "and it is too large to tell quickly whether its rows did; " in message
    assert f"specprod-copy load redshift --replace {path} replaces them; if " in message
    results = verify(iron.conninfo, Inputs(iron.files), VerifyOptions(("zpix",), "iron"))
    assert ["may have changed" in r.detail for r in results if not r.passed] == [True]
    command = shlex.split(message.partition("give it its time back: ")[2])
    subprocess.run(command, check=True)
    iron.load("zpix")


def test_what_the_digest_cannot_see_verify_does(iron, small_limit):
    """A change between two samples of a large file that keeps its size and time."""
    iron.load("photometry", "targetphot", "zpix")
    path = iron.files.zall_pix()
    with fits.open(path) as hdus:
        row = len(hdus[1].data) // 4

    def change(path: Path) -> None:
        with fits.open(path, mode="update") as hdus:
            hdus[1].data["Z"][row] += 1

    keep_stamp(path, change)
    iron.load("zpix")
    results = verify(iron.conninfo, Inputs(iron.files), VerifyOptions(("zpix",), "iron", sample=0))
    assert [r.detail.split(":")[0] for r in results if not r.passed] == ["z"]
