"""What a plan is made of: ranges that are missing, cut into units; and the shares of loaders."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.units import units as units_of

from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import ConfigurationError
from specprod_copy.plan.ledger import LoadedRange, LoadedRanges
from specprod_copy.plan.limits import LIMITS
from specprod_copy.plan.planning import Plan, Planner, part_of
from specprod_copy.postgres.columns import Column
from specprod_copy.rows.units import Input, Unit
from specprod_copy.tables import STAGES, Inputs, TableSource, specprod_catalogue

UNIT_ROWS = LIMITS.unit_rows
ROWS = 2 * UNIT_ROWS + 7


class Known:
    """A ledger as far as a plan asks for it."""

    def __init__(self, loaded: LoadedRanges) -> None:
        self._loaded = loaded
        self.check_content = False

    def loaded(self, table: str, stage: str) -> LoadedRanges:
        return self._loaded


def loaded_ranges(unit: Unit, ranges: list[tuple[int, int]]) -> list[LoadedRange]:
    made_of = (Input(unit.file, unit.hdu, unit.stamp, ""),)
    return [LoadedRange(first, last, made_of) for first, last in ranges]


def write(path: Path, n_rows: int) -> Path:
    numbers = fits.Column("N", "J", array=np.arange(n_rows, dtype=np.int32))
    fits.BinTableHDU.from_columns([numbers], name="A", nrows=n_rows).writeto(path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Return a folder of files: of several units, packed, and without rows."""
    folder = tmp_path_factory.mktemp("planning")
    write(folder / "large.fits", ROWS)
    write(folder / "packed.fits.gz", ROWS)
    write(folder / "empty.fits", 0)
    return folder


def plan(folder: Path, *names: str, loaded: Mapping[str, list[tuple[int, int]]]) -> Plan:
    """Plan a load of some files, of which some rows are in the table."""
    paths = [folder / name for name in names]
    source = TableSource("tile", "exposures", lambda inputs: paths, ("A",))
    inputs = Inputs(ProductionFiles(find_production("iron"), folder))
    columns = {"tile": [Column("n", "int4")]}
    known: LoadedRanges = {}
    if loaded:
        whole = {
            unit.file: unit for unit in Planner(inputs).plan([source], columns, Known({})).files
        }
        known = {whole[f].place: loaded_ranges(whole[f], ranges) for f, ranges in loaded.items()}
    return Planner(inputs).plan([source], columns, Known(known))


def ranges(units: list[Unit]) -> list[tuple[int, int]]:
    return [(unit.first, unit.last) for unit in units]


def test_files_are_cut_into_units(folder):
    found = plan(folder, "large.fits", loaded={})
    assert ranges(found.files) == [(0, ROWS)]
    assert ranges(found.units) == [
        (0, UNIT_ROWS),
        (UNIT_ROWS, 2 * UNIT_ROWS),
        (2 * UNIT_ROWS, ROWS),
    ]
    assert found.n_rows == ROWS
    assert {(unit.file, unit.hdu, unit.row_bytes) for unit in found.units} == {
        ("large.fits", "A", 4)
    }


def test_packed_files_are_not_cut(folder):
    """Each piece would unpack the file again."""
    assert ranges(plan(folder, "packed.fits.gz", loaded={}).units) == [(0, ROWS)]
    rest = plan(folder, "packed.fits.gz", loaded={"packed.fits.gz": [(0, 5)]})
    assert ranges(rest.units) == [(5, ROWS)]


def test_a_file_without_rows_is_one_empty_unit(folder):
    """So that the ledger shows that it was seen; then it is not seen again."""
    assert ranges(plan(folder, "empty.fits", loaded={}).units) == [(0, 0)]
    assert plan(folder, "empty.fits", loaded={"empty.fits": [(0, 0)]}).units == []


def test_files_come_one_after_the_other(folder):
    found = plan(
        folder,
        "large.fits",
        "empty.fits",
        "packed.fits.gz",
        loaded={"large.fits": [(0, ROWS - 1)]},
    )
    assert [unit.file for unit in found.files] == ["large.fits", "empty.fits", "packed.fits.gz"]
    assert [(unit.file, unit.first, unit.last) for unit in found.units] == [
        ("large.fits", ROWS - 1, ROWS),
        ("empty.fits", 0, 0),
        ("packed.fits.gz", 0, ROWS),
    ]


def gaps(loaded: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return runs of rows that are not loaded, cut at multiples of a unit: by looking at each."""
    missing = np.ones(ROWS, bool)
    for first, last in loaded:
        missing[first:last] = False
    begins = missing.copy()
    begins[1:] &= ~missing[:-1] | (np.arange(1, ROWS) % UNIT_ROWS == 0)
    ends = missing.copy()
    ends[:-1] &= ~missing[1:] | (np.arange(1, ROWS) % UNIT_ROWS == 0)
    return [*zip(np.flatnonzero(begins).tolist(), (np.flatnonzero(ends) + 1).tolist(), strict=True)]


EDGES = [0, 1, UNIT_ROWS - 1, UNIT_ROWS, UNIT_ROWS + 1, 2 * UNIT_ROWS, ROWS - 1, ROWS]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(ends=st.lists(st.sampled_from(EDGES) | st.integers(0, ROWS), max_size=8, unique=True))
def test_units_are_what_is_missing(folder, ends):
    """Whatever is loaded, each other row is in exactly one unit, and none crosses a border."""
    ends = sorted(ends)
    loaded = [*zip(ends[::2], ends[1::2], strict=False)]
    found = plan(folder, "large.fits", loaded={"large.fits": loaded})
    assert ranges(found.units) == gaps(loaded)
    assert ranges(found.files) == [(0, ROWS)]


# Shares ------------------------------------------------------------------------------------------


@st.composite
def some_units(draw) -> list[Unit]:
    """Units of several files, as a plan has them."""
    found = []
    for name in draw(
        st.lists(st.text("ab/é\udc80", min_size=1, max_size=5), max_size=4, unique=True)
    ):
        (whole,) = units_of(1, source=draw(st.sampled_from(["zpix<redshift", "tile<exposures"])))
        for k in range(draw(st.integers(1, 6))):
            first = k * UNIT_ROWS
            fields = {"file": name, "first": first, "last": first + UNIT_ROWS}
            found.append(Unit(**{**vars(whole), **fields}))
    return found


@given(units=some_units(), parts=st.integers(1, 9), data=st.data())
def test_shares_are_disjoint_and_complete(units, parts, data):
    shares = [part_of(units, part, parts) for part in range(1, parts + 1)]
    assert sum(map(len, shares)) == len(units)
    numbers = {id(unit): n for n, share in enumerate(shares) for unit in share}
    assert len(numbers) == len(units)
    for share in shares:  # in the order of loading
        assert share == [unit for unit in units if unit in share]
    # Who plans later, when others have loaded something, comes to the same shares.
    left = [unit for unit in units if data.draw(st.booleans())]
    for part in range(1, parts + 1):
        assert part_of(left, part, parts) == [u for u in left if numbers[id(u)] == part - 1]


@given(units=some_units(), parts=st.integers(2, 9))
def test_units_in_a_row_go_to_loaders_in_turn(units, parts):
    share = {id(u): p for p in range(1, parts + 1) for u in part_of(units, p, parts)}
    for one, next_one in pairwise(units):
        if one.file == next_one.file:
            assert share[id(next_one)] == share[id(one)] % parts + 1


# Sources -----------------------------------------------------------------------------------------


def test_sources_in_the_order_of_their_references():
    names = [source.name for source in specprod_catalogue().select(["all"])]
    assert names == [
        "tile<exposures",
        "exposure<exposures",
        "frame<exposures",
        "photometry<photometry",
        "photometry<targetphot",
        "target<target",
        "ztile<redshift",
        "zpix<redshift",
        "fiberassign<fiberassign",
        "potential<fiberassign",
    ]
    assert [
        source.name for source in specprod_catalogue().select(["fiberassign", "exposures"])
    ] == [
        *names[:3],
        *names[-2:],
    ]
    assert [source.name for source in specprod_catalogue().select(["zpix", "tile"])] == [
        "tile<exposures",
        names[7],
    ]
    assert specprod_catalogue().select(STAGES) == specprod_catalogue().select(["all"])
    with pytest.raises(ConfigurationError, match=r"^no stage is called 'zpx'"):
        specprod_catalogue().select(["zpix", "zpx"])
