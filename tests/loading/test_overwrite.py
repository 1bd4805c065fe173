"""``load --overwrite``: new tables are loaded beside, verified, and only then replace the old."""

from __future__ import annotations

import psycopg
import pytest
from support.changing import (
    Case,
    edit,
    interrupt_after,
    iron,
    loaded,
    many_transactions,
)
from support.listening import Heard, meanwhile, open_transaction

from specprod_copy.errors import DatabaseError
from specprod_copy.loading import overwrite
from specprod_copy.loading.api import load
from specprod_copy.loading.beside import name_beside
from specprod_copy.loading.options import LoadOptions
from specprod_copy.postgres.connection import connect
from specprod_copy.postgres.rights import readers
from specprod_copy.tables import Inputs

__all__ = ["iron", "loaded", "many_transactions"]

BESIDE = name_beside("iron")


def damage_before(monkeypatch: pytest.MonkeyPatch, statement: str):
    """Let something happen to the new tables before they are verified."""
    real = overwrite.verify

    def damaged(conninfo, *arguments, **options):
        with psycopg.connect(conninfo) as connection:
            connection.execute(statement)
        return real(conninfo, *arguments, **options)

    monkeypatch.setattr(overwrite, "verify", damaged)


def schemas(case: Case) -> set[str]:
    return {s for (s,) in case.query("SELECT nspname FROM pg_namespace WHERE nspname ~ '^spec'")}


def iron_only(case: Case) -> dict[str, object]:
    """Return the state of the schema, whatever is beside."""
    state = case.state()
    objects = state.pop("objects")
    return state | {"objects": [row for row in objects if row[0] == "iron"]}


def test_verified(loaded):
    edit(loaded.files.tiles(), values={(2, "NEXP"): 77})
    summary = loaded.load("all", overwrite=True)
    [note] = [note for note in summary.notes if "verified" in note]
    assert note.startswith("the new tables were verified before they replaced the old ones: ")
    assert note.endswith(" checks, all values compared")
    assert schemas(loaded) == set()
    loaded.assert_equals_fresh_load()


@pytest.mark.parametrize("stage", ["fiberassign", "redshift", "zpix"])
def test_a_stage_alone(loaded, stage):
    """Its foreign keys refer to tables that are not beside: they wait, and are made in the end."""
    summary = loaded.load(stage, overwrite=True)
    assert any("were verified before" in note for note in summary.notes)
    loaded.assert_equals_fresh_load()


@pytest.mark.parametrize(
    ("statement", "failure"),
    [
        ("UPDATE {}.tile SET nexp = nexp + 1", "checks of the new tables failed (tile, values: "),
        ("DELETE FROM {}.frame WHERE frameid % 7 = 0", "failed (frame, table-rows: "),
        ("ALTER TABLE {}.exposure DROP CONSTRAINT exposure_tileid_fkey", "failed (exposure, fin"),
        ("DROP TABLE {}.frame", ".frame does not exist"),
    ],
)
def test_failed_verification(iron, monkeypatch, statement, failure):
    """The old tables stay, the new ones can be looked at, and the next load begins anew."""
    iron.load("exposures")
    before = iron_only(iron)
    edit(iron.files.tiles(), values={(2, "NEXP"): 77})
    with monkeypatch.context() as patched:
        damage_before(patched, statement.format(BESIDE))
        with pytest.raises(DatabaseError) as caught:
            iron.load("exposures", overwrite=True)
    assert failure in str(caught.value)
    assert f"The new ones are in schema {BESIDE}, until the next load with " in str(caught.value)
    assert iron_only(iron) == before
    assert len(iron.rows("tile", BESIDE)) == 4
    summary = iron.load("exposures", overwrite=True)
    assert [row.rows_loaded for row in summary.tables] == [0, 0, 0]
    assert iron.query("SELECT count(*) FROM iron.tile WHERE nexp = 77") == [(1,)]
    assert schemas(iron) == set()


def test_failed_verification_of_the_command(loaded, monkeypatch):
    damage_before(monkeypatch, f"UPDATE {BESIDE}.zpix SET z = z + 1")
    done = loaded.command("load", "zpix", "--overwrite")
    assert done.exit_code == 1
    assert isinstance(done.exception, DatabaseError)


def test_not_verified(iron, monkeypatch):
    monkeypatch.setattr(overwrite, "verify", lambda *_, **__: pytest.fail("verified"))
    iron.load("exposures")
    done = iron.command("load", "exposures", "--overwrite", "--no-verify")
    assert done.exit_code == 0, done.output
    note = "note: the new tables were not verified before they replaced the old ones\n"
    assert note in done.output


def test_no_verify_belongs_to_overwrite(iron):
    done = iron.command("load", "exposures", "--no-verify")
    assert (done.exit_code, "--no-verify belongs to --overwrite" in done.output) == (2, True)


def test_interrupted_verification(iron, monkeypatch):
    """The old tables stay; the next load has its rows, verifies them and swaps."""
    iron.load("exposures")
    edit(iron.files.tiles(), values={(2, "NEXP"): 77})
    before = iron_only(iron)

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(overwrite, "verify", interrupted)
        with pytest.raises(KeyboardInterrupt):
            iron.load("exposures", overwrite=True)
    assert iron_only(iron) == before
    assert len(iron.rows("tile", BESIDE)) == 4
    summary = iron.load("exposures", overwrite=True)
    assert [row.rows_read for row in summary.tables] == [0, 0, 0]
    assert any("were verified before" in note for note in summary.notes)
    assert iron.query("SELECT count(*) FROM iron.tile WHERE nexp = 77") == [(1,)]


@pytest.mark.parametrize("statement", ["DROP TABLE {}.fiberassign", "TRUNCATE {}.potential"])
def test_new_tables_that_somebody_drops_or_empties_are_not_swapped(loaded, statement):
    """While the load waits for those who read the old ones; the next load begins anew."""
    before, listener = iron_only(loaded), Heard()

    def work():
        options = LoadOptions(("fiberassign",), "iron", overwrite=True)
        return load(loaded.conninfo, Inputs(loaded.files), options, listener)

    with (
        open_transaction(loaded.conninfo, "SELECT FROM iron.fiberassign") as other,
        meanwhile(work, other) as running,
    ):
        listener.await_line("notebook", running)
        loaded.execute(statement.format(BESIDE))
        other.commit()
        with pytest.raises(DatabaseError, match=f"table {BESIDE}.* since it was loaded"):
            running.result()
    assert iron_only(loaded) == before
    loaded.load("fiberassign", overwrite=True)
    assert schemas(loaded) == set()
    loaded.assert_equals_fresh_load()


@pytest.mark.parametrize("batches", [20, 30], ids=["without", "with foreign keys"])
def test_what_another_stage_left_beside(loaded, many_transactions, monkeypatch, batches):
    """Foreign keys do not refer to it, and it goes."""
    again = interrupt_after(monkeypatch, batches)
    with pytest.raises(KeyboardInterrupt):
        loaded.load("all", overwrite=True)
    again()
    left = f"SELECT 1 FROM pg_tables WHERE schemaname = '{BESIDE}' AND tablename = 'photometry'"
    assert loaded.query(left) == [(1,)]
    keys = "SELECT count(*) > 0 FROM pg_constraint WHERE contype = 'f' AND conrelid = {}"
    assert loaded.query(keys.format(f"'{BESIDE}.fiberassign'::regclass")) == [(batches == 30,)]
    loaded.load("fiberassign", overwrite=True)
    assert schemas(loaded) == set()
    monkeypatch.undo()
    loaded.assert_equals_fresh_load()


def test_damage_to_the_old_tables_is_no_matter(loaded):
    """Only what is new is verified."""
    loaded.query("UPDATE iron.tile SET nexp = 99")
    loaded.load("zpix", overwrite=True)
    assert loaded.query("SELECT DISTINCT nexp FROM iron.tile") == [(99,)]


def test_who_could_read_the_old_tables_can_read_the_new_ones(loaded):
    loaded.execute(
        "GRANT SELECT ON iron.zpix TO pg_monitor; GRANT SELECT ON iron.ztile TO PUBLIC;"
        "GRANT UPDATE ON iron.ztile TO pg_monitor"
    )
    with connect(loaded.conninfo) as connection:
        before = readers(connection, "iron")
        assert before == {"zpix": {"pg_monitor"}, "ztile": {"public"}}
        loaded.load("zpix", "ztile", overwrite=True)
        assert readers(connection, "iron") == before
