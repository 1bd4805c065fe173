"""What a load does once for each HDU, however many steps need it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import psycopg
import pytest

from specprod_copy.demo import write_production
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.postgres import waits
from specprod_copy.reader.fits_table import FitsTable
from specprod_copy.tables import Inputs

STATEMENTS, STATEMENTS_OVERWRITE = 711 + 12, 1130 + 12
"""So many a load needed when each step asked for itself; and one to claim each batch."""


@pytest.fixture
def counts(monkeypatch) -> Iterator[Counter[str]]:
    """Count descriptions of HDUs that are read, and statements."""
    found: Counter[str] = Counter()

    describe, execute = FitsTable.__init__, psycopg.Cursor.execute

    def described(*arguments):
        found["opens"] += 1
        describe(*arguments)

    def executed(cursor, query, *arguments, **options):
        # How long a statement waits for a lock is set beside it, not asked.
        found["statements"] += "set_config('lock_timeout'" not in str(query)
        return execute(cursor, query, *arguments, **options)

    monkeypatch.setattr(FitsTable, "__init__", described)
    monkeypatch.setattr(psycopg.Cursor, "execute", executed)
    # Who looks for what a load waits for asks by the clock.
    monkeypatch.setattr(waits, "SECONDS_UNTOLD", 3600)
    return found


def test_a_load_and_one_that_replaces_it(counts, database, tmp_path):
    write_production(tmp_path, "iron", tiles=16, targets=60)
    files = ProductionFiles(find_production("iron"), tmp_path)
    load(database, Inputs(files), LoadOptions(("all",), "iron"))
    assert counts["opens"] <= 80
    assert counts["statements"] <= STATEMENTS
    counts.clear()
    load(database, Inputs(files), LoadOptions(("all",), "iron", overwrite=True))
    assert counts["opens"] <= 200
    assert counts["statements"] <= STATEMENTS_OVERWRITE
