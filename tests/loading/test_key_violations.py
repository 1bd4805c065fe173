"""Rows for which a key cannot be made are taken out; the ledger says which ones and why."""

from __future__ import annotations

from collections import Counter

import pytest
from astropy.io import fits
from support.changing import Case, edit, iron

from specprod_copy.errors import ChangedFileError, DatabaseError
from specprod_copy.loading.key_violations import KeyViolations
from specprod_copy.plan.planning import Planner
from specprod_copy.postgres import ddl
from specprod_copy.postgres.broken_keys import DuplicateKey
from specprod_copy.postgres.connection import connect
from specprod_copy.postgres.connection_pool import Connections
from specprod_copy.postgres.patience import Patience
from specprod_copy.progress import ProgressListener
from specprod_copy.tables import Inputs, specprod_catalogue

__all__ = ["iron"]


def spoil(iron: Case) -> tuple[list[int], list[int]]:
    """Load exposures without keys, the third one twice; return their ids, in the file and before.

    The frames of what was the sixth exposure refer to nothing then.
    """
    path = iron.files.exposures()
    before = fits.getdata(path, "EXPOSURES")["EXPID"].tolist()
    edit(path, "EXPOSURES", values={(5, "EXPID"): before[2]})
    iron.load("exposures", part=(1, 1))
    return fits.getdata(path, "EXPOSURES")["EXPID"].tolist(), before


def make(iron: Case, violations: KeyViolations, *names: str) -> None:
    """Make the indexes, keys and foreign keys of these names."""
    tables = ["tile", "exposure", "frame", "zpix"]
    found = ddl.statements(specprod_catalogue().definition, tables, ddl.PHASES, schema="iron")
    with connect(iron.conninfo) as connection:
        connections = Connections([connection], "iron", Patience(ProgressListener()))
        for statement in found:
            if statement.makes and statement.makes.name in names:
                violations.run(connections, Planner(Inputs(iron.files)), statement)


def quarantine(iron: Case, table: str) -> list[tuple]:
    return iron.query(
        f"""SELECT (q->>'row')::int, q->>'column', q->>'value', q->>'reason', q->>'rule'
            FROM iron.load_ledger, jsonb_array_elements(quarantine) q
            WHERE table_name = '{table}' ORDER BY 1"""
    )


def test_the_first_row_of_a_key_stays_and_what_refers_to_the_other_goes(iron):
    _, before = spoil(iron)
    violations = KeyViolations(specprod_catalogue(), "iron", 100)
    make(iron, violations, "tile_pkey", "exposure_pkey")
    file = iron.files.exposures()
    reason = f"expid is that of row 2 of {file.relative_to(iron.root)}[EXPOSURES]"
    assert quarantine(iron, "exposure") == [(5, "EXPID", str(before[2]), reason, "key")]
    assert violations.removed == Counter({"exposure<exposures": 1})
    [mjd] = fits.getdata(file, "EXPOSURES")["MJD"][2:3].tolist()
    assert iron.query(f"SELECT mjd FROM iron.exposure WHERE expid = {before[2]}") == [(mjd,)]
    make(iron, violations, "frame_pkey", "exposure_tileid_fkey", "frame_expid_fkey")
    frames = fits.getdata(file, "FRAMES")["EXPID"].tolist()
    lost = [row for row, expid in enumerate(frames) if expid == before[5]]
    reason = "no row of exposure has this expid"
    assert quarantine(iron, "frame") == [
        (row, "EXPID", str(before[5]), reason, "reference") for row in lost
    ]
    assert violations.removed == Counter({"exposure<exposures": 1, "frame<exposures": len(lost)})
    figures = """SELECT table_name, sum(rows_read)::int, sum(rows_kept)::int,
                 sum(rows_quarantined)::int FROM iron.load_ledger GROUP BY 1 ORDER BY 1"""
    n, m = len(before), len(frames)
    assert iron.query(figures)[:2] == [
        ("exposure", n, n - 1, 1),
        ("frame", m, m - len(lost), len(lost)),
    ]
    valid = "SELECT convalidated FROM pg_constraint WHERE conname = 'frame_expid_fkey'"
    assert iron.query(valid) == [(True,)]


def state(iron: Case) -> list[list[tuple]]:
    return [
        iron.query("SELECT t::text FROM iron.exposure t ORDER BY 1"),
        iron.query("SELECT t::text FROM iron.load_ledger t ORDER BY 1"),
        iron.query("SELECT indexname FROM pg_indexes WHERE tablename = 'exposure'"),
    ]


def test_without_quarantine_it_is_an_error(iron):
    spoil(iron)
    before = state(iron)
    with pytest.raises(DuplicateKey, match=r"^exposure_pkey of table exposure is not unique$"):
        make(iron, KeyViolations(specprod_catalogue(), "iron", None), "exposure_pkey")
    assert state(iron) == before


def test_more_than_may_be_leave_everything_as_it_was(iron):
    spoil(iron)
    before = state(iron)
    with pytest.raises(DatabaseError, match="more than 0 rows are concerned, too many for the"):
        make(iron, KeyViolations(specprod_catalogue(), "iron", 0), "exposure_pkey")
    assert state(iron) == before


def test_rows_that_are_in_no_file(iron):
    """Somebody has put them in: which one is right is not for the loader to say."""
    spoil(iron)
    iron.query("INSERT INTO iron.exposure SELECT * FROM iron.exposure ORDER BY expid LIMIT 1")
    before = state(iron)
    with pytest.raises(DatabaseError) as caught:
        make(iron, KeyViolations(specprod_catalogue(), "iron", 100), "exposure_pkey")
    assert str(caught.value) == (
        "4 rows of table iron.exposure should go into quarantine, but 3 rows of the files have "
        "their keys; replace the table with --overwrite"
    )
    assert state(iron) == before


def test_a_file_that_changed_since(iron):
    spoil(iron)
    before = state(iron)
    edit(iron.files.exposures(), "EXPOSURES", values={(0, "MJD"): 59000.25})
    with pytest.raises(ChangedFileError, match="the file is not the one that was loaded"):
        make(iron, KeyViolations(specprod_catalogue(), "iron", 100), "exposure_pkey")
    assert state(iron) == before


COUNT = "SELECT count(*)::int FROM iron.zpix"


def twice(iron: Case) -> KeyViolations:
    """Load redshifts without keys, each of them twice."""
    edit(iron.files.zall_pix(), rows=lambda n: [*range(n), *range(n)])
    iron.load("zpix", part=(1, 1))
    return KeyViolations(specprod_catalogue(), "iron", 1000)


def test_another_key_may_fail_before_the_primary_one(iron):
    """Indexes of one table are built at the same time."""
    violations = twice(iron)
    [(before,)] = iron.query(COUNT)
    make(iron, violations, "ix_zpix_unique")
    assert iron.query(COUNT) == [(before // 2,)]
    rows = [row for row, *_ in quarantine(iron, "zpix")]
    assert len(rows) == before // 2
    assert min(rows) >= len(fits.getdata(iron.files.zall_pix(), "ZCATALOG")) // 2


def test_another_key_alone(iron):
    """Which of two rows would have to go is not said then, and none does."""
    violations = twice(iron)
    before = iron.query(COUNT)
    iron.query(
        """UPDATE iron.zpix SET id = n FROM (
               SELECT ctid AS place, row_number() OVER () AS n FROM iron.zpix
           ) AS numbered WHERE ctid = place"""
    )
    with pytest.raises(DuplicateKey, match=r"^ix_zpix_unique of table zpix is not unique$"):
        make(iron, violations, "ix_zpix_unique")
    assert iron.query(COUNT) == before
    assert quarantine(iron, "zpix") == []
