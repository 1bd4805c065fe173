"""What a description says of columns holds for just these columns and values."""

from __future__ import annotations

import numpy as np
import pytest
from support.catalogues import Catalogues, write_fits

from specprod_copy.errors import ConfigurationError

TOML = """
name = "own"
version = "v1"
[tables.main]
files = "a.fits"
hdu = "MAIN"
[tables.main.columns]
"""
N_ROWS = 4
LARGE = 2**53


@pytest.fixture
def vac(tmp_path, database) -> Catalogues:
    return Catalogues(tmp_path, database)


def load(vac: Catalogues, rules: str, **columns: tuple[np.ndarray, str]) -> None:
    """Load columns, each an array and the SQL of its column in the table, and verify them."""
    arrays = {name.upper(): array for name, (array, _) in columns.items() if len(array)}
    write_fits(vac.root / "a.fits", {"MAIN": {"ID": np.arange(N_ROWS), **arrays}})
    lines = ["id bigint PRIMARY KEY", *(f"{name} {kind}" for name, (_, kind) in columns.items())]
    (vac.root / "main.sql").write_text(
        "{% block table %}CREATE TABLE IF NOT EXISTS {{ schema }}.{{ table }} "
        f"({', '.join(lines)});{{% endblock %}}"
    )
    (vac.root / "own.toml").write_text(TOML + rules)
    vac.load(vac.root / "own.toml")
    vac.verify()


NOTHING = np.empty(0)


def test_a_column_is_copied_beside_those_that_are_made_of_it(vac):
    z = np.array([0.5, 1, np.inf, -0.0])
    rules = 'z_vi = { from = "Z" }\nfirst = { from = "Z", null = 1.0 }\nother = { from = "Y" }'
    load(
        vac,
        f'{rules}\nthird = {{ from = "Y" }}',
        first=(NOTHING, "double precision"),
        z=(z, "double precision"),
        z_vi=(NOTHING, "double precision"),
        y=(z + 1, "double precision"),
        other=(NOTHING, "double precision"),
        third=(NOTHING, "double precision"),
    )
    found = vac.query("SELECT z, z_vi, first, y, other, third FROM vac.main ORDER BY id")
    assert found == [(v, v, None if v == 1 else v, v + 1, v + 1, v + 1) for v in z]


@pytest.mark.parametrize(
    ("kind", "values", "null", "wanted"),
    [
        ("bigint", np.array([LARGE, LARGE + 1, -9999, 7]), f"[{LARGE}.0]", [None, LARGE + 1]),
        ("bigint", np.array([LARGE, LARGE + 1, -9999, 7]), "[1e300, 0.5, nan]", [LARGE, LARGE + 1]),
        ("bigint", np.array([5, -9999, 1, 7]), "[-9999.0, 1.0]", [5, None, None, 7]),
        ("smallint", np.array([5, -99, 1, 7], "i2"), "[-99.0, 65536.0]", [5, None, 1, 7]),
        ("real", np.array([-99.9, np.inf, 1, 2], "f4"), "[-99.9, 1e40]", [None, np.inf, 1]),
        ("real", np.array([1, np.inf, -np.inf, 2], "f4"), "inf", [1, None, -np.inf, 2]),
        ("real", np.array([1e40, 1, -1e40, 2]), "[1e40, -1e40]", [None, 1, None, 2]),
    ],
)
def test_nothing_but_a_sentinel_becomes_null(vac, kind, values, null, wanted):
    """Not a neighbour, which only another type cannot tell from it, nor infinity."""
    load(vac, f"x = {{ null = {null} }}", x=(values, kind))
    found = [value for (value,) in vac.query("SELECT x FROM vac.main ORDER BY id")]
    assert found[: len(wanted)] == wanted


@pytest.mark.parametrize("rule", ["v = { nan = -1.0 }", '"[uv]" = { null = 0 }'])
def test_arrays_have_no_values_for_some_elements(vac, rule):
    with pytest.raises(ConfigurationError, match=r"v is an array: no n\w+ for those"):
        load(vac, rule, v=(np.full((N_ROWS, 3), np.nan), "double precision[]"))
