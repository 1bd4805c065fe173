"""The server of a command: named by the user, or the embedded one. Looking starts nothing."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import click
from psycopg.conninfo import make_conninfo

from specprod_copy.cli.text import warn
from specprod_copy.errors import ServerError
from specprod_copy.option import Option
from specprod_copy.postgres.conninfo import conninfo_parameters, server_is_named
from specprod_copy.server.cluster import DEFAULT_DIRECTORY, Cluster


@dataclass(frozen=True)
class NamedServer:
    """A server of the user's own, which is there or not: that is its administrator's business."""

    dsn: Annotated[
        str | None,
        Option(
            "--dsn",
            "Connection as a URI or key=value string, e.g. 'postgresql://desi@host/specprod'. Keep "
            "passwords in ~/.pgpass.",
        ),
    ] = None
    hostname: Annotated[
        str | None, Option("-H --hostname", "Host name or socket folder of the server.")
    ] = None
    username: Annotated[str | None, Option("-U --username", "Name of the database user.")] = None
    dbname: Annotated[str | None, Option("-D --dbname", "Name of the database.")] = None

    @property
    def _named(self) -> dict[str, str | None]:
        return {"host": self.hostname, "user": self.username, "dbname": self.dbname}

    @property
    def by_options(self) -> bool:
        """Whether an option names it."""
        return bool(self.dsn or any(self._named.values()))

    @property
    def is_named(self) -> bool:
        """Whether options or the environment name it."""
        return server_is_named({"dsn": self.dsn, **self._named})

    def conninfo(self) -> str:
        """Return how to connect to it."""
        conninfo_parameters(self.dsn or "")
        return make_conninfo(self.dsn or "", **{k: v for k, v in self._named.items() if v})


@dataclass(frozen=True)
class ServerOptions(NamedServer):
    """A server of the user's own, or the embedded one, which commands may have to start."""

    embedded: Annotated[
        Path | None,
        Option(
            "--embedded",
            "Folder of the embedded server. It is used when no other option and no PG* variable "
            f"names a server.  [default: ./{DEFAULT_DIRECTORY}]",
            path="folder",
        ),
    ] = None

    def __post_init__(self) -> None:
        if self.embedded is not None and self.by_options:
            raise click.UsageError("--embedded and another server exclude each other")

    @property
    def cluster(self) -> Cluster | None:
        """The embedded server, whether it exists or not; None if another one is named.

        Raises
        ------
        ServerError
            If a batch job names none: what it loads would be in a server that nobody looks for.
        """
        if self.embedded is None and self.is_named:
            return None
        if self.embedded is None and (job := os.environ.get("SLURM_JOB_ID")):
            raise ServerError(
                f"this is Slurm's job {job}, and no server is named: name it by --dsn, --hostname "
                "or PG* variables, or say --embedded DIR if the embedded server of that folder is "
                "meant"
            )
        return Cluster(self.embedded or DEFAULT_DIRECTORY)

    def to_write(self, check: Callable[[bool], object]) -> str:
        """Return how to connect; the embedded server is made and started if need be.

        Parameters
        ----------
        check : callable
            Called before a server is started, with whether it is a new one: what can be found wrong
            without a server leaves none.
        """
        cluster = self.cluster
        if cluster is None:
            return self.conninfo()
        if not cluster.running:
            check(not cluster.exists)
        cluster.start()
        return cluster.conninfo()

    def to_read(self) -> str:
        """Return how to connect to a server that exists.

        Raises
        ------
        ServerError
            If there is none.
        """
        conninfo = self.if_there()
        if conninfo is None:
            raise no_server(self.embedded)
        return conninfo

    def if_there(self) -> str | None:
        """Return how to connect to a server that exists, None if there is none.

        An embedded server that is stopped is started.
        """
        cluster = self.cluster
        if cluster is None:
            return self.conninfo()
        return start_existing(cluster)


def start_existing(cluster: Cluster) -> str | None:
    """Return how to connect to an embedded server, starting one that is stopped; None if absent."""
    if not cluster.exists:
        return None
    if not cluster.running:
        warn(f"starting the server in {cluster.directory}")
    cluster.start()
    return cluster.conninfo()


def no_server(embedded: Path | None) -> ServerError:
    """Return the error for a command that needs an embedded server which does not exist."""
    folder = embedded or DEFAULT_DIRECTORY
    shown = folder if folder.is_absolute() else f"./{folder}"
    option = f" --embedded {shlex.quote(str(folder))}" if embedded else ""
    return ServerError(
        f"no server in {shown}: 'specprod-copy load …{option}' or 'specprod-copy server "
        f"start{option}' makes one; name another by --embedded DIR, --dsn, --hostname or PG* "
        "variables"
    )
