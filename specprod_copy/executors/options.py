"""Who does the work of a command."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from specprod_copy.errors import ConfigurationError
from specprod_copy.executors.executor import Workers
from specprod_copy.option import Option


@dataclass(frozen=True)
class ExecutorOptions:
    """Who reads files and sends rows.

    Raises
    ------
    ConfigurationError
        If options exclude each other, or lack another one.
    """

    executor: Annotated[
        str,
        Option(
            "--executor",
            "Who reads files and sends rows: as many processes as --jobs says, or workers of Dask "
            "(pip install specprod-copy[dask]); then --jobs counts index builds.",
            choices=("processes", "dask"),
        ),
    ] = "processes"
    scheduler: Annotated[
        str | None,
        Option(
            "--scheduler",
            "Scheduler of the Dask workers. They need this package, the files at the same place "
            "and a way to the server.",
            metavar="ADDRESS",
        ),
    ] = None
    dask_workers: Annotated[
        int | None,
        Option(
            "--dask-workers",
            "Without --scheduler: start so many workers on this machine.  [default: --jobs]",
            metavar="N",
            low=1,
            high=1024,
        ),
    ] = None

    def __post_init__(self) -> None:
        if self.executor != "dask" and (self.scheduler or self.dask_workers):
            raise ConfigurationError("--scheduler and --dask-workers belong to --executor dask")
        if self.scheduler and self.dask_workers:
            raise ConfigurationError(
                "either a --scheduler has workers, or --dask-workers are started here"
            )

    def workers(
        self, jobs: int, root: Path | None = None
    ) -> AbstractContextManager[Workers | None]:
        """Return a context manager of the workers; of None for processes of this machine.

        Parameters
        ----------
        jobs : int
            How many, if nothing else is said.
        root : Path, optional
            Folder of the files, where workers read files.

        Raises
        ------
        ConfigurationError
            If Dask is not installed or cannot be reached, or workers elsewhere would not find the
            files.
        """
        if self.executor != "dask":
            return nullcontext()
        if self.scheduler and root is not None and not root.is_absolute():
            raise ConfigurationError(
                f"{root}: workers run elsewhere and need the absolute path of the folder"
            )
        try:
            from specprod_copy.executors.dask_workers import dask_workers
        except ModuleNotFoundError as error:
            raise ConfigurationError(
                f"{error.name} is not installed: pip install 'specprod-copy[dask]'"
            ) from error
        return dask_workers(self.scheduler, self.dask_workers or jobs)
