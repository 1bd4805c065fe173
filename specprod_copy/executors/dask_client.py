"""Clients of Dask: of a scheduler anywhere, or of a cluster that lives for one command."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import dask
import distributed
from distributed.client import ClosedClientError
from distributed.utils import silence_logging_cmgr
from distributed.versions import VersionMismatchWarning

from specprod_copy.errors import ConfigurationError, WorkerDiedError
from specprod_copy.executors.processes import interrupts_left_to_parent

_LOOPBACK: Final = "127.0.0.1"
_CONFIGURATION: Final = {
    # There always are pages; they show nothing, and only here.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,
    # Workers that die come again; the cluster would close those that are away after such a time.
    "distributed.deploy.lost-worker-timeout": "1 day",
}
"""For clusters that live for one command."""

_SECONDS_TO_COME: Final = 60
_DEATHS_ALLOWED: Final = 1000
"""Dask's own 3 are for tasks that kill their worker; here nodes end, with many tasks on them."""


@contextmanager
def dask_client(scheduler: str | None = None, number: int = 1) -> Iterator[distributed.Client]:
    """Yield a client of a scheduler, or of a cluster of processes that lives for this block.

    Parameters
    ----------
    scheduler : str, optional
        Its address. What Dask's configuration says of TLS holds.
    number : int
        Without a scheduler: how many processes. They and the scheduler talk by TLS, for whoever
        reaches them has the rights of their user.

    Raises
    ------
    ConfigurationError
        If there is no scheduler, no worker comes, or they have other versions of Dask or of this
        package.
    """
    with ExitStack() as stack:
        # What is wrong comes as the error of a task; the rest is that workers come and go.
        stack.enter_context(silence_logging_cmgr(logging.CRITICAL))
        if scheduler is None:
            stack.enter_context(dask.config.set(_CONFIGURATION))
            # In a thread: Ctrl-C is noticed when there is a cluster that can be closed.
            with interrupts_left_to_parent(), ThreadPoolExecutor(1) as starter:
                starting = starter.submit(_local_cluster, number)
                stack.callback(lambda: starting.result().close())
                cluster = starting.result()
                client = stack.enter_context(distributed.Client(cluster, set_as_default=False))
            scheduler = cluster.scheduler_address
        else:
            client = stack.enter_context(_client(scheduler))
        _refuse_other_versions(client, scheduler)
        _await_workers(client, scheduler)
        _refuse_other_versions(client, scheduler)  # of workers that came now
        yield client


def _local_cluster(number: int) -> distributed.LocalCluster:
    return distributed.LocalCluster(
        n_workers=number,
        threads_per_worker=1,
        host=_LOOPBACK,
        dashboard_address=f"{_LOOPBACK}:0",
        scheduler_kwargs={"dashboard": False},
        worker_dashboard_address=f"{_LOOPBACK}:0",
        memory_limit=0,
        security=True,
        silence_logs=logging.CRITICAL,
    )


def _client(scheduler: str) -> distributed.Client:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VersionMismatchWarning)  # it is an error here
        try:
            return distributed.Client(scheduler, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"no scheduler of Dask at {scheduler}: {error}") from error


def _refuse_other_versions(client: distributed.Client, address: str) -> None:
    """Other versions of Dask do not answer, or not what was asked."""
    found: Any = client.get_versions(packages=["specprod_copy"])
    wanted = found["client"]["packages"]
    others = {f"scheduler {address}": found["scheduler"]}
    others |= {f"worker {place}": worker for place, worker in found["workers"].items()}
    for who, other in others.items():
        for package in ("distributed", "specprod_copy"):
            if (has := other["packages"].get(package)) != wanted[package]:
                raise ConfigurationError(
                    f"{who} of Dask has {package} {has or 'not installed'}, and this program "
                    f"{wanted[package]}: all need the same version"
                )


def _await_workers(client: distributed.Client, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=_SECONDS_TO_COME)
    except TimeoutError as error:
        raise ConfigurationError(
            f"the scheduler at {address} has no workers, and none came in {_SECONDS_TO_COME} s"
        ) from error
    client.run_on_scheduler(_allow_deaths)


def _allow_deaths(dask_scheduler: distributed.Scheduler) -> None:
    dask_scheduler.allowed_failures = max(dask_scheduler.allowed_failures, _DEATHS_ALLOWED)


_OF_CONNECTIONS: Final = (ConnectionError, TimeoutError)


@contextmanager
def losses_told(client: distributed.Client | None = None) -> Iterator[None]:
    """Raise a `WorkerDiedError` when the scheduler is lost, or each worker that took a task.

    With a client also when that is why others gave up.
    """
    try:
        try:
            yield
        except RuntimeError as error:
            if client is None or client.status == "running":
                raise
            raise ConnectionError(f"the connection is {client.status}") from error
    except (distributed.KilledWorker, ClosedClientError, CancelledError, OSError) as error:
        if isinstance(error, OSError) and error.errno and not isinstance(error, _OF_CONNECTIONS):
            raise  # of a file: those that Dask raises itself have no number
        raise WorkerDiedError(
            f"the scheduler of Dask or its workers are lost ({type(error).__name__}: {error}); run "
            "the command again"
        ) from error
