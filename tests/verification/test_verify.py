"""Verification: what is right passes."""

from __future__ import annotations

import shutil

import psycopg
import pytest
from psycopg import sql
from support.verify_case import Case, inputs_of

from specprod_copy.demo import write_production
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.plan.limits import Limits
from specprod_copy.tables import SOURCES
from specprod_copy.tables.common import PRIMARY
from specprod_copy.verification import (
    CHECKS,
    Result,
    VerifyOptions,
    verify,
)
from specprod_copy.verification.database_side import export_snapshot, joining, reading

TABLES = list(dict.fromkeys(source.table for source in SOURCES.values()))


def test_an_undisturbed_load_passes(loaded, original):
    results = Case(loaded, original).verify()
    assert [result for result in results if not result.passed] == []
    assert list(dict.fromkeys(result.table for result in results)) == TABLES
    assert {result.name for result in results} == CHECKS.keys() - {"inputs", "reference"}
    found = {(r.table, r.name, r.detail) for r in results}
    with psycopg.connect(loaded) as connection:
        for table in TABLES:
            [(rows,)] = connection.execute(f"SELECT count(*) FROM iron.{table}").fetchall()
            assert rows > 0
            assert (table, "table-rows", f"{rows} rows, {rows} in the ledger") in found
            assert (table, "rows", f"{rows} rows, keys equal") in found
            columns = connection.execute(
                """SELECT attname FROM pg_attribute
                   WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum""",
                (f"iron.{table}",),
            ).fetchall()
            names = [
                r.detail.split(":")[0] for r in results if (r.table, r.name) == (table, "values")
            ]
            assert names == [name for (name,) in columns]


def test_several_processes_find_the_same(case):
    case.execute("UPDATE iron.zpix SET z = 0.5 WHERE id = %s", case.row()[0])
    one = case.verify("redshift")
    small = Limits(unit_rows=30, batch_rows=1, quick_rows=0, range_pages=2)
    assert case.verify("redshift", jobs=2, limits=small) == one
    assert sum(not result.passed for result in one) == 2


def test_another_seed_draws_other_rows(case):
    """With half of the rows damaged, a sample of five finds those among its own."""
    case.execute("UPDATE iron.zpix SET z = z + 1 WHERE id % 2 = 0")
    details = {
        seed: case.details("zpix", sample=5, seed=seed)["sample"].split(" of 5 rows differ")
        for seed in (0, 0, 1, 2, 3)
    }
    assert all(len(found) == 2 for found in details.values())
    assert len({rest for _, rest in details.values()}) > 1


def test_no_sample(loaded, original):
    [sample] = [r for r in Case(loaded, original).verify("tile", sample=0) if r.name == "sample"]
    assert sample == Result(True, "sample", "tile", "0 rows of 21 columns, seed 0")


@pytest.mark.usefixtures("q3c")
def test_hostile_names(case):
    """A schema may have any name, and so may a folder."""
    schema = """we"ird %s '; {{ x }}\n"""
    root = case.root.parent / "a % 'folder' [x]\n{{ y }}"
    if not root.exists():
        shutil.copytree(case.root, root)
    options = LoadOptions(("exposures", "photometry"), schema)
    load(case.conninfo, inputs_of(root), options)
    results = verify(
        case.conninfo, inputs_of(root), VerifyOptions(("exposures", "photometry"), schema)
    )
    assert [(r.name, r.detail) for r in results if not r.passed] == []
    [finish] = [r for r in results if (r.table, r.name) == ("photometry", "finish")]
    assert finish.detail == "keys and indexes wait for stage targetphot"
    with psycopg.connect(case.conninfo) as connection:
        name = sql.Identifier(schema, "tile")
        connection.execute(sql.SQL("UPDATE {} SET efftime_spec = -1").format(name))
    tile = VerifyOptions(("tile",), schema)
    results = verify(case.conninfo, inputs_of(root), tile)
    assert [r.name for r in results if not r.passed] == ["values", "sample"]


def test_one_view_whoever_writes(case):
    """Rows that come and go meanwhile are no matter."""
    with (
        reading(case.conninfo, [("iron", "tile")]) as first,
        psycopg.connect(case.conninfo, autocommit=True) as writer,
    ):
        snapshot = export_snapshot(first)
        writer.execute("DELETE FROM iron.frame")
        with joining(case.conninfo, snapshot) as second:
            counts = [
                connection.execute("SELECT count(*) > 0 FROM iron.frame").fetchone()
                for connection in (first, second, writer)
            ]
        assert counts == [(True,), (True,), (False,)]
        with pytest.raises(psycopg.errors.LockNotAvailable):
            writer.execute("SET lock_timeout = 50; TRUNCATE iron.tile CASCADE")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            first.execute("DELETE FROM iron.frame")


def test_a_reader_may_verify(case):
    """No right to write anything is needed."""
    case.execute(
        """CREATE ROLE verifier; GRANT USAGE ON SCHEMA iron TO verifier;
           GRANT SELECT ON ALL TABLES IN SCHEMA iron TO verifier"""
    )
    try:
        case.conninfo += " options='-c role=verifier'"
        assert case.execute("SELECT current_user") == [("verifier",)]
        assert case.failures("redshift") == []
    finally:
        case.conninfo = case.conninfo.removesuffix(" options='-c role=verifier'")
        case.execute("DROP OWNED BY verifier; DROP ROLE verifier")


def test_catalogs_per_survey(cluster, case, tmp_path):
    """What was computed in the database follows its rule; the files cannot know it."""
    root = tmp_path / "split"
    write_production(root, "iron", tiles=4, targets=50, per_survey=True)
    for zall in root.glob("spectro/redux/iron/zcatalog/v1/zall-*.fits"):
        zall.unlink()
    case.execute("DROP SCHEMA iron CASCADE")
    load(case.conninfo, inputs_of(root), LoadOptions(("all",), "iron"))
    results = case.verify("redshift", root=root)
    assert [result for result in results if not result.passed] == []
    for table in ("zpix", "ztile"):
        rule = f"by the rule of primary in {case.count(table):,} rows"
        for column in PRIMARY:
            assert [
                r.detail
                for r in results
                if (r.table, r.name) == (table, "values") and r.detail.startswith(f"{column}:")
            ] == [f"{column}: {rule}"]
