"""The coefficient patch in the database: loaded, compared, applied, taken back."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl
import psycopg
import pytest
from astropy.io import fits
from support.coeff_patch_tools import (
    CHECKED,
    assert_same_tables,
    catalog,
    coefficients,
    contents,
    described,
    objects,
    run,
    target_rows,
    zall_files,
)
from support.reference import assert_equal, read_table

from specprod_copy.cli.patch_coeff import coeff
from specprod_copy.coeff_patch import apply, check, extract, load, patches_of, revert
from specprod_copy.coeff_patch.kinds import KINDS
from specprod_copy.errors import ConfigurationError, DatabaseError, InputError
from specprod_copy.postgres import ddl

pytest_plugins = ("support.coeff_patch_fixtures",)

INDEXES = {
    "zpixpatch": ("unique", "desiname", "healpix", "program", "survey", "targetid"),
    "ztilepatch": ("unique", "desiname", "spgrpval", "targetid", "tileid"),
}


@pytest.mark.parametrize("way", ["catalog", "patch file"])
def test_patch_tables_equal_the_reference(database, shared, tmp_path, way):
    files = list(zall_files(shared / "reference" / "iron").values())
    if way == "patch file":  # under names that say the contrary
        names = [tmp_path / f"zall-{kind}-x.fits" for kind in ("tilecumulative", "pix")]
        for one, name in zip(extract(files, tmp_path), names, strict=True):
            one.path.rename(name)
        files = names
    load(database, patches_of("iron"), files)
    with psycopg.connect(database) as connection:
        for plain in CHECKED.values():
            expected = pl.read_parquet(shared / "reference/iron-expected" / f"{plain}.parquet")
            assert_equal(read_table(connection, "coeff_patch", f"iron_{plain}"), expected)


def test_productions_share_a_schema(database, zall):
    with psycopg.connect(database) as connection:
        before = objects(connection)
    for production, name in (("iron", None), ("fuji", "desi_edr"), ("guadalupe", None)):
        load(database, patches_of(production, name=name), list(zall.values()))
    with psycopg.connect(database, autocommit=True) as connection:
        expected = {"coeff_patch"}
        connection.execute(ddl.render_script(list(CHECKED.values()), schema="plain").encode())
        for plain in CHECKED.values():
            for name in ("iron", "desi_edr", "guadalupe"):
                names = [f"{name}_{plain}", f"{name}_{plain}_pkey"]
                names += [f"ix_{name}_{plain}_{column}" for column in INDEXES[plain]]
                expected |= {f"coeff_patch.{renamed}" for renamed in names}
                assert described(connection, "coeff_patch", f"{name}_{plain}") == sorted(
                    (kind, text.replace(plain, f"{name}_{plain}"), *rest)
                    for kind, text, *rest in described(connection, "plain", plain)
                )
        connection.execute("DROP SCHEMA plain CASCADE")
        assert objects(connection) - before == expected


def test_load_from_the_command_line(database, zall):
    done = run(database, "load", *zall.values(), "--production", "iron", "--name", "desi_dr1")
    assert done.exit_code == 0, done.output
    with psycopg.connect(database) as connection:
        for table, plain in CHECKED.items():
            rows = target_rows(zall[table])
            bad = np.count_nonzero(~np.isfinite(rows["COEFF"]))
            total = len(fits.getdata(zall[table], 1))
            assert (
                f"coeff_patch.desi_dr1_{plain}: {len(rows):,} of {total:,} rows loaded, "
                f"{bad:,} values NaN→-9999\n"
            ) in done.output
            count = connection.execute(f"SELECT count(*) FROM coeff_patch.desi_dr1_{plain}")
            assert count.fetchone() == (len(rows),)
    assert "Warning: role desi does not exist: nothing granted to it\n" in done.output


def test_roles_may_read(database, zall):
    with psycopg.connect(database, autocommit=True) as connection:
        role = f"reader_{uuid.uuid4().hex[:8]}"
        connection.execute(f"CREATE ROLE {role}")
        try:
            done = run(database, "load", zall["zpix"], "-p", "iron", "--role", role, "-q")
            assert (done.exit_code, done.output) == (0, "")
            connection.execute(f"SET ROLE {role}")
            connection.execute("SELECT count(*) FROM coeff_patch.iron_zpixpatch")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("DELETE FROM coeff_patch.iron_zpixpatch")
            connection.execute("RESET ROLE")
        finally:
            connection.execute(f"DROP OWNED BY {role}")
            connection.execute(f"DROP ROLE {role}")


def test_existing_tables_are_refused(loaded, connection, zall, wrong_root):
    before = coefficients(connection, "coeff_patch", "iron_zpixpatch")
    names = objects(connection)
    wrong = zall_files(wrong_root)["zpix"]
    with pytest.raises(DatabaseError) as caught:
        load(loaded, patches_of("iron"), [wrong])
    assert str(caught.value) == "table coeff_patch.iron_zpixpatch exists; --overwrite replaces it"
    assert coefficients(connection, "coeff_patch", "iron_zpixpatch") == before
    load(loaded, patches_of("iron"), [wrong], overwrite=True)
    assert coefficients(connection, "coeff_patch", "iron_zpixpatch") == coefficients(
        connection, "iron", "zpix"
    )
    assert objects(connection) == names


def test_a_bad_file_leaves_the_older_patch(loaded, connection, tmp_path, zall):
    before = coefficients(connection, "coeff_patch", "iron_zpixpatch")
    names = objects(connection)
    doubled = catalog(tmp_path / "doubled.fits", 3, TARGETID=np.array([7, 8, 7]))
    with pytest.raises(DatabaseError) as caught:
        load(loaded, patches_of("iron"), [doubled], overwrite=True)
    key = 3 << 96 | 6 << 64 | 7
    assert str(caught.value).startswith(
        f"zpixpatch_pkey of table zpixpatch is not unique: (id) = ({key}), from "
        f"{doubled}[ZCATALOG] row 0, {doubled}[ZCATALOG] row 2."
    )
    strange = catalog(tmp_path / "strange.fits", 3, PROGRAM=np.array(["dark", "dim", "dark"], "S4"))
    with pytest.raises(InputError, match="column PROGRAM: none of backup"):
        load(loaded, patches_of("iron"), [zall["zpix"], strange], overwrite=True)
    assert coefficients(connection, "coeff_patch", "iron_zpixpatch") == before
    assert objects(connection) == names


def test_a_table_in_the_way(database, zall):
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA coeff_patch_iron")
        load(database, patches_of("iron"), [zall["ztile"]])
        assert "coeff_patch_iron" in objects(connection)  # it was not ours
        connection.execute("CREATE TABLE coeff_patch_iron.zpixpatch (id int)")
    with pytest.raises(DatabaseError, match=r"table coeff_patch_iron\.zpixpatch is in the way"):
        load(database, patches_of("iron"), [zall["zpix"]])


@pytest.mark.parametrize("names", [{"name": "x" * 41}, {"patch_schema": "p" * 60}, {"schema": ""}])
def test_impossible_names(names):
    with pytest.raises(ConfigurationError, match="must have 1 to 63 bytes"):
        patches_of("iron", **names)
    assert patches_of("iron", name="x" * 40)[0].indexes[2][1] == f"ix_{'x' * 40}_zpixpatch_desiname"


# ------------------------------------------------------------------------------- round trip


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
    assert connection.execute(query).fetchone() != (None,)
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


# ------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("change", "by"),
    [
        ("DELETE FROM iron.ztile WHERE id = (SELECT min(id) FROM iron.ztile)", (-1, 0, -1)),
        (
            "DELETE FROM coeff_patch.iron_ztilepatch "
            "WHERE id = (SELECT max(id) FROM coeff_patch.iron_ztilepatch)",
            (0, -1, -1),
        ),
        (
            "UPDATE coeff_patch.iron_ztilepatch SET id = 1 "
            "WHERE id = (SELECT max(id) FROM coeff_patch.iron_ztilepatch)",
            (0, 0, -1),
        ),
    ],
)
def test_counts_that_do_not_match(loaded, connection, change, by):
    n = connection.execute("SELECT count(*) FROM iron.ztile").fetchone()[0]
    connection.execute(change)
    before, names = contents(connection), objects(connection)
    table, patch, both = (n + d for d in by)
    checked = run(loaded, "check", "-p", "iron")
    assert checked.exit_code == 1
    assert (
        f"  rows: {table:,} in the table, {patch:,} in the patch, {both:,} in both: "
        "THEY DO NOT MATCH\n"
    ) in checked.output
    with pytest.raises(DatabaseError) as caught:
        apply(loaded, patches_of("iron"))
    assert str(caught.value).startswith(
        f"counts do not match: {table} rows in iron.ztile, {patch} in coeff_patch.iron_ztilepatch, "
        f"{both} in both. Nothing was changed"
    )
    assert contents(connection) == before
    assert objects(connection) == names  # no table of saved coefficients either


def test_another_patch_on_top(loaded, connection, zall):
    """Saved coefficients are neither replaced nor restored over values of unknown origin."""
    patches = patches_of("iron")
    wrong = {table: coefficients(connection, "iron", table) for table in CHECKED}
    changed = apply(loaded, patches)[0].changed
    connection.execute("UPDATE coeff_patch.iron_zpixpatch SET coeff_5 = 55")
    before = contents(connection)
    with pytest.raises(DatabaseError) as caught:
        apply(loaded, patches)
    assert str(caught.value) == (
        f"{changed} rows of iron.zpix have neither the coefficients saved in "
        "coeff_patch.iron_zpix_before nor those of coeff_patch.iron_zpixpatch. Nothing was "
        "changed; if another patch was applied before, revert that first, if iron.zpix was loaded "
        "anew, drop coeff_patch.iron_zpix_before"
    )
    assert contents(connection) == before
    revert(loaded, patches)
    apply(loaded, patches)
    assert connection.execute("SELECT DISTINCT coeff_5 FROM iron.zpix").fetchall() == [(55.0,)]
    revert(loaded, patches)
    assert {table: coefficients(connection, "iron", table) for table in CHECKED} == wrong


def test_revert_of_a_table_that_lost_rows(loaded, connection):
    saved = apply(loaded, patches_of("iron"))[0].saved
    connection.execute(
        "DELETE FROM iron.zpix WHERE id = (SELECT min(id) FROM coeff_patch.iron_zpix_before)"
    )
    before = contents(connection)
    with pytest.raises(DatabaseError) as caught:
        revert(loaded, patches_of("iron"))
    assert str(caught.value).startswith(
        f"of {saved} rows saved in coeff_patch.iron_zpix_before only {saved - 1} are in iron.zpix"
    )
    assert contents(connection) == before


def cancel_who_waits(conninfo: str) -> bool:
    """Cancel the statement that waits for a lock; say whether there was one."""
    query = """SELECT pg_cancel_backend(pid) FROM pg_stat_activity
               WHERE wait_event_type = 'Lock' AND datname = current_database()"""
    deadline = time.monotonic() + 30
    with psycopg.connect(conninfo, autocommit=True) as connection:
        while time.monotonic() < deadline:
            if connection.execute(query).fetchone():
                return True
            time.sleep(0.05)
    return False


@pytest.mark.parametrize("command", [apply, revert])
def test_interrupted_in_the_middle(loaded, connection, command):
    """Zpix is done when ztile has to wait for a row that somebody else has locked."""
    if command is revert:
        apply(loaded, patches_of("iron"))
    before, names = contents(connection), objects(connection)
    with psycopg.connect(loaded) as other, ThreadPoolExecutor(1) as pool:
        other.execute("SELECT FROM iron.ztile FOR UPDATE")
        cancelled = pool.submit(cancel_who_waits, loaded)
        with pytest.raises(DatabaseError, match="canceling statement due to user request"):
            command(loaded, patches_of("iron"))
        assert cancelled.result()
        assert contents(connection) == before
        assert objects(connection) == names
    command(loaded, patches_of("iron"))
    assert contents(connection) != before


def test_a_table_that_does_not_take_the_update(loaded, connection):
    connection.execute(
        """CREATE FUNCTION stay() RETURNS trigger LANGUAGE plpgsql AS
           'BEGIN NEW.coeff_0 := OLD.coeff_0; RETURN NEW; END';
           CREATE TRIGGER stay BEFORE UPDATE ON iron.ztile
           FOR EACH ROW EXECUTE FUNCTION stay()"""
    )
    before, names = contents(connection), objects(connection)
    with pytest.raises(DatabaseError, match=r"rows of iron.ztile differ from coeff_patch.iron_zti"):
        apply(loaded, patches_of("iron"))
    assert contents(connection) == before
    assert objects(connection) == names


def test_nobody_changes_rows_meanwhile(loaded, connection):
    """Writers are waited for, even where no row is theirs that has to be changed."""
    (right,) = connection.execute(
        """SELECT min(id) FROM iron.zpix JOIN coeff_patch.iron_zpixpatch p USING (id)
           WHERE NOT EXISTS (SELECT FROM right_iron.zpix r WHERE r.id = p.id
             AND (r.coeff_0, r.coeff_9, r.coeff_1) IS DISTINCT FROM
                 (zpix.coeff_0, zpix.coeff_9, zpix.coeff_1))"""
    ).fetchone()
    with psycopg.connect(loaded) as writer, ThreadPoolExecutor(1) as pool:
        writer.execute("UPDATE iron.zpix SET z = z WHERE id = %s", (right,))
        cancelled = pool.submit(cancel_who_waits, loaded)
        with pytest.raises(DatabaseError, match="cannot apply: canceling statement due to user"):
            apply(loaded, patches_of("iron"))
        assert cancelled.result()
        check(loaded, patches_of("iron"))


def test_every_command_and_option_has_help():
    for name, command in coeff.commands.items():
        assert command.help, name
        options = [p for p in command.params if p.param_type_name == "option"]
        assert [p.name for p in options if not p.help] == []
    assert sorted(coeff.commands) == ["apply", "check", "extract", "load", "revert"]
    assert list(KINDS) == list(CHECKED)
