"""Patches that are not applied or taken back, and why; nothing is changed then."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import psycopg
import pytest
from support.coeff_patch_tools import (
    CHECKED,
    coefficients,
    contents,
    objects,
    run,
)

from specprod_copy.coeff_patch import apply, check, patches_of, revert
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import DatabaseError
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.tables import Inputs

pytest_plugins = ("support.coeff_patch_fixtures",)


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


@contextmanager
def who_waits_is_cancelled(conninfo: str) -> Iterator[None]:
    """Cancel what waits for a lock, again and again: between two attempts nothing does."""
    query = """SELECT pg_cancel_backend(pid) FROM pg_stat_activity
               WHERE wait_event_type = 'Lock' AND datname = current_database()"""
    ended = Event()

    def cancel() -> None:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            while not ended.wait(0.01):
                connection.execute(query)

    with ThreadPoolExecutor(1) as pool:
        cancelling = pool.submit(cancel)
        try:
            yield
        finally:
            ended.set()
        cancelling.result()


@pytest.mark.parametrize("command", [apply, revert])
def test_interrupted_in_the_middle(loaded, connection, command):
    """Zpix is done when ztile has to wait for a row that somebody else has locked."""
    if command is revert:
        apply(loaded, patches_of("iron"))
    before, names = contents(connection), objects(connection)
    with psycopg.connect(loaded) as other:
        other.execute("SELECT FROM iron.ztile FOR UPDATE")
        with (
            who_waits_is_cancelled(loaded),
            pytest.raises(DatabaseError, match="canceling statement due to user request"),
        ):
            command(loaded, patches_of("iron"))
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
    with psycopg.connect(loaded) as writer:
        writer.execute("UPDATE iron.zpix SET z = z WHERE id = %s", (right,))
        with (
            who_waits_is_cancelled(loaded),
            pytest.raises(DatabaseError, match="cannot apply: canceling statement due to user"),
        ):
            apply(loaded, patches_of("iron"))
        check(loaded, patches_of("iron"))


def test_revert_of_a_table_that_was_loaded_anew(loaded, connection, right_root):
    """Right coefficients came with the files; the saved ones are of rows that are gone."""
    saved = apply(loaded, patches_of("iron"))[0].saved
    files = ProductionFiles(find_production("iron"), right_root)
    load(loaded, Inputs(files), LoadOptions(("redshift",), "iron", overwrite=True))
    before = contents(connection)
    with pytest.raises(DatabaseError) as caught:
        revert(loaded, patches_of("iron"))
    assert str(caught.value) == (
        f"{saved} rows of iron.zpix do not have the coefficients saved in "
        "coeff_patch.iron_zpix_before, and by the ledger no patch was applied since rows were "
        "loaded. Nothing was changed; if iron.zpix was loaded anew, drop "
        "coeff_patch.iron_zpix_before, if the patch is in it, apply it again first"
    )
    assert contents(connection) == before


def test_revert_of_other_values_without_a_ledger(loaded, connection):
    saved = apply(loaded, patches_of("iron"))[1].saved
    connection.execute("DROP TABLE iron.load_ledger; UPDATE iron.ztile SET coeff_1 = 42")
    before = contents(connection)
    with pytest.raises(DatabaseError) as caught:
        revert(loaded, patches_of("iron"))
    assert str(caught.value).startswith(
        f"{saved} rows of iron.ztile have neither the coefficients saved in "
        "coeff_patch.iron_ztile_before nor those of coeff_patch.iron_ztilepatch. Nothing was "
        "changed; if another patch was applied before, load that one again, and revert it"
    )
    assert contents(connection) == before
    connection.execute("DROP TABLE coeff_patch.iron_ztilepatch")
    assert revert(loaded, patches_of("iron"))[1].changed == saved
