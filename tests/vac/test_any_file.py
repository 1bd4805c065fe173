"""A FITS file of a kind that nobody planned for: drafted, loaded, verified, and equal."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from uuid import uuid4

import numpy as np
import psycopg
import pytest
from astropy.io import fits
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from specprod_copy.loading.described import load_catalogue
from specprod_copy.loading.options import LoadOptions
from specprod_copy.vac.draft import DraftOptions, draft
from specprod_copy.vac.draft_columns import sql_name
from specprod_copy.vac.parsing import parse
from specprod_copy.vac.stored import stored
from specprod_copy.verification import VerifyOptions
from specprod_copy.verification.catalogues import verify_catalogues

NUMBERS = ["L", "B", "I", "J", "K", "E", "D", "i1", "u2", "u4", "u8"]
ZEROS = {"i1": ("B", -128), "u2": ("I", 2**15), "u4": ("J", 2**31), "u8": ("K", 2**63)}
DTYPES = {"L": "?", "B": "u1", "I": "i2", "J": "i4", "K": "i8", "E": "f4", "D": "f8"}
TEXT = st.text(st.characters(codec="ascii", exclude_categories=["C"]), max_size=6)
# A number called TARGETID may become the key, by which rows are sorted.
NAMES = st.text(
    st.characters(codec="ascii", exclude_categories=["C"]), min_size=1, max_size=12
).filter(lambda name: not name.strip().upper().endswith("ID"))


SETTINGS = settings(
    # The same files each time: a new one that fails would be of no use to whoever runs this.
    max_examples=int(os.environ.get("ANY_FILES", "8")),
    derandomize="ANY_FILES" not in os.environ,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


class Drawn(NamedTuple):
    """A column of a file."""

    name: str
    form: str
    unit: str | None
    values: np.ndarray
    zero: int | None = None
    dim: str | None = None

    def column(self) -> fits.Column:
        """Return it for astropy, which changes arrays."""
        return fits.Column(
            self.name, self.form, self.unit, array=self.values.copy(), bzero=self.zero, dim=self.dim
        )


@st.composite
def columns(draw, rows: int) -> Drawn:
    """Draw a column; bits of floats are anything, NaN with a payload too."""
    name = draw(NAMES.map(str.strip).filter(bool))
    unit = draw(st.none() | st.sampled_from(["deg", "1e-17 erg/(s cm2)", "it's [odd] {{ x }}"]))
    repeat = draw(st.sampled_from([1, 1, 1, 2, 5]))
    if draw(st.integers(0, 4)) == 0:
        width = draw(st.integers(1, 6))
        # A NUL or a blank at the end is none of the text.
        values = [draw(TEXT)[:width].rstrip() for _ in range(rows * repeat)]
        array = np.array(values, f"S{width}").reshape((rows, repeat) if repeat > 1 else rows)
        dim = f"({width},{repeat})" if repeat > 1 else None
        return Drawn(name, f"{width * repeat}A", unit, array, dim=dim)
    kind = draw(st.sampled_from(NUMBERS))
    dtype = np.dtype(DTYPES.get(kind, kind))
    size = rows * repeat
    array = np.frombuffer(draw(st.binary(min_size=size * 8, max_size=size * 8)), "u1")
    array = array[:size] % 2 == 1 if kind == "L" else array[: size * dtype.itemsize].view(dtype)
    letter, zero = ZEROS.get(kind, (kind, None))
    shape = (rows, repeat) if repeat > 1 else (rows,)
    form = f"{repeat if repeat > 1 else ''}{letter}"
    return Drawn(name, form, unit, array.reshape(shape), zero)


@st.composite
def files(draw) -> list[Drawn]:
    rows = draw(st.integers(0, 20))
    found = draw(st.lists(columns(rows), min_size=1, max_size=7))
    names = [sql_name(column.name.upper()) for column in found]
    assume(len({*names}) == len(names))
    return found


@pytest.mark.filterwarnings("ignore::astropy.io.fits.verify.VerifyWarning")
@pytest.mark.parametrize("parts", [1, 2])
def test_it_comes_back_equal(module_database, parts):
    @settings(SETTINGS)
    @given(files())
    def one(columns: list[Drawn]) -> None:
        with TemporaryDirectory() as folder:
            check(module_database, Path(folder), columns, parts)

    one()


def check(conninfo: str, folder: Path, columns: list[Drawn], parts: int) -> None:
    paths = [folder / f"any-{n}.fits" for n in range(parts)]
    for path in paths:
        fits.BinTableHDU.from_columns([c.column() for c in columns], name="ANY").writeto(path)
    found = draft(paths, DraftOptions(table="anything"))
    texts = found.texts()
    description = parse(texts.popitem()[1], "any.toml", texts)
    schema = f"any {uuid4().hex[:12]}"
    options = LoadOptions(("all",), schema, roles=())
    load_catalogue(conninfo, description, folder, options)
    with psycopg.connect(conninfo) as connection:
        (catalogue,) = stored(connection, schema)
        names = ", ".join(f'"{column.name}"' for column in found.tables[0].columns)
        order = ", ".join(found.tables[0].own_key)
        query = f'SELECT {names} FROM "{schema}".anything ORDER BY {order}'
        rows = connection.cursor(binary=True).execute(query.encode()).fetchall()
    results = verify_catalogues(conninfo, [catalogue], VerifyOptions(("all",), schema))
    assert [result for result in results if not result.passed] == []
    assert len(rows) == parts * len(columns[0].values)
    for n, column in enumerate(columns):
        for part in range(parts):
            own = rows[part * len(column.values) : (part + 1) * len(column.values)]
            assert as_bits([row[n] for row in own], column) == as_bits(column.values, column)


def as_bits(values, column: Drawn) -> list[object]:
    """Return values in a form that tells every bit of them."""
    array = column.values
    if array.dtype.kind == "S":
        wanted = np.array(values)
        return (np.char.decode(wanted) if wanted.dtype.kind == "S" else wanted).tolist()
    if array.dtype.kind == "f":
        return [np.asarray(value, array.dtype).tobytes() for value in values]
    return [np.asarray(value).astype(object).tolist() for value in values]
