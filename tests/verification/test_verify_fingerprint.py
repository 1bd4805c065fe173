"""Fingerprints and the decoder of COPY: no change escapes them, on either side."""

from __future__ import annotations

from itertools import chain

import numpy as np
import polars as pl
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.column_values import DDL, VALUES, copy_in, frames, series

from specprod_copy.errors import DatabaseError
from specprod_copy.postgres.decoder import Decoder
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.verification.database_side import Pages, table_frames
from specprod_copy.verification.fingerprint import PARTS, Tally, key_hashes, parts_of, words
from specprod_copy.verification.job import TableJob

KEY = "i8"


def tally(frame: pl.DataFrame, *, pieces: int = 1) -> Tally:
    found = Tally.of_nothing(frame.width)
    for piece in frame.iter_slices(max(frame.height // pieces, 1)):
        found.count(piece, key_hashes(piece, [KEY]))
    return found


def equal(one: Tally, other: Tally) -> bool:
    return one.rows == other.rows and all(
        (getattr(one, name) == getattr(other, name)).all()
        for name in ("sums", "nulls", "not_finite", "parts")
    )


@st.composite
def keyed_frames(draw: st.DrawFn) -> pl.DataFrame:
    """Draw at least two rows of all types, with nulls, and with different keys."""
    n = draw(st.integers(2, 10))
    keys = draw(st.lists(VALUES[KEY], min_size=n, max_size=n, unique=True))
    values = {name: VALUES[name] | st.none() for name in DDL}
    drawn = {name: draw(st.lists(values[name], min_size=n, max_size=n)) for name in DDL}
    return pl.DataFrame([series(name, keys if name == KEY else drawn[name]) for name in DDL])


@settings(max_examples=25, deadline=None)
@given(frame=keyed_frames(), seed=st.integers(0, 1000))
def test_order_and_pieces_do_not_matter(frame, seed):
    shuffled = frame.sample(fraction=1, shuffle=True, seed=seed)
    assert equal(tally(frame), tally(shuffled, pieces=3))
    halves = tally(frame[:1])
    halves.add(tally(frame[1:]))
    assert equal(tally(frame), halves)


@settings(max_examples=80, deadline=None)
@given(frame=keyed_frames(), data=st.data())
def test_one_other_value_shows_in_its_column_only(frame, data):
    name = data.draw(st.sampled_from([name for name in DDL if name != KEY]))
    row = data.draw(st.integers(0, frame.height - 1))
    other = series(name, [data.draw(VALUES[name] | st.none())])
    before = frame[name][row : row + 1]
    changed = frame.with_columns(pl.concat([frame[name][:row], other, frame[name][row + 1 :]]))
    same = other.is_null()[0] == before.is_null()[0] and words(other)[0] == words(before)[0]
    one, two = tally(frame), tally(changed)
    expected = np.array([column == name and not same for column in DDL])
    np.testing.assert_array_equal(one.sums != two.sums, expected)
    part = parts_of(key_hashes(frame, [KEY]))[row]
    expected = np.arange(PARTS) == (-1 if same else part)
    np.testing.assert_array_equal(one.parts != two.parts, expected)


@pytest.mark.parametrize("dtype", [pl.Float64, pl.Float32, pl.Int64, pl.Int32, pl.Int16])
@pytest.mark.parametrize("number", [0, 1, -9999])
def test_every_single_bit(dtype, number):
    value = pl.Series([number], dtype=dtype).to_numpy()
    unsigned = np.dtype(f"u{value.itemsize}")
    bits = np.arange(8 * value.itemsize, dtype=unsigned)
    variants = value.view(unsigned) ^ (unsigned.type(1) << bits)
    everything = np.concatenate([value, variants.view(value.dtype)])
    sums = set()
    for variant in everything:
        frame = pl.DataFrame({KEY: [5], "x": pl.Series([variant], dtype=dtype)})
        sums.add(int(tally(frame).sums[1]))
    assert len(sums) == len(bits) + 1


@settings(max_examples=40, deadline=None)
@given(frame=keyed_frames(), name=st.sampled_from([name for name in DDL if name != KEY]))
def test_swapped_values_show(frame, name):
    """A plain sum would not see that two rows have each other's value."""
    swapped = frame.with_columns(frame[name][[1, 0, *range(2, frame.height)]])
    first, second = ((x.is_null()[0], words(x)[0]) for x in (frame[name][:1], frame[name][1:2]))
    differs = (tally(swapped).sums != tally(frame).sums).tolist()
    assert differs == [column == name and first != second for column in DDL]


def test_values_that_changed_columns_show():
    frame = pl.DataFrame({KEY: [1, 2], "x": [0.5, 1.5], "y": [2.5, 3.5]})
    swapped = frame.select(KEY, x="y", y="x")
    one, two = tally(frame), tally(swapped)
    assert (one.sums != two.sums).tolist() == [False, True, True]
    assert (one.parts != two.parts).sum() == 2


def test_counts():
    frame = pl.DataFrame(
        {KEY: [1, 2, 3, 4], "x": [-9999.0, None, -9999.0, 9999.0], "n": [-9999, None, None, 1]}
    ).with_columns(y=pl.col("x").cast(pl.Float32))
    found = tally(frame)
    assert found.rows == 4
    assert found.nulls.tolist() == [0, 1, 2, 1]
    assert found.not_finite.tolist() == [0, 2, 0, 2]


# The decoder, through a real server --------------------------------------------------------------


@pytest.fixture(scope="module", params=["", " NOT NULL"], ids=["nullable", "not_null"])
def everything(request, cluster, module_database):
    with psycopg.connect(module_database, autocommit=True) as connection:
        body = ", ".join(f"{name} {kind}{request.param}" for name, kind in DDL.items())
        connection.execute(f"DROP TABLE IF EXISTS everything; CREATE TABLE everything ({body})")
        yield connection


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(frame=frames())
def test_what_was_sent_comes_back(everything, frame):
    columns = read_schema(everything, "public").columns_of("everything")
    if columns[0].not_null:
        frame = frame.drop_nulls()
    everything.execute("TRUNCATE everything")
    copy_in(everything, frame)
    job = TableJob("public", "everything", (KEY,), tuple(columns))
    got = pl.concat(table_frames(everything, job, Pages(0, None)))
    assert got.schema == frame.schema
    for name in frame.columns:
        assert got[name].is_null().to_list() == frame[name].is_null().to_list()
        if frame[name].dtype.is_float():
            np.testing.assert_array_equal(words(got[name]), words(frame[name]))
        else:
            assert got[name].to_list() == frame[name].to_list()


def test_some_columns_in_another_order(everything):
    everything.execute("TRUNCATE everything")
    everything.execute(
        """INSERT INTO everything VALUES
           (1, 'a', 2, 3, '', 'xyz', 0.5, 0.25, true, 1e37, '2024-05-01 12:00:00.000001+00')"""
    )
    columns = {c.name: c for c in read_schema(everything, "public").columns_of("everything")}
    wanted = ("n", "ts", "t2", "i2")
    job = TableJob("public", "everything", (KEY,), tuple(columns[name] for name in wanted))
    [frame] = table_frames(everything, job, Pages(0, None))
    [(n, ts, t2, i2)] = frame.rows()
    assert (int(n), ts.isoformat(), t2, i2) == (10**37, "2024-05-01T12:00:00.000001+00:00", "", 1)


def test_a_range_of_pages(everything):
    everything.execute("TRUNCATE everything")
    everything.execute(
        """INSERT INTO everything
           SELECT 1, 'a', 2, n, repeat('b', 100), 'xyz', 0.5, 0.25, true, n, now()
           FROM generate_series(1, 400) n"""
    )
    columns = [
        c for c in read_schema(everything, "public").columns_of("everything") if c.name == KEY
    ]
    job = TableJob("public", "everything", (KEY,), tuple(columns))
    found = [
        [key for frame in table_frames(everything, job, pages) for key in frame[KEY]]
        for pages in (Pages(0, 1), Pages(1, 3), Pages(3, None))
    ]
    assert all(found)
    assert [*chain.from_iterable(found)] == list(range(1, 401))


def test_rows_of_another_form(everything):
    columns = read_schema(everything, "public").columns_of("everything")
    decoder = Decoder(columns)
    copy = "COPY (SELECT 1::int2, 'a'::text) TO STDOUT (FORMAT BINARY)"
    with everything.cursor() as cursor, cursor.copy(copy) as rows:
        first, *_ = [bytes(row) for row in rows]
    with pytest.raises(DatabaseError, match="not rows of the columns asked for"):
        decoder.decode([first])
