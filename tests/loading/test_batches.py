"""Which units share a COPY and a commit."""

from __future__ import annotations

import pytest
from support.units import units

from specprod_copy.plan.batches import make_batches
from specprod_copy.plan.limits import Limits
from specprod_copy.rows.units import Unit


def sizes(batches: list[list[Unit]]) -> list[list[int]]:
    return [[unit.n_rows for unit in batch] for batch in batches]


def test_one_job_commits_as_seldom_as_it_may():
    found = make_batches(units(*[100] * 12), limits=Limits(batch_rows=500))
    assert sizes([*found]) == [[100] * 5, [100] * 5, [100] * 2]


@pytest.mark.parametrize(("jobs", "most"), [(2, 150), (3, 100), (64, 50)])
def test_several_jobs_end_at_about_the_same_time(jobs, most):
    """None has more to do than a small share when the others have nothing left."""
    batches = sizes([*make_batches(units(*[50] * 24), jobs)])
    assert sum(map(sum, batches)) == 1200
    assert max(map(sum, batches)) == most


def test_batches_are_of_one_table():
    both = [*units(10, 10), *units(10, source="ztile<redshift")]
    for jobs in (1, 8):
        for batch in make_batches(both, jobs):
            assert len({unit.table for unit in batch}) == 1
