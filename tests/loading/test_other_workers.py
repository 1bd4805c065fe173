"""Load and verify by workers of another kind: all that passes to and from them can be pickled."""

from __future__ import annotations

import psycopg
import pytest
from support.limits import cut
from support.pickling import PicklingWorkers

from specprod_copy.demo import write_production
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.plan.limits import Limits
from specprod_copy.tables import Inputs
from specprod_copy.verification import VerifyOptions, verify


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> Inputs:
    """Return a production of several units and batches a table, and no more than that."""
    root = tmp_path_factory.mktemp("small")
    write_production(root, "fuji", tiles=4, targets=60)
    return Inputs(ProductionFiles(find_production("fuji"), root))


def contents(conninfo: str, schema: str) -> dict[str, list[tuple]]:
    with psycopg.connect(conninfo) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename !~ 'ledger'",
            (schema,),
        ).fetchall()
        query = 'SELECT t::text FROM {}.{} t ORDER BY t::text COLLATE "C"'
        return {t: connection.execute(query.format(schema, t)).fetchall() for (t,) in tables}


def test_load_and_replace_and_verify(database, inputs):
    workers = PicklingWorkers()
    load(database, inputs, LoadOptions(("all",), "usual"))
    options = LoadOptions(("all",), "other", jobs=2, limits=cut(60, 40))
    summary = load(database, inputs, options, workers=workers)
    assert sum(table.rows_kept for table in summary.tables) > 0
    assert workers.tasks > 20
    assert workers.released == 1
    assert contents(database, "other") == contents(database, "usual")
    before = workers.tasks
    small = Limits(unit_rows=40, batch_rows=60, quick_rows=0)
    wanted = VerifyOptions(("all",), "other", limits=small)
    results = verify(database, inputs, wanted, workers=workers)
    assert [result for result in results if not result.passed] == []
    assert workers.tasks > before + 10


def test_differences_are_the_same(database, inputs):
    load(database, inputs, LoadOptions(("all",), "fuji"))
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE fuji.zpix SET z = z + 1 WHERE id % 3 = 0")
    wanted = VerifyOptions(("redshift",), "fuji", limits=Limits(20, 30, quick_rows=0))
    assert verify(database, inputs, wanted, workers=PicklingWorkers()) == verify(
        database, inputs, wanted
    )
