"""Coefficient patches compared, applied and taken back."""

from __future__ import annotations

from support.coeff_patch_tools import (
    CHECKED,
    assert_same_tables,
    coefficients,
    contents,
    run,
)
from support.waiting import wait_until

from specprod_copy.cli.patch_coeff import coeff
from specprod_copy.coeff_patch import apply, check, extract, load, patches_of, revert
from specprod_copy.coeff_patch.kinds import KINDS

pytest_plugins = ("support.coeff_patch_fixtures",)


def test_round_trip(loaded, connection):
    """Check, apply and revert, each twice, and apply again."""
    patches = patches_of("iron")
    wrong = {table: coefficients(connection, "iron", table) for table in CHECKED}
    right = {table: coefficients(connection, "right_iron", table) for table in CHECKED}
    changes = {t: {i for i in wrong[t] if wrong[t][i] != right[t][i]} for t in CHECKED}
    assert all(0 < len(changes[table]) < len(wrong[table]) for table in CHECKED)
    connection.execute(
        "CREATE SCHEMA wrong; CREATE TABLE wrong.zpix AS TABLE iron.zpix; "
        "CREATE TABLE wrong.ztile AS TABLE iron.ztile"
    )
    untouched = contents(connection)

    for comparison in check(loaded, patches) + check(loaded, patches):
        table, counts = comparison.patch.table, comparison.counts
        assert counts.table == counts.values == counts.joined == len(wrong[table])
        assert comparison.differing == len(changes[table])
        assert [sample.id for sample in comparison.samples] == sorted(changes[table])[:3]
        for sample in comparison.samples:
            assert list(sample.before) == wrong[table][sample.id]
            assert list(sample.after) == right[table][sample.id]
    assert contents(connection) == untouched

    done = {one.patch.table: one for one in apply(loaded, patches)}
    after = contents(connection)
    assert_same_tables(connection, "iron", "right_iron")
    for table, ids in changes.items():
        n = len(ids)
        assert (done[table].rows, done[table].changed, done[table].saved) == (
            len(wrong[table]),
            n,
            n,
        )
        saved = coefficients(connection, "coeff_patch", f"iron_{table}_before")
        assert saved == {id: wrong[table][id] for id in ids}
        kept = {row for row in untouched[table] if int(row[2]) not in ids}
        assert kept <= set(after[table])  # rows that were right are not even rewritten
    assert [comparison.differing for comparison in check(loaded, patches)] == [0, 0]

    assert [(one.changed, one.saved) for one in apply(loaded, patches)] == [(0, 0)] * 2
    assert contents(connection) == after
    for table, ids in changes.items():
        saved = coefficients(connection, "coeff_patch", f"iron_{table}_before")
        assert saved == {id: wrong[table][id] for id in ids}

    n = [len(ids) for ids in changes.values()]
    assert [(one.changed, one.saved) for one in revert(loaded, patches)] == list(
        zip(n, n, strict=True)
    )
    assert_same_tables(connection, "iron", "wrong")
    reverted = contents(connection)
    assert [one.changed for one in revert(loaded, patches)] == [0, 0]
    assert contents(connection) == reverted

    assert [(one.changed, one.saved) for one in apply(loaded, patches)] == [(k, 0) for k in n]
    assert_same_tables(connection, "iron", "right_iron")


def test_round_trip_from_the_command_line(iron, connection, zall, tmp_path):
    extract(list(zall.values()), tmp_path)
    where = ("--production", "iron")
    assert run(iron, "load", *tmp_path.iterdir(), *where).exit_code == 0
    n = connection.execute("SELECT count(*) FROM iron.zpix").fetchone()[0]
    differing = connection.execute(
        """SELECT count(*) FROM iron.zpix a JOIN right_iron.zpix b USING (id)
           WHERE a.coeff_0 <> b.coeff_0 OR a.coeff_9 <> b.coeff_9 OR a.coeff_1 <> b.coeff_1
              OR a.coeff_2 <> b.coeff_2 OR a.coeff_3 <> b.coeff_3 OR a.coeff_4 <> b.coeff_4"""
    ).fetchone()[0]
    checked = run(iron, "check", "zpix", *where)
    assert checked.exit_code == 0
    assert checked.output.startswith(
        "iron.zpix and coeff_patch.iron_zpixpatch\n"
        f"  rows: {n:,} in the table, {n:,} in the patch, {n:,} in both: they match\n"
        f"  rows that differ: {differing:,}\n  id "
    )
    (sample, *_) = check(iron, patches_of("iron", ["zpix"]))[0].samples
    changed = [k for k in range(10) if sample.before[k] != sample.after[k]]
    shown = ", ".join(f"coeff_{k} {sample.before[k]!r} -> {sample.after[k]!r}" for k in changed)
    assert f"\n  id {sample.id}: {shown}\n" in checked.output
    applied = run(iron, "apply", *where, "--vacuum")
    assert applied.exit_code == 0, applied.output
    assert applied.output.startswith(
        f"iron.zpix: {differing:,} of {n:,} rows changed, {differing:,} newly saved in "
        "coeff_patch.iron_zpix_before; 0 differ from coeff_patch.iron_zpixpatch\niron.ztile: "
    )
    assert_same_tables(connection, "iron", "right_iron")
    query = "SELECT last_vacuum FROM pg_stat_user_tables WHERE relid = 'iron.zpix'::regclass"
    files = connection.execute("SELECT pg_relation_filenode('iron.zpix')").fetchone()
    # Before PostgreSQL 15 that is known a while later.
    wait_until(lambda: connection.execute(query).fetchone() != (None,), "a vacuum was noted")
    back = run(iron, "revert", *where, "--vacuum-full")
    assert back.exit_code == 0
    assert back.output.startswith(
        f"iron.zpix: {differing:,} rows restored; 0 of {differing:,} differ from "
        "coeff_patch.iron_zpix_before\niron.ztile: "
    )
    assert connection.execute("SELECT pg_relation_filenode('iron.zpix')").fetchone() != files


def test_one_table_of_a_schema_under_another_name(iron, connection, zall):
    """The tables as Data Lab has them, where only one of them is patched."""
    connection.execute("ALTER SCHEMA iron RENAME TO desi_dr1")
    where = ("--production", "iron", "--schema", "desi_dr1", "--patch-schema", "other")
    load(iron, patches_of("iron", patch_schema="other"), [zall["ztile"]])
    before = contents(connection, "desi_dr1")
    missing = run(iron, "apply", *where)
    assert str(missing.exception) == (
        "table other.iron_zpixpatch does not exist; load it first, or name only the table that has "
        "a patch"
    )
    assert contents(connection, "desi_dr1") == before
    assert run(iron, "apply", "ztile", *where).exit_code == 0
    after = contents(connection, "desi_dr1")
    assert after["zpix"] == before["zpix"]
    assert coefficients(connection, "desi_dr1", "ztile") == coefficients(
        connection, "right_iron", "ztile"
    )
    missing = run(iron, "revert", *where)
    assert str(missing.exception) == (
        "table other.iron_zpix_before does not exist; no patch was applied to desi_dr1.zpix"
    )
    missing = run(iron, "check", "-p", "iron")
    assert str(missing.exception) == (
        "table iron.zpix does not exist; name the --schema of the tables"
    )


def test_every_command_and_option_has_help():
    for name, command in coeff.commands.items():
        assert command.help, name
        options = [p for p in command.params if p.param_type_name == "option"]
        assert [p.name for p in options if not p.help] == []
    assert sorted(coeff.commands) == ["apply", "check", "extract", "load", "revert"]
    assert list(KINDS) == list(CHECKED)
