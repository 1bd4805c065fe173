"""Why there is no connection to a server, and what to do: what errors of libpq mean to people."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from psycopg.pq import Conninfo, PGconn, Ping

from specprod_copy.errors import DatabaseError, NoConnectionError
from specprod_copy.postgres.conninfo import conninfo_parameters, resolved


def no_connection(conninfo: str, said: str) -> DatabaseError:
    """Return the error for a connection that could not be made.

    Parameters
    ----------
    conninfo : str
        How it was to be made.
    said : str
        What libpq or the server said, on one line.
    """
    if (folder := _silent_embedded(conninfo)) is not None:
        return DatabaseError(
            f"cannot connect: the embedded server in {folder} is not running; start it: "
            f"specprod-copy server start --embedded {shlex.quote(folder)}"
        )
    # psycopg looks a name of PGHOST up as well, but shows only that of the connection string.
    said = said.replace("resolve host None", f"resolve host {os.getenv('PGHOST')!r}")
    variables = _variables()
    environment = f", and {', '.join(variables)} of the environment" if variables else ""
    return NoConnectionError(
        f"cannot connect: {said.rstrip('?')}. If the server is only down for a while, run the "
        f"command again then. Check the connection string and ~/.pgpass{environment}"
    )


def _silent_embedded(conninfo: str) -> str | None:
    """Return the folder of the embedded server that was meant, if there is one and nobody answers.

    Its socket is in the folder itself, beside PostgreSQL's data.
    """
    tried = resolved(conninfo_parameters(conninfo))
    host = tried.get("host", "")
    if "hostaddr" in tried or not host.startswith("/"):
        return None
    # Not by Path.exists, which fails in a folder of somebody else.
    if not os.path.exists(Path(host, "data", "PG_VERSION")):  # noqa: PTH110
        return None
    silent = Ping(PGconn.ping(conninfo.encode())) is Ping.NO_RESPONSE
    return host if silent else None


def _variables() -> list[str]:
    """Return the names of libpq's variables that are set; their values may be secrets."""
    names = [option.envvar for option in Conninfo.get_defaults() if option.envvar]
    return [name.decode() for name in names if os.environ.get(name.decode())]
