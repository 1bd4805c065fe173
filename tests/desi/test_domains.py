"""What happens to values that no id can be made of: plain ones raise, columns get null."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest

from specprod_copy.desi import ids

col = pl.col


def evaluate(expr: pl.Expr, **columns: object) -> list:
    """Values of an expression over a small frame."""
    return pl.DataFrame(columns).select(x=expr)["x"].to_list()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: ids.surveyid("SV1"),
            KeyError,
            "unknown survey 'SV1'; known: cmx, special, sv1, sv2, sv3, main "
            "(a column is pl.col(...))",
        ),
        (
            lambda: ids.zpixid("dark", None, 1),
            KeyError,
            "unknown survey None; known: cmx, special, sv1, sv2, sv3, main "
            "(a column is pl.col(...))",
        ),
        (
            lambda: ids.zpixid("PROGRAM", col("SURVEY"), col("TARGETID")),
            KeyError,
            "unknown program 'PROGRAM'; known: backup, bright, dark, other, bright1b, dark1b "
            "(a column is pl.col(...))",
        ),
        (
            lambda: ids.spgrpid(""),
            KeyError,
            "unknown spgrp ''; known: 1x_depth, 4x_depth, cumulative, lowspeed, perexp, pernight, "
            "healpix (a column is pl.col(...))",
        ),
        (
            lambda: ids.ztileid("cumulative", 2**27, 1, 1),
            ValueError,
            "spgrpval 134217728 is not in [0, 134217727]",
        ),
        (
            lambda: ids.targetphotid("main", -1, 1),
            ValueError,
            "tileid -1 is not in [0, 4294967295]",
        ),
        (
            lambda: ids.zpixid("dark", "main", 2**63),
            ValueError,
            "targetid 9223372036854775808 is not in [-9223372036854775808, 9223372036854775807]",
        ),
        (lambda: ids.frameid(21474837, "b0"), ValueError, "expid 21474837 is not in [0, 21474836]"),
        (
            lambda: ids.frameid("EXPID", col("CAMERA")),
            TypeError,
            "expid 'EXPID' is no number (a column is pl.col(...))",
        ),
        (lambda: ids.no_sky(1.0), TypeError, "targetid 1.0 is no number (a column is pl.col(...))"),
    ],
)
def test_bad_plain_values(call, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    assert caught.value.args == (message,)


def test_wrong_number_of_arguments_names_the_missing_one() -> None:
    with pytest.raises(TypeError, match="missing a required argument: 'targetid'"):
        ids.zpixid("dark", "main")


def test_unknown_names_in_columns_are_null() -> None:
    names = ["main", "unknown", "", "MAIN", "main ", None]
    assert evaluate(ids.surveyid(col("s")), s=names) == [6, None, None, None, None, None]
    cameras = ["b0", "z9", "B0", "b10", "x1", "b", None]
    assert evaluate(ids.cameraid(col("s")), s=cameras) == [0, 29, None, None, None, None, None]
    categories = pl.Series(["dark", "nothing", None], dtype=pl.Categorical)
    assert evaluate(ids.programid(col("s")), s=categories) == [3, None, None]
    # ... also where a negative TARGETID would hide the unknown one
    assert evaluate(ids.zpixid("dark", col("s"), -1), s=["main", "x"]) == [Decimal(-1), None]


def test_numbers_out_of_range_in_columns_are_null() -> None:
    def tile(tileid: pl.Expr) -> pl.Expr:
        return ids.ztileid("cumulative", 20210324, tileid, 1)

    base = (3 << 27 | 20210324) << 96 | 1
    tiles = [0, 2**32 - 1, 2**32, -1, None]
    expected = [Decimal(base), Decimal(base + ((2**32 - 1) << 64)), None, None, None]
    assert evaluate(tile(col("t")), t=tiles) == expected
    values = [2**27 - 1, 2**27]
    packed = evaluate(ids.ztileid("1x_depth", col("v"), 1, 1), v=values)
    assert packed == [Decimal((1 << 27 | 2**27 - 1) << 96 | 1 << 64 | 1), None]
    large = pl.Series([5, 2**63], dtype=pl.UInt64)
    assert evaluate(ids.fiberassignid(0, 0, col("t")), t=large) == [Decimal(5), None]
    assert evaluate(ids.frameid(col("e"), "b0"), e=[21474836, 21474837]) == [2147483600, None]
