"""Files that were touched, copied or changed in place: what the ledger's digest sees."""

from __future__ import annotations

import gzip
import io
import os
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from click.testing import CliRunner
from support.changing import edit, iron, loaded
from xxhash import xxh3_128_hexdigest

from specprod_copy.cli import cli
from specprod_copy.errors import ChangedFileError
from specprod_copy.loading.summary import LoadSummary
from specprod_copy.reader import open_table
from specprod_copy.reader.content import file_digest
from specprod_copy.tables import Inputs
from specprod_copy.verification import VerifyOptions, verify

__all__ = ["iron", "loaded"]


def digest(path: Path, *hdus: str) -> str:
    with open_table(path, hdus) as table:
        return table.digest().hexdigest()


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


def data_start(data: bytes, hdu: str) -> int:
    with fits.open(io.BytesIO(data)) as hdus:
        return hdus[hdu].fileinfo()["datLoc"]


def rows_read(summary: LoadSummary) -> int:
    return sum(row.rows_read for row in summary.tables)


def start_of(path: Path, hdu: str) -> int:
    with fits.open(path) as hdus:
        return hdus[hdu].fileinfo()["datLoc"]


# The digest --------------------------------------------------------------------------------------


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


def test_taken_in_as_rows_are_read(iron):
    """However they are read, in one go or some of them, the digest is that of all."""
    path = iron.files.zall_pix()
    with open_table(path) as table:
        whole = table.digest().hexdigest()
        n = table.n_rows
    picked = np.array([1, 5, 6, n - 2])
    for first, last, rows in ((0, n, None), (0, n, picked), (3, n - 1, picked), (0, n, picked[:0])):
        with open_table(path) as table:
            alone = table.digest(first, last).hexdigest()
            digest = table.digest(first, last)
            frames = [*table.frames(["Z"], first=first, last=last, rows=rows, chunk_rows=7)]
            assert digest.hexdigest() == alone
            assert (alone == whole) == ((first, last) == (0, n))
        with open_table(path) as table:
            same = [*table.frames(["Z"], first=first, last=last, rows=rows, chunk_rows=7)]
        assert len(frames) == len(same)
        assert all(one.equals(other) for one, other in zip(frames, same, strict=True))


def test_text_file(iron):
    csv = iron.root / "tiles.csv"
    Table.read(iron.files.tiles()).write(csv, format="ascii.csv")
    assert digest(csv) == xxh3_128_hexdigest(csv.read_bytes()) == file_digest(csv)


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
def test_time_is_trusted_unless_content_is_checked(loaded, stage):
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
    assert rows_read(loaded.load(stage)) == 0
    message = "the file changed since its rows were loaded into "
    with pytest.raises(ChangedFileError, match=re.escape(message)):
        loaded.load(stage, check_content=True)
    results = verify(loaded.conninfo, Inputs(loaded.files), VerifyOptions((stage,), "iron"))
    [unchanged] = [r for r in results if r.name == "file-unchanged" and not r.passed]
    assert "changed since it was loaded, though it is of the same size and time: " in (
        unchanged.detail
    )
    os.utime(path)
    with pytest.raises(ChangedFileError, match=re.escape(message)):
        loaded.load(stage)


def test_copy_is_looked_at_once(loaded):
    """Its new time is written down, so the next load need not look at it again."""
    path = loaded.files.zall_pix()
    query = "SELECT inputs FROM iron.load_ledger WHERE table_name = 'zpix'"
    [([before],)] = loaded.query(query)
    shutil.copyfile(path, path.with_name("copy"))
    path.with_name("copy").replace(path)
    loaded.load("zpix")
    assert loaded.query(query) == [([{**before, "mtime_ns": path.stat().st_mtime_ns}],)]
    keep_stamp(path, lambda path: flip(path, start_of(path, "ZCATALOG")))
    assert rows_read(loaded.load("zpix")) == 0


def test_stale_sum_in_the_header(iron):
    """As of tools that copy DATASUM of the table they have changed."""
    path = iron.files.zall_pix()
    with fits.open(path) as hdus:
        hdus.writeto(path, overwrite=True, checksum=True)
    iron.load("photometry", "targetphot", "zpix")
    with fits.open(path) as hdus:
        sums = {key: hdus[1].header[key] for key in ("DATASUM", "CHECKSUM")}
    start, size = start_of(path, "ZCATALOG"), path.stat().st_size
    flip(path, start + (size - start) // 2)
    with fits.open(path) as hdus:
        assert {key: hdus[1].header[key] for key in sums} == sums
    with pytest.raises(ChangedFileError, match="the file changed since"):
        iron.load("zpix")


def test_sums_that_are_new_alone(iron):
    path = iron.files.zall_pix()
    iron.load("photometry", "targetphot", "zpix")
    with fits.open(path) as hdus:
        hdus.writeto(path, overwrite=True, checksum=True)
    assert rows_read(iron.load("zpix")) == 0


def test_bgzip_file(loaded):
    """Its last member is empty, so its end is the same whatever is in it."""
    path = next(loaded.root.rglob("fiberassign-*.fits.gz"))
    empty = gzip.compress(b"", 9, mtime=0)
    with gzip.open(path) as file:
        data = file.read()
    path.write_bytes(gzip.compress(data, 0, mtime=0) + empty)
    loaded.load("fiberassign")
    changed = bytearray(data)
    changed[data_start(data, "FIBERASSIGN") + 3] ^= 1
    path.write_bytes(gzip.compress(bytes(changed), 0, mtime=0) + empty)
    with pytest.raises(ChangedFileError, match="the file changed since"):
        loaded.load("fiberassign")


def test_other_hdu_of_a_gzipped_file(loaded):
    path = next(loaded.root.rglob("fiberassign-*.fits.gz"))
    with gzip.open(path) as file:
        data = bytearray(file.read())
    data[data_start(bytes(data), "FIBERASSIGN") + 3] ^= 1
    path.write_bytes(gzip.compress(bytes(data), mtime=0))
    assert rows_read(loaded.load("potential")) == 0


def test_changed_csv(iron):
    csv = iron.root / "tiles.csv"
    table = Table.read(iron.files.tiles())
    table["OBSSTATUS"] = "abc"
    table.write(csv, format="ascii.csv")
    iron.load("tile", inputs={"tiles_file": csv})
    csv.write_text(csv.read_text().replace("abc", "abd", 1))
    with pytest.raises(ChangedFileError) as caught:
        iron.load("tile", inputs={"tiles_file": csv})
    assert str(caught.value) == (
        f"{csv}: the file changed since its rows were loaded into tile; specprod-copy load "
        f"exposures --specprod iron --schema iron --root {iron.root} --tiles-file {csv} "
        f"--replace {csv} replaces them; if many files changed, --overwrite loads all of them"
    )
    command = str(caught.value).partition("specprod-copy ")[2].partition(" replaces")[0]
    words = [*shlex.split(command), "--dsn", iron.conninfo]
    assert CliRunner().invoke(cli, words).exit_code == 0
    assert iron.query("SELECT count(*) FROM iron.tile WHERE obsstatus = 'abd'") == [(1,)]


def test_other_hdu_mended(loaded):
    edit(loaded.files.exposures(), "FRAMES", values={(3, "EBV"): 0.25})
    loaded.load("tile", "exposure")
    with pytest.raises(ChangedFileError, match=r"\[FRAMES\]: the file changed since"):
        loaded.load("exposures")
