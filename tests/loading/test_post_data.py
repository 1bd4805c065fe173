"""What tables get after their rows: what is missing, in which order, and with which errors."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import psycopg
import pytest
from support.changing import Case, loaded

from specprod_copy.errors import DatabaseError
from specprod_copy.executors.schedule import Task, run_in_order
from specprod_copy.loading.post_data import (
    PostData,
    computed,
    finish,
    foreign_key_tasks,
    foreign_keys,
    ready,
    rows_of,
    table_tasks,
)
from specprod_copy.postgres import ddl
from specprod_copy.postgres.broken_keys import DuplicateKey, OrphanKey
from specprod_copy.postgres.connection import connect
from specprod_copy.postgres.connection_pool import Connections
from specprod_copy.postgres.ddl import Statement
from specprod_copy.postgres.patience import Patience
from specprod_copy.postgres.schema import Made
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.postgres.search_path import q3c_schema
from specprod_copy.progress import ProgressListener
from specprod_copy.tables import SOURCES, Inputs, specprod_catalogue
from specprod_copy.verification import VerifyOptions, verify

__all__ = ["loaded"]

DEFINED = specprod_catalogue().definition
TABLES = list(dict.fromkeys(source.table for source in SOURCES.values()))
EXPOSURE = ["exposure_pkey", "ix_exposure_night", "ix_exposure_tileid"]


def made(table: str, kind: str, *names: str) -> set[Made]:
    return {Made(table, kind, name) for name in names}


class Run:
    """Writes down statements instead of running them."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def __call__(self, statement: Statement) -> None:
        self.done.append(str(statement))

    def in_order(self, tasks: Iterator[Task[None]]) -> list[str]:
        """Return what some tasks do one after the other, and nothing else."""
        run_in_order([*tasks], lambda task, result: None)
        return self.done


# The order of tasks, without a server ------------------------------------------------------------


def exposure(existing: set[Made], **options: object) -> list[str]:
    run = Run()
    wanted = replace(PostData("public", changed=["exposure"], cluster=["exposure"]), **options)
    return run.in_order(table_tasks(DEFINED, run, "s", "exposure", existing, wanted))


def test_indexes_then_the_key_then_the_order_then_statistics():
    assert exposure(set()) == [
        "exposure: exposure_pkey",
        "exposure: ix_exposure_night",
        "exposure: ix_exposure_tileid",
        "exposure: ix_exposure_q3c_ang2ipix",
        "exposure: exposure_pkey",
        "exposure: cluster",
        "exposure: analyze",
    ]
    assert exposure(set(), q3c=None) == [
        "exposure: exposure_pkey",
        "exposure: ix_exposure_night",
        "exposure: ix_exposure_tileid",
        "exposure: exposure_pkey",
        "exposure: analyze",
    ]


def test_only_what_is_missing():
    there = made("exposure", "index", *EXPOSURE) | made("exposure", "constraint", "exposure_pkey")
    assert exposure(there, q3c=None) == ["exposure: analyze"]
    assert exposure(there, q3c=None, changed=[]) == []
    assert exposure(there, changed=[], cluster=[]) == [
        "exposure: ix_exposure_q3c_ang2ipix",
        "exposure: analyze",
    ]
    without_key = made("exposure", "index", *EXPOSURE)
    assert exposure(without_key, q3c=None, changed=[]) == [
        "exposure: exposure_pkey",
        "exposure: analyze",
    ]
    # A constraint of the name of an index is not that index.
    assert "exposure: ix_exposure_night" in exposure(
        made("exposure", "constraint", "ix_exposure_night"), q3c=None
    )


def test_each_step_waits_for_the_one_before():
    run = Run()
    tasks = [*table_tasks(DEFINED, run, "s", "tile", set(), PostData("public", ["tile"], ["tile"]))]
    assert [(task.group, [*task.after]) for task in tasks] == [
        (("tile", "indexes"), [rows_of("tile"), computed("tile")]),
        (("tile", "indexes"), [rows_of("tile"), computed("tile")]),
        (("tile", "keys"), [("tile", "indexes")]),
        (("tile", "order"), [("tile", "keys")]),
        (ready("tile"), [("tile", "order")]),
    ]


def exposures_foreign_keys(tables: list[str], existing: set[Made]) -> list[Task[None]]:
    return [*foreign_key_tasks(DEFINED, Run(), "s", tables, existing)]


def test_foreign_keys_are_validated_when_all_are_made():
    run = Run()
    tables = ["tile", "exposure", "frame"]
    assert run.in_order(foreign_key_tasks(DEFINED, run, "s", tables, set())) == [
        "exposure: exposure_tileid_fkey",
        "frame: frame_expid_fkey",
        "exposure: exposure_tileid_fkey validated",
        "frame: frame_expid_fkey validated",
    ]
    keys = exposures_foreign_keys(tables, set())
    assert [(task.group, [*task.after]) for task in keys[:2]] == [
        ("foreign keys", [ready("exposure"), ready("tile")]),
        ("foreign keys", [ready("frame"), ready("exposure")]),
    ]
    assert [[*task.after] for task in keys[2:]] == [
        ["foreign keys", ready("exposure")],
        ["foreign keys", ready("frame")],
    ]


def test_validations_of_one_table_wait_for_each_other():
    """Each would wait for the other's lock."""
    tasks = exposures_foreign_keys(TABLES, set())
    validations = [task for task in tasks if task.group != "foreign keys"]
    of_ztile = [task for task in validations if task.group[1].table == "ztile"]
    assert len(of_ztile) > 1
    assert [[*task.after][1] for task in of_ztile] == [
        ready("ztile"),
        *(task.group for task in of_ztile[:-1]),
    ]


def test_foreign_keys_wait_for_the_other_table():
    run = Run()
    assert run.in_order(foreign_key_tasks(DEFINED, run, "s", ["exposure"], set())) == []
    there = made("exposure", "constraint", "exposure_tileid_fkey")
    assert run.in_order(foreign_key_tasks(DEFINED, run, "s", ["exposure"], there)) == [
        "exposure: exposure_tileid_fkey validated"
    ]
    valid = there | made("exposure", "validation", "exposure_tileid_fkey")
    assert exposures_foreign_keys(["exposure"], valid) == []


# A server ----------------------------------------------------------------------------------------


class Steps(ProgressListener):
    """Writes down what is going on."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        self.seen.append(what)
        yield


def objects(case: Case) -> list[tuple]:
    return case.query(
        """SELECT conname, contype::text, convalidated FROM pg_constraint
           WHERE connamespace = 'iron'::regnamespace
           UNION SELECT indexname, 'index', true FROM pg_indexes WHERE schemaname = 'iron'
           ORDER BY 1, 2"""
    )


def finished(case: Case, *changed: str) -> list[str]:
    """Finish all tables; return what was done."""
    steps = Steps()
    with connect(case.conninfo) as connection:
        q3c = q3c_schema(connection)
        finish(connection, DEFINED, "iron", TABLES, PostData(q3c, changed), Patience(steps))
    return steps.seen


def test_what_is_missing_is_made_again(loaded):
    before = objects(loaded)
    assert finished(loaded) == []
    assert finished(loaded, "tile", "zpix") == ["tile: analyze", "zpix: analyze"]
    loaded.query(
        """ALTER TABLE iron.exposure DROP CONSTRAINT exposure_pkey CASCADE;
           DROP INDEX iron.ix_zpix_healpix"""
    )
    assert objects(loaded) != before
    assert finished(loaded) == [
        "exposure: exposure_pkey",
        "exposure: exposure_pkey",
        "exposure: analyze",
        "zpix: ix_zpix_healpix",
        "zpix: analyze",
        *(f"{key.table}: {key.name}{end}" for end in ("", " validated") for key in REFERRING),
    ]
    assert objects(loaded) == before


REFERRING = [
    made.makes
    for made in ddl.statements(DEFINED, TABLES, ["foreign_keys"], schema="any")
    if made.references.table == "exposure"
]


@pytest.mark.parametrize("table", ["exposure", "potential"])
@pytest.mark.usefixtures("q3c")
def test_an_index_that_is_no_key_yet_becomes_one(loaded, table):
    """As a load leaves it that is interrupted between the two."""
    before = objects(loaded)
    key = {"exposure": "expid", "potential": "id"}[table]
    loaded.query(
        f"""ALTER TABLE iron.{table} DROP CONSTRAINT {table}_pkey CASCADE;
            CREATE UNIQUE INDEX {table}_pkey ON iron.{table} ({key})"""
    )
    checks = verify(
        loaded.conninfo, Inputs(loaded.files), VerifyOptions((table,), "iron", sample=0)
    )
    [details] = [result.detail for result in checks if not result.passed]
    assert details == f"missing: {table}_pkey; load the stage again to make them"
    assert finished(loaded)[:2] == [f"{table}: {table}_pkey", f"{table}: analyze"]
    assert objects(loaded) == before


def test_foreign_keys_that_exist_or_wait(loaded):
    with connect(loaded.conninfo) as connection:
        found = read_schema(connection, "iron")
        exist = foreign_keys(DEFINED, found, ["exposure", "frame"])
        assert [(key.name, table) for key, table in exist] == [
            ("exposure_tileid_fkey", "tile"),
            ("frame_expid_fkey", "exposure"),
        ]
        assert foreign_keys(DEFINED, found, TABLES, made=False) == []
        loaded.query("ALTER TABLE iron.frame DROP CONSTRAINT frame_expid_fkey")
        found = read_schema(connection, "iron")
        assert foreign_keys(DEFINED, found, ["exposure", "frame"]) == exist[:1]
        assert foreign_keys(DEFINED, found, TABLES, made=False) == exist[1:]


def test_another_index_of_that_name_is_refused(loaded):
    loaded.query(
        """DROP INDEX iron.ix_exposure_night;
           CREATE INDEX ix_exposure_night ON iron.exposure (expid)"""
    )
    before = objects(loaded)
    with pytest.raises(DatabaseError) as caught:
        finished(loaded)
    assert str(caught.value).startswith("table iron.exposure: ix_exposure_night")
    assert str(caught.value).endswith("; drop it, and run the command again")
    assert objects(loaded) == before


def test_what_cannot_be_unique(loaded):
    loaded.query(
        """ALTER TABLE iron.frame DROP CONSTRAINT frame_pkey;
           INSERT INTO iron.frame SELECT * FROM iron.frame"""
    )
    with pytest.raises(DuplicateKey, match=r"^frame_pkey of table frame is not unique$") as caught:
        finished(loaded)
    assert (caught.value.table, caught.value.columns) == ("frame", ("frameid",))
    with psycopg.connect(loaded.conninfo) as connection:
        first = connection.execute("SELECT DISTINCT frameid FROM iron.frame ORDER BY 1 LIMIT 2")
        assert connection.execute(caught.value.offenders("iron", 2)).fetchall() == first.fetchall()


def test_what_refers_to_nothing(loaded):
    loaded.query(
        """ALTER TABLE iron.frame DROP CONSTRAINT frame_expid_fkey;
           UPDATE iron.frame SET expid = -expid WHERE expid = (SELECT min(expid) FROM iron.frame)"""
    )
    message = r"^frame_expid_fkey of table frame has no counterpart in exposure$"
    with pytest.raises(OrphanKey, match=message) as caught:
        finished(loaded)
    assert (caught.value.table, caught.value.columns) == ("frame", ("expid",))
    with psycopg.connect(loaded.conninfo) as connection:
        orphans = connection.execute("SELECT DISTINCT expid FROM iron.frame WHERE expid < 0")
        found = connection.execute(caught.value.offenders("iron", 5)).fetchall()
        assert found == orphans.fetchall() != []


def test_a_failure_leaves_the_transaction_usable(loaded):
    """So that the cause can be asked for."""
    loaded.query("ALTER TABLE iron.tile DROP CONSTRAINT tile_pkey CASCADE")
    loaded.query("INSERT INTO iron.tile SELECT * FROM iron.tile LIMIT 1")
    statement, _ = ddl.statements(DEFINED, ["tile"], ["keys"], schema="iron")
    with connect(loaded.conninfo) as connection, connection.transaction():
        with pytest.raises(DuplicateKey):
            Connections([connection], "iron", Patience(Steps())).run(statement)
        assert connection.execute("SELECT count(*) FROM iron.tile").fetchone() == (5,)


def test_what_waits_for_a_connection_does_not_begin_when_another_failed(loaded):
    loaded.query("ALTER TABLE iron.tile DROP CONSTRAINT tile_pkey CASCADE")
    statement, _ = ddl.statements(DEFINED, ["tile"], ["keys"], schema="iron")
    with connect(loaded.conninfo) as connection, ThreadPoolExecutor(2) as pool:
        connections = Connections([connection], "iron", Patience(Steps()))
        with connections.one():
            waiting = [pool.submit(connections.run, statement) for _ in range(2)]
            connections.cancel()
        for future in waiting:
            with pytest.raises(DatabaseError, match="something else has failed"):
                future.result()
    found = loaded.query("SELECT 1 FROM pg_constraint WHERE conname = 'tile_pkey'")
    assert found == []
