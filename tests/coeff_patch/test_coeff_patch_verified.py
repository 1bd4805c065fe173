"""A patched table is verified by its patch, until that is taken back."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from support.coeff_patch_tools import psql

from specprod_copy.cli.render_ddl import render_ddl
from specprod_copy.coeff_patch import apply, patches_of, revert
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.tables import Inputs
from specprod_copy.verification import Result, VerifyOptions, verify

pytest_plugins = ("support.coeff_patch_fixtures",)

COLUMNS = [f"coeff_{n}" for n in range(10)]


@pytest.fixture
def verified(loaded, wrong_root):
    """Return what verifies the production with the files that it was loaded from."""
    inputs = Inputs(ProductionFiles(find_production("iron"), wrong_root))
    options = VerifyOptions(("redshift",), "iron", alone=True)
    return lambda: verify(loaded, inputs, options)


def failed(results: list[Result]) -> list[tuple[str, str]]:
    return [(r.table, r.detail) for r in results if not r.passed]


def rules(results: list[Result]) -> list[tuple[str, str]]:
    """Return the columns that were verified by a rule."""
    found = [(r.table, r.detail) for r in results if "by the rule of coeff" in r.detail]
    return [(table, detail.partition(":")[0]) for table, detail in found]


def test_applied_and_reverted(loaded, connection, verified):
    assert failed(verified()) == []
    apply(loaded, patches_of("iron"))
    assert failed(verified()) == []
    assert rules(verified()) == [(table, name) for table in ("ztile", "zpix") for name in COLUMNS]
    [(key, before)] = connection.execute(
        "SELECT id, coeff_3 FROM iron.zpix ORDER BY id LIMIT 1"
    ).fetchall()
    change = "UPDATE iron.zpix SET coeff_3 = %s WHERE id = %s"
    connection.execute(change, (before + 1, key))
    [(table, detail)] = failed(verified())
    assert table == "zpix"
    assert detail == (
        f"coeff_3: 1 value not by the rule of coeff: id {key}: coeff {before!r}, "
        f"table {before + 1!r}; mended by specprod-copy patch coeff apply"
    )
    connection.execute(change, (before, key))
    revert(loaded, patches_of("iron"))
    assert failed(verified()) == []
    assert rules(verified()) == []


def test_the_script_records_the_same(cluster, loaded, connection, verified):
    def records() -> list[tuple]:
        return connection.execute(
            """SELECT table_name, entry, first_row, last_row, stage, inputs, tables, details
               FROM iron.load_ledger WHERE stage = 'procedure' ORDER BY 1"""
        ).fetchall()

    apply(loaded, patches_of("iron"))
    before = records()
    assert len(before) == 2
    script = CliRunner().invoke(render_ddl, ["--coeff-patch", "--production", "iron"]).output
    psql(cluster, loaded, script, revert="on")
    assert records() == []
    assert failed(verified()) == []
    for _ in range(2):
        psql(cluster, loaded, script)
        assert records() == before
    assert failed(verified()) == []


def test_patch_that_is_gone(loaded, connection, verified):
    apply(loaded, patches_of("iron"))
    connection.execute("DROP TABLE coeff_patch.iron_zpixpatch")
    results = verified()
    assert failed(results) == []
    assert [r.note for r in results if r.note] == [
        f"{', '.join(COLUMNS)}: derived by coeff, of coeff_patch.iron_zpixpatch, which does not "
        "exist any more"
    ]
