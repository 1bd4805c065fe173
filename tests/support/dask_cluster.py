"""A scheduler of Dask, with a worker, for commands that are given its address."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from distributed import LocalCluster


@contextmanager
def dask_cluster() -> Iterator[LocalCluster]:
    """Yield a scheduler and its worker, threads of this process that are reached by TCP."""
    place = {"host": "127.0.0.1", "protocol": "tcp", "dashboard_address": None}
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, **place) as cluster:
        yield cluster
