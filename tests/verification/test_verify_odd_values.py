"""Values and columns that a server has, and no file: they differ, or are what the file says."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pytest
from support.catalogues import Catalogues, write_fits

TOML = """
name = "one"
version = "v1"
[tables.one]
files = "a.fits"
hdu = "ONE"
"""
SQL = """
{{% block table %}}
CREATE TABLE IF NOT EXISTS {{{{ schema }}}}.{{{{ table }}}} (k {key} NOT NULL, x {kind});
{{% endblock %}}
{{% block keys %}}
ALTER TABLE {{{{ schema }}}}.{{{{ table }}}} ADD CONSTRAINT {{{{ table }}}}_pkey PRIMARY KEY (k);
{{% endblock %}}
"""
N = 4


class One(Catalogues):
    """A table of a key and another column."""

    def fill(
        self, key: str, kind: str, *arguments: object, rule: str = "", **columns: object
    ) -> None:
        own = self.root / "own"
        own.mkdir()
        (own / "one.toml").write_text(TOML + rule)
        (own / "one.sql").write_text(SQL.format(key=key, kind=kind))
        write_fits(self.root / "a.fits", {"ONE": {"K": np.arange(N), **columns}})
        self.load(own / "one.toml", *arguments, code=3 if arguments else 0)

    def failures(self, *arguments: object) -> Mapping[str, str]:
        results = json.loads(self.run("verify", "--schema", "vac", "--json", *arguments, code=1))
        return {one["name"]: one["detail"] for one in results if not one["passed"]}

    def change(self, value: str, where: str = "k = 2") -> None:
        assert self.query(f"UPDATE vac.one SET x = {value} WHERE {where} RETURNING 1") == [(1,)]


@pytest.fixture
def one(tmp_path, database) -> One:
    return One(tmp_path, database)


@pytest.mark.parametrize("kind", ["numeric", "numeric(20, 2)", "numeric(39)"])
def test_whole_numbers(one, kind):
    """However many digits behind the point they have."""
    one.fill("bigint", kind, X=np.arange(N) * 10)
    one.verify()
    one.change("20.00")
    one.verify()


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("numeric", "20.4"),
        ("numeric(20, 2)", "20.4"),
        ("numeric(20)", "'NaN'"),
        ("numeric", "1e38"),
        ("numeric(39)", "1e38"),
    ],
)
def test_numbers_that_no_file_gives(one, kind, value):
    one.fill("bigint", kind, X=np.arange(N) * 10)
    one.change(value)
    found = one.failures()
    assert found.keys() == {"values", "sample"}
    assert found["values"] == (
        "x: 1 value: k 2 (a.fits[ONE] row 2): file 20, table no whole number of at most 38 digits"
    )
    assert found["sample"].startswith(f"1 of {N} rows differ: k 2 ")


def test_null_is_not_nan(one):
    rule = "[tables.one.columns]\nx = { null = [20] }"
    one.fill("bigint", "numeric(20)", rule=rule, X=np.arange(N) * 10)
    one.verify()
    one.change("'NaN'")
    found = one.failures("--sample", 0)
    assert found.keys() == {"values", "nulls"}
    assert found["values"].endswith("file None, table no whole number of at most 38 digits")


def test_an_array_of_numbers(one):
    one.fill("bigint", "numeric[]", X=np.arange(2 * N).reshape(N, 2))
    one.verify()
    one.change("ARRAY[4, 5.5]")
    end = "element 1: file 5, table no whole number of at most 38 digits"
    assert one.failures()["values"].endswith(end)


@pytest.mark.parametrize("kind", ["char(4)", "bpchar"])
def test_texts_whose_blanks_at_the_end_say_nothing(one, kind):
    """A bpchar without a length is not char(1)."""
    texts = np.array(["ab", "abc", "abcd", ""], "S4")
    one.fill(kind, kind, K=texts, X=texts)
    one.verify()
    one.change("'abe '", "x = 'abc   '")
    assert one.failures()["values"].endswith("file 'abc', table 'abe'")


@pytest.mark.parametrize("kind", ["bpchar", "char(4)", "char(2)"])
def test_blanks_of_a_description_that_say_nothing(one, kind):
    one.fill("bigint", kind, rule='[tables.one.columns]\nx = { value = "ab   " }')
    one.verify()
    one.change("'ac'")
    assert one.failures()["values"].endswith("file 'ab', table 'ac'")


def test_such_a_text_as_a_key_that_comes_twice(one):
    texts = np.array(["ab", "b", "ab", "c"], "S4")
    quarantine = ("--on-error", "quarantine", "--quarantine", one.root / "bad")
    one.fill("char(4)", "integer", *quarantine, K=texts, X=np.arange(N))
    one.verify()
    assert one.query("SELECT x FROM vac.one ORDER BY x") == [(0,), (1,), (3,)]


@pytest.mark.parametrize("kind", ["char(4)", "bpchar"])
def test_an_array_of_such_texts(one, kind):
    one.fill("bigint", f"{kind}[]", X=np.array([["ab", "abcd"]] * N, "S4"))
    one.verify()


def test_nan_in_a_key(one):
    one.fill("double precision", "integer", K=np.array([np.nan, -0.0, 1, 2]), X=np.arange(N))
    one.verify()
    one.change("7", "k = 'NaN'")
    assert one.failures()["sample"].startswith(f"1 of {N} rows differ: k nan ")


def test_a_name_with_a_percent_sign(one):
    one.fill("bigint", 'integer, "50%s" integer', X=np.arange(N), **{"50%S": np.arange(N)})
    one.verify()
