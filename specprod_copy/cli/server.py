"""``specprod-copy server``: the embedded PostgreSQL server."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click

from specprod_copy.cli.connection import no_server, start_existing
from specprod_copy.cli.text import put, say
from specprod_copy.server.binaries import HOW_TO_INSTALL, Binaries, q3c_advice
from specprod_copy.server.cluster import DEFAULT_DIRECTORY, Cluster, ClusterStatus
from specprod_copy.server.launching import STOP_MODES

NOT_RUNNING = 3
"""Exit code of ``status`` for a stopped server, as for ``pg_ctl status`` and system services."""

_Command = TypeVar("_Command", bound=Callable[..., Any])


def embedded_option(command: _Command) -> _Command:
    """Add the option that names the cluster's folder."""
    option = click.option(
        "--embedded",
        "directory",
        type=click.Path(path_type=Path),
        metavar="DIR",
        default=DEFAULT_DIRECTORY,
        show_default=True,
        help="Folder of the embedded server.",
    )
    return option(command)


@click.group()
def server() -> None:
    """Run a private PostgreSQL server, for when you have no other.

    It lives in one folder, takes connections by its socket only, and only from you, unless it is
    started with --port.
    """


@server.command()
@embedded_option
@click.option(
    "--port",
    type=click.IntRange(1024, 65535),
    help="Also listen on this TCP port of the loopback interface, until the server stops; for "
    "programs that cannot use the socket. Prints the line for ~/.pgpass with the password.",
)
def start(directory: Path, port: int | None) -> None:
    """Start the server, making it first where there is none."""
    cluster = Cluster(directory)
    _echo_rows(_description(cluster, cluster.start(port)))
    if port is not None:
        _echo_rows(_by_port(cluster))


@server.command()
@embedded_option
@click.option(
    "--mode",
    type=click.Choice(STOP_MODES),
    default=STOP_MODES[0],
    show_default=True,
    help="Break connections, wait for them to end, or stop at once and recover at the next start.",
)
def stop(directory: Path, mode: str) -> None:
    """Stop the server; its data stay."""
    cluster = Cluster(directory)
    stopped = cluster.stop(mode)
    say(f"{cluster.directory}: {'stopped' if stopped else 'was not running'}")


@server.command()
@embedded_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.pass_context
def status(context: click.Context, directory: Path, as_json: bool) -> None:
    """Tell whether the server runs, and how to reach it with any client.

    Exits with 0 if it runs, with 3 if not.
    """
    cluster = Cluster(directory)
    state = cluster.status()
    if as_json:
        put(json.dumps(asdict(state) | _ways_in(cluster, state), indent=2, default=str))
    else:
        _echo_rows(_description(cluster, state))
    context.exit(0 if state.running else NOT_RUNNING)


@server.command()
@embedded_option
@click.option("--export", is_flag=True, help="Print a shell's commands that set PG variables.")
def url(directory: Path, export: bool) -> None:
    """Print the URLs of a running server: for libpq, and for SQLAlchemy.

    They lead to its socket, which only you reach. Programs that know TCP alone, such as those on
    Java, need a server started with --port: then the URL for JDBC is printed too, and the line
    for ~/.pgpass with the password.

    \b
    For psql, Python and all programs that this shell starts afterwards:
      eval "$(specprod-copy server url --export)"
    """
    cluster = Cluster(directory)
    postmaster = cluster.postmaster()
    if export:
        for line in _exports(postmaster.variables()):
            put(line)
        return
    rows = {"libpq": postmaster.uri(), "SQLAlchemy": postmaster.sqlalchemy_url()}
    _echo_rows(iter(rows.items()))
    if postmaster.listens:
        _echo_rows(_by_port(cluster))


# psql has its own -h, for the host.
@server.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@embedded_option
@click.argument("arguments", metavar="[PSQL-ARGUMENTS]...", nargs=-1, type=click.UNPROCESSED)
def psql(directory: Path, arguments: tuple[str, ...]) -> None:
    """Run psql on the server, starting it when it is stopped.

    All other options and arguments go to psql:

        specprod-copy server psql -c 'SELECT count(*) FROM fuji.zpix'
    """
    cluster = Cluster(directory)
    if start_existing(cluster) is None:
        raise no_server(None if directory == DEFAULT_DIRECTORY else directory)
    program = str(cluster.binaries().program("psql"))
    # What PGSERVICE says would win over PGHOST.
    inherited = {name: value for name, value in os.environ.items() if name != "PGSERVICE"}
    os.execve(  # noqa: S606 (psql takes over this process, its terminal and its exit code)
        program, [program, *arguments], inherited | cluster.postmaster().variables()
    )


def _by_port(cluster: Cluster) -> Iterator[tuple[str, str]]:
    yield "JDBC", cluster.postmaster().jdbc_url()
    yield ".pgpass", cluster.pgpass() or ""


def _description(cluster: Cluster, state: ClusterStatus) -> Iterator[tuple[str, str]]:
    """Yield labels and values that describe a cluster."""
    yield "server", _state(state)
    if state.version and state.bindir:
        yield "PostgreSQL", f"{state.version} in {state.bindir}"
        advice = q3c_advice(Binaries(state.bindir, state.version, state.q3c))
        yield "q3c", "yes" if state.q3c else f"no, so no q3c index for cone searches; {advice}"
    else:
        yield "PostgreSQL", f"none found that can run it: {HOW_TO_INSTALL}"
    yield "data", str(state.data_directory)
    yield "user", state.user
    yield "log", str(state.log_file or "none yet")
    for label, value in _ways_in(cluster, state).items():
        if isinstance(value, dict):
            yield from (("", line) for line in _exports(value))
        elif value:
            yield label, value


def _exports(variables: Mapping[str, str]) -> Iterator[str]:
    return (f"export {name}={shlex.quote(value)}" for name, value in variables.items())


def _state(state: ClusterStatus) -> str:
    if state.running:
        return f"running (process {state.pid})"
    return "not running" if state.exists else "none yet; 'specprod-copy server start' makes one"


def _ways_in(cluster: Cluster, state: ClusterStatus) -> dict[str, Any]:
    """Return how to reach a running server: psql command line, libpq URI and environment."""
    if not state.running:
        return {"psql": None, "uri": None, "environment": None}
    postmaster = cluster.postmaster()
    return {
        "psql": shlex.join(cluster.psql_command()),
        "uri": postmaster.uri(),
        "environment": postmaster.variables(),
    }


def _echo_rows(rows: Iterator[tuple[str, str]]) -> None:
    for label, value in rows:
        say(f"{label:12}{value}")
