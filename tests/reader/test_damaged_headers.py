"""Headers of FITS tables that say what cannot be: one exact line for each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.plain_table import NUMBER, PLAIN, TEXT, message
from support.raw_fits import table_bytes, table_header, write

from specprod_copy.reader import open_table, read_table


@pytest.mark.parametrize(
    ("keywords", "reason"),
    [
        ({"TFORM2": "4Z"}, ", column PROGRAM: damaged header: TFORM2 is '4Z'"),
        ({"TFORM2": 4}, ", column PROGRAM: damaged header: TFORM2 is 4"),
        ({"TFORM1": None}, ", column TARGETID: damaged header: TFORM1 is None"),
        ({"TFORM2": "3A"}, ": damaged header: NAXIS1 is 12 bytes, but the columns take 11"),
        ({"TTYPE2": "TargetID"}, ", column TARGETID: two columns have this name (in upper case)"),
        ({"TFIELDS": None}, ": damaged header: TFIELDS is missing"),
        ({"TFIELDS": 3}, ", column COL3: damaged header: TFORM3 is None"),
        ({"TFIELDS": 10**9}, ": damaged header: TFIELDS is 1000000000, and at most 999 may be"),
        ({"NAXIS2": -3}, ": damaged header: NAXIS2 is -3"),
        ({"NAXIS2": "x"}, ": damaged header: NAXIS2 is 'x'"),
        ({"NAXIS2": 10**18}, f": damaged header: {12 * 10**18} bytes of data"),
        ({"NAXIS2": 10**12}, f": damaged header: {12 * 10**12} bytes of data"),
        (
            {"NAXIS1": 2**31, "NAXIS2": 0},
            ": damaged header: NAXIS1 is 2147483648 bytes, but the columns take 12",
        ),
        ({"NAXIS1": 0}, ": damaged header: 3 rows of 0 bytes"),
        ({"BITPIX": 7}, ": damaged header: BITPIX is 7"),
        ({"BITPIX": 16}, ": damaged header: a table has BITPIX 8, NAXIS 2 and GCOUNT 1"),
        ({"GCOUNT": 0}, ": damaged header: a table has BITPIX 8, NAXIS 2 and GCOUNT 1"),
    ],
)
def test_damaged_header(tmp_path: Path, keywords: dict, reason: str) -> None:
    path = write(tmp_path / "t.fits", table_bytes([NUMBER, TEXT], name="T", **keywords))
    assert message(open_table, path) == f"{path}[T]{reason}"


def test_keyword_with_two_values(tmp_path: Path) -> None:
    """astropy takes the first one, CFITSIO the last; what does not place the data may be twice."""
    header = table_header([NUMBER, TEXT], 3, "T").tostring(padding=False)
    cards = [header[i : i + 80] for i in range(0, len(header), 80)]
    end = cards.pop()
    data = np.concatenate([NUMBER.data, TEXT.data], axis=1).tobytes()

    def twice(*more: str) -> Path:
        text = "".join([*cards, *(card.ljust(80) for card in more), end])
        padded = text.ljust(-(-len(text) // 2880) * 2880).encode()
        return write(tmp_path / "t.fits", padded + data + bytes(-len(data) % 2880))

    path = twice("TTYPE2  = 'SURVEY'")
    assert message(open_table, path) == (
        f"{path}: damaged header of HDU 1: TTYPE2 is 'PROGRAM' and 'SURVEY'"
    )
    path = twice("NAXIS2  = 2")
    assert message(open_table, path) == f"{path}: damaged header of HDU 1: NAXIS2 is 3 and 2"
    path = twice("TTYPE2  = 'PROGRAM'", "TUNIT1  = 'm'", "TUNIT1  = 's'")
    assert read_table(path)["PROGRAM"].to_list() == ["dark", "", "x"]


def test_blanks_that_are_none(tmp_path: Path) -> None:
    """A byte that Unicode takes for a blank, A0, is damage: it changes names and numbers."""
    path = write(tmp_path / "t.fits", PLAIN)
    content = path.read_bytes()
    assert content.count(b"'PROGRAM '") == 1 and content.count(b"= 'K       '") == 1
    path.write_bytes(content.replace(b"'PROGRAM '", b"'PROGRAM\xa0'"))
    with open_table(path) as table:
        assert list(table.schema) == ["TARGETID", "PROGRAM\xa0"]
    path.write_bytes(content.replace(b"= 'K       '", b"= '\xa0K      '"))
    assert message(open_table, path) == (
        f"{path}[T], column TARGETID: damaged header: TFORM1 is {chr(0xA0) + 'K'!r}"
    )
    rows = b"NAXIS2  =                    3"
    assert content.count(rows) == 1
    path.write_bytes(content.replace(rows, rows[:-2] + b"\xa03"))
    assert message(open_table, path) == f"{path}[T]: damaged header: NAXIS2 is '\\xa03'"


def test_bitpix_of_an_hdu_without_data(tmp_path: Path) -> None:
    path = write(tmp_path / "t.fits", PLAIN)
    content = path.read_bytes()
    path.write_bytes(content[:80] + b"BITPIX  = 0".ljust(80) + content[160:])
    assert message(open_table, path) == f"{path}[PRIMARY]: damaged header: BITPIX is 0"


@pytest.mark.parametrize("value", ["F", "'T'", "1", ""])
def test_not_standard(tmp_path: Path, value: str) -> None:
    path = write(tmp_path / "t.fits", PLAIN)
    content = path.read_bytes()
    path.write_bytes(f"SIMPLE  = {value:>20}".ljust(80).encode() + content[80:])
    found = {"F": "False", "'T'": "'T'", "1": "1", "": "None"}[value]
    assert message(open_table, path) == (
        f"{path}: not a FITS file, or not a standard one: SIMPLE is {found}"
    )
