"""Columns that procedures have derived follow their rules, and are verified by them."""

from __future__ import annotations

import shutil

import psycopg
import pytest
from support.script_runner import Psql
from support.verify_case import ZALL, Case, inputs_of

from specprod_copy.daily.primary import choose_primary
from specprod_copy.loading.api import LoadOptions, load
from specprod_copy.tables.common import BITMASKS, PRIMARY

SCRIPTS = {"primary": ("zpix", "ztile"), "target_bitmasks": ("zpix",)}


@pytest.fixture
def derived(cluster, files) -> Case:
    """Return a production after both scripts; some values are others than those of the files."""
    files.execute("DELETE FROM iron.load_ledger WHERE stage = 'procedure'")
    run_scripts(cluster, files)
    return files


def run_scripts(cluster, case: Case) -> None:
    with psycopg.connect(case.conninfo, autocommit=True) as connection:
        psql = Psql([cluster.psql_command()[0], "-X", "-d", case.conninfo], connection)
        for script in SCRIPTS:
            psql.ok(script, schema="iron")


def records(case: Case) -> list[tuple]:
    return case.execute(
        """SELECT table_name, entry, first_row, last_row, inputs, tables, details, rows_kept
           FROM iron.load_ledger WHERE stage = 'procedure' ORDER BY entry, table_name"""
    )


def test_scripts_and_verify(cluster, derived):
    """What the scripts have changed is no failure; they have recorded what it is."""
    changed = derived.execute("SELECT count(*) FROM iron.zpix WHERE desi_target <> 0")
    assert changed != [(0,)]
    assert derived.failures() == []
    results = derived.verify("zpix")
    rules = [r.detail for r in results if r.name == "values" and "by the rule of" in r.detail]
    assert [rule.partition(":")[0] for rule in rules] == [*PRIMARY, *BITMASKS]
    assert [(table, entry) for table, entry, *_ in records(derived)] == [
        (table, f"procedure {script}") for script, tables in SCRIPTS.items() for table in tables
    ]
    before = records(derived)
    run_scripts(cluster, derived)
    assert records(derived) == before


def test_the_command_records_the_same(derived):
    before = [record for record in records(derived) if record[1] == "procedure primary"]
    derived.execute("DELETE FROM iron.load_ledger WHERE entry = 'procedure primary'")
    with psycopg.connect(derived.conninfo, autocommit=True) as connection:
        choose_primary(connection, "iron")
    assert [record for record in records(derived) if record[1] == "procedure primary"] == before


@pytest.mark.parametrize(
    ("column", "change", "procedure", "command"),
    [
        ("zcat_primary", "NOT zcat_primary", "primary", "specprod-copy primary --schema iron"),
        (
            "sv2_scnd_target",
            "sv2_scnd_target # (1::bigint << 62)",
            "target_bitmasks",
            "psql -v schema=iron -f scripts/target_bitmasks.sql",
        ),
    ],
)
def test_one_changed_value(derived, column, change, procedure, command):
    key, _ = derived.row()
    query = f"SELECT {column} FROM iron.zpix WHERE id = {key}"
    [(before,)] = derived.execute(query)
    derived.execute(f"UPDATE iron.zpix SET {column} = {change} WHERE id = {key}")
    [(after,)] = derived.execute(query)
    assert derived.failures() == [
        (
            "zpix",
            "values",
            f"{column}: 1 value not by the rule of {procedure}: id {key}: {procedure} {before!r}, "
            f"table {after!r}; mended by {command}",
        )
    ]


def test_rows_that_the_rule_does_not_have(derived):
    """They keep what they have; how many there are is noted."""
    derived.execute("DELETE FROM iron.ztile")
    derived.execute("DELETE FROM iron.target WHERE survey = 'main'")
    [(number,)] = derived.execute(
        """SELECT count(*) FROM iron.zpix WHERE NOT EXISTS (SELECT FROM iron.target WHERE
           (target.targetid, target.survey, target.program) =
           (zpix.targetid, zpix.survey, zpix.program))"""
    )
    results = [r for r in derived.verify("zpix") if r.note]
    assert [r.passed for r in results] == [True]
    assert results[0].note == (
        f"{', '.join(BITMASKS)}: {number:,} rows without values by the rule of target_bitmasks"
    )


def test_rows_that_were_loaded_later(derived):
    """Of some files: it is said that the procedure is to be run again."""
    key, _ = derived.row()
    derived.execute(f"UPDATE iron.zpix SET cmx_target = cmx_target + 1 WHERE id = {key}")
    derived.execute(
        """UPDATE iron.load_ledger SET loaded_at = clock_timestamp()
           WHERE table_name = 'zpix' AND stage = 'redshift' AND first_row = 0"""
    )
    [(_, _, detail)] = derived.failures("zpix")
    assert "; rows were loaded since it was run; mended by psql " in detail


def test_files_that_were_loaded_later(cluster, derived, original):
    """Of all files: nothing of the procedure is left, and the files count again."""
    path = derived.root / ZALL
    path.unlink()
    shutil.copyfile(original / ZALL, path)
    options = LoadOptions(("redshift",), "iron", replace=(path,))
    load(derived.conninfo, inputs_of(derived.root), options)
    assert derived.failures() == []
    names = [r.detail.partition(":")[0] for r in derived.verify("zpix") if r.name == "values"]
    assert {*BITMASKS} <= {*names}
    assert not [r for r in derived.verify("zpix") if "by the rule of" in r.detail]
    run_scripts(cluster, derived)
    assert derived.failures() == []
