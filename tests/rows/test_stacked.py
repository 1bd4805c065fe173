"""Small files that are handled as one give what each alone gives, and fail as it fails."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from support.changing import edit
from support.units import units as units_of

from specprod_copy.demo import write_production
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import BadRowsError
from specprod_copy.plan.known_tiles import with_tiles_of_file
from specprod_copy.plan.ledger import NothingLoaded
from specprod_copy.plan.planning import Planner
from specprod_copy.reader import open_table
from specprod_copy.reader.selection import CHUNK_ROWS
from specprod_copy.reader.stacked import NotAlike, Stack
from specprod_copy.rows.encoding import Share, encoded_units
from specprod_copy.rows.stacked import stacks
from specprod_copy.rows.units import Findings, Intake, Unit
from specprod_copy.tables import Inputs, specprod_catalogue

CATALOGUE = specprod_catalogue()
COLUMNS = CATALOGUE.definition.columns_of("fiberassign")
[SOURCE] = CATALOGUE.of_table("fiberassign")


@pytest.fixture
def files(tmp_path) -> ProductionFiles:
    production = find_production("iron")
    write_production(tmp_path, production, tiles=6, targets=20)
    return ProductionFiles(production, tmp_path)


def planned(files: ProductionFiles) -> list[Unit]:
    inputs = with_tiles_of_file(Inputs(files))
    return Planner(inputs).plan([SOURCE], {"fiberassign": COLUMNS}, NothingLoaded()).units


def path_of(files: ProductionFiles, number: int) -> Path:
    return planned(files)[number].path


def encoded(
    units: Sequence[Unit], *, quarantine: bool = False
) -> tuple[list[bytes], list[Share], list[Findings]]:
    """Return the rows, sorted, what each unit has in them, and what was found beside."""
    found = [Findings([] if quarantine else None) for _ in units]
    rows: list[bytes] = []
    shares: list[Share] = []
    for data, of_units in encoded_units(Intake(units, CATALOGUE.sources, COLUMNS), found):
        rows += cut(b"".join(map(bytes, data.data)))
        shares += of_units
    return sorted(rows), shares, found


def cut(data: bytes) -> list[bytes]:
    """Cut COPY data into rows."""
    rows, place = [], 0
    while place < len(data):
        start, place = place, place + 2
        for _ in COLUMNS:
            length = int.from_bytes(data[place : place + 4], signed=True)
            place += 4 + max(length, 0)
        rows.append(data[start:place])
    return rows


def alone(units: Sequence[Unit], **options) -> tuple[list[bytes], list[Share], list[Findings]]:
    """Return the same of units that are handled one by one."""
    rows, shares, found = [], [], []
    for number, unit in enumerate(units):
        own, of_unit, [beside] = encoded([unit], **options)
        rows += own
        shares += [share._replace(number=number) for share in of_unit]
        found.append(beside)
    return sorted(rows), shares, found


def test_equal(files):
    """With columns that others lack, values that are not finite, and rows that are filtered out."""
    edit(path_of(files, 1), "FIBERASSIGN", values={(0, "PMRA"): np.nan, (3, "PMRA"): np.inf})
    edit(path_of(files, 2), "FIBERASSIGN", values={(1, "PMDEC"): np.nan}, rows=lambda n: range(5))
    edit(path_of(files, 5), "FIBERASSIGN", rows=lambda n: np.arange(0))
    with fits.open(path_of(files, 3), mode="update") as hdus:
        hdus["FIBERASSIGN"].columns.del_col("PARALLAX")
    units = planned(files)
    rows, shares, found = encoded(units)
    assert all(share.values_changed for share in shares if share.number in (1, 2))
    assert any(share.rows_kept < share.rows_read for share in shares)
    others = alone(units)
    assert rows == others[0]
    assert [share for share in shares if share.rows_read] == others[1]
    assert [one.digests for one in found] == [one.digests for one in others[2]]
    assert sum(share.size for share in shares) == sum(map(len, rows))


def test_some_rows_of_each(files):
    units = [unit.without([0, 2, 3]) for unit in planned(files)]
    assert encoded(units) == alone(units)


def test_the_error_is_that_of_the_file(files):
    path = path_of(files, 3)
    edit(path, "FIBERASSIGN", values={(4, "LOCATION"): -7})
    edit(path_of(files, 5), "FIBERASSIGN", values={(0, "LOCATION"): -7})
    units = planned(files)
    with pytest.raises(BadRowsError) as expected:
        encoded([units[3]])
    with pytest.raises(BadRowsError) as caught:
        encoded(units)
    assert str(caught.value) == str(expected.value)
    assert (caught.value.path, caught.value.rows) == (path, [4])


def test_text_without_meaning(tmp_path):
    """What cannot be decoded is found before it is known which file has it."""
    paths = [tmp_path / name for name in ("a.fits", "b.fits")]
    for path in paths:
        column = fits.Column("NAME", "3A", array=np.array([b"abc", b"def"]))
        fits.BinTableHDU.from_columns([column], name="A").writeto(path)
    paths[1].write_bytes(paths[1].read_bytes().replace(b"abc", b"\xffbc"))
    stack = None
    for path in paths:
        with open_table(path, ["A"]) as table:
            stack = stack or Stack(table, ["NAME"])
            stack.add(table, 0, 2, None)
    with pytest.raises(NotAlike):
        stack.frame()


def test_quarantine_takes_the_bad_rows_alone(files):
    edit(path_of(files, 3), "FIBERASSIGN", values={(4, "LOCATION"): -7})
    units = planned(files)
    rows, _, found = encoded(units, quarantine=True)
    assert [[refusal.row for refusal in one.refused] for one in found] == [[]] * 3 + [[4]] + [
        []
    ] * 2
    assert rows == alone(units, quarantine=True)[0]


def test_row_sizes(files):
    """Of texts and nulls as well."""
    units = planned(files)
    _, shares, _ = encoded(units)
    assert len({share.size for share in shares}) > 1
    assert [share.size for share in shares] == [share.size for share in alone(units)[1]]


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([10], [1]),
        ([10, 20, 30], [3]),
        ([CHUNK_ROWS, 10, 20], [1, 2]),
        ([10, CHUNK_ROWS - 10, 1], [2, 1]),
        ([10, 10 * CHUNK_ROWS, 10], [1, 1, 1]),
        ([0, 0, 5], [3]),
    ],
)
def test_no_more_rows_than_a_chunk(sizes, expected):
    assert [len(numbers) for numbers in stacks(units_of(*sizes))] == expected


def test_one_source():
    units = [*units_of(1, 1), *units_of(1, source="ztile<redshift"), *units_of(1)]
    assert [*stacks(units)] == [range(2), range(2, 3), range(3, 4)]
