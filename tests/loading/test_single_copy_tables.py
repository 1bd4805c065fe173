"""New tables that one COPY fills: which ones, that they are frozen, and that nothing is lost."""

from __future__ import annotations

import psycopg
import pytest
from support.limits import LARGE, cut
from support.units import units

from specprod_copy.demo import write_production
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.loading import copying
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.loading.send import SendContext, Sender, load_units
from specprod_copy.plan.batches import make_batches, single_copy_tables
from specprod_copy.plan.ledger import Ledger
from specprod_copy.plan.limits import Limits
from specprod_copy.plan.planning import Planner
from specprod_copy.postgres.connection import connect
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.tables import SOURCES, Inputs, specprod_catalogue

STAGES = ("exposures", "photometry", "targetphot")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """Return a production of several units and batches a table, and no more than that."""
    root = tmp_path_factory.mktemp("small")
    write_production(root, "fuji", tiles=4, targets=60)
    return Inputs(ProductionFiles(find_production("fuji"), root))


def rows(conninfo: str, schema: str, table: str) -> list[tuple]:
    with psycopg.connect(conninfo) as connection:
        query = f"SELECT t::text FROM {schema}.{table} AS t ORDER BY 1"
        return connection.execute(query).fetchall()


def pages(conninfo: str, schema: str) -> dict[str, tuple[int, int]]:
    """Return the pages of each table that has some, and those whose rows all may see for good."""
    with psycopg.connect(conninfo) as connection:
        found = connection.execute(
            """SELECT relname, relpages, relallvisible FROM pg_class
               WHERE relnamespace = %s::regnamespace AND relkind = 'r' AND relpages > 0
               AND relname NOT IN ('version', 'load_ledger')""",
            (schema,),
        )
        return {table: (all_pages, frozen) for table, all_pages, frozen in found}


@pytest.fixture
def no_autovacuum(database):
    """Nobody else marks pages meanwhile."""
    with psycopg.connect(database, autocommit=True) as connection:
        for change in ("SET autovacuum = off", "RESET autovacuum"):
            connection.execute(f"ALTER SYSTEM {change}")
            connection.execute("SELECT pg_reload_conf()")
            if change.startswith("SET"):
                yield


def test_rows_are_frozen(database, inputs, no_autovacuum):
    """Of a load in one transaction, of a larger one, and not of one that commits in between."""
    load(database, inputs, LoadOptions(STAGES, "larger", jobs=1, limits=LARGE))
    load(database, inputs, LoadOptions(STAGES, "small", jobs=1))
    load(database, inputs, LoadOptions(STAGES, "cut", jobs=1, limits=cut(40, 20)))
    found = {schema: pages(database, schema) for schema in ("larger", "small", "cut")}
    assert set(found["cut"]) >= {"tile", "exposure", "frame", "photometry"}
    assert {table for table, (number, frozen) in found["small"].items() if frozen < number} == set()
    assert found["larger"] == found["small"]
    assert {table for table, (_, frozen) in found["cut"].items() if frozen} == set()
    for table in found["cut"]:
        assert rows(database, "larger", table) == rows(database, "cut", table)


@pytest.mark.parametrize("jobs", [1, 2])
def test_sources_of_one_table_are_counted_apart(database, inputs, jobs):
    whole = load(database, inputs, LoadOptions(STAGES, "whole", jobs=jobs, limits=LARGE))
    parts = load(database, inputs, LoadOptions(STAGES, "cut", jobs=jobs, limits=cut(40, 20)))
    figures = [[(t.stage, t.file_names, t.rows_kept) for t in s.tables] for s in (whole, parts)]
    assert figures[0] == figures[1]
    assert all(files and kept for _, files, kept in figures[0][-2:])


def test_one_that_dies_leaves_nothing_and_is_made_again(database, inputs, monkeypatch):
    real = copying.encoded_units

    def dying(intake, *others):
        yield from real(intake, *others)
        if intake.table == "photometry":
            raise KeyboardInterrupt

    monkeypatch.setattr(copying, "encoded_units", dying)
    with pytest.raises(KeyboardInterrupt):
        load(database, inputs, LoadOptions(STAGES, "iron", jobs=1, limits=LARGE))
    assert rows(database, "iron", "frame")
    assert rows(database, "iron", "photometry") == []
    monkeypatch.setattr(copying, "encoded_units", real)
    load(database, inputs, LoadOptions(STAGES, "iron", jobs=1, limits=LARGE))
    load(database, inputs, LoadOptions(STAGES, "undisturbed", jobs=1, limits=LARGE))
    for table in ("tile", "exposure", "frame", "photometry"):
        assert rows(database, "iron", table) == rows(database, "undisturbed", table)


@pytest.mark.parametrize("rows_before", [0, 1])
def test_rows_that_came_meanwhile_stay(database, inputs, rows_before):
    """Of another program, between plan and COPY; later ones have to wait for the commit."""
    load(database, inputs, LoadOptions(STAGES, "iron", jobs=1, limits=LARGE))
    (source,) = (s for s in specprod_catalogue().select(STAGES) if s.table == "frame")
    with connect(database) as connection:
        columns = {"frame": read_schema(connection, "iron").columns_of("frame")}
        for query in (
            "CREATE SCHEMA other",
            "CREATE TABLE other.load_ledger (LIKE iron.load_ledger INCLUDING ALL)",
            "CREATE TABLE other.frame (LIKE iron.frame)",
        ):
            connection.execute(query)
        units = Planner(inputs).plan([source], columns, Ledger(connection, "other")).units
        insert = "INSERT INTO other.frame SELECT * FROM iron.frame LIMIT %s"
        connection.execute(insert, (rows_before,))
        tried = []

        def advance(*_):
            with connect(database) as other:
                other.execute("SET lock_timeout = '50ms'")
                with pytest.raises(psycopg.errors.LockNotAvailable):
                    other.execute(insert, (1,))
            tried.append(True)

        context = SendContext("", "other", SOURCES, columns, whole=frozenset({"frame"}))
        load_units(Sender(connection, context, advance), units)
    assert tried
    assert (
        len(rows(database, "other", "frame")) == len(rows(database, "iron", "frame")) + rows_before
    )


def size_of(table: str, share: int) -> list:
    return units(*[share], source=f"{table}<redshift")


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [(1, {"zpix", "ztile", "tile"}), (2, {"ztile", "tile"}), (4, {"tile"}), (64, set())],
)
def test_no_more_than_the_share_of_a_job(jobs, expected):
    """In bytes of the files: 8 for each row."""
    work = [*size_of("zpix", 600), *size_of("ztile", 300), *size_of("tile", 100)]
    assert single_copy_tables(work, ["zpix", "ztile", "tile"], jobs) == expected


def test_only_new_tables_and_none_that_takes_long():
    work = [*size_of("zpix", 400), *size_of("ztile", 300), *size_of("tile", 300)]
    assert single_copy_tables(work, ["ztile"], 1) == {"ztile"}
    limits = Limits(whole_bytes=8 * 400 - 1)
    assert single_copy_tables(work, ["zpix", "ztile"], 1, limits) == {"ztile"}


def test_batches():
    work = [*units(50, 50, 50), *units(50, 50, 50, source="ztile<redshift")]
    found = [[u.table for u in b] for b in make_batches(work, 3, {"ztile"})]
    assert found == [["zpix"]] * 3 + [["ztile"] * 3]
