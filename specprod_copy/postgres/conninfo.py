"""Which server is meant: connection strings, and the environment variables of libpq."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

from specprod_copy.errors import ConfigurationError

LIBPQ_VARIABLES = ("PGHOST", "PGHOSTADDR", "PGSERVICE", "PGPORT", "PGDATABASE", "PGUSER")
"""Environment variables of libpq that say that a server of the user's own is meant."""


SECRETS = frozenset(o.keyword.decode() for o in Conninfo.get_defaults() if o.dispchar == b"*")
"""Parameters that must not be shown; libpq marks them so."""


def server_is_named(parameters: Mapping[str, object]) -> bool:
    """Say whether options or the environment name a server.

    Parameters
    ----------
    parameters : mapping
        Connection options of the command line; None where not given.

    Returns
    -------
    bool
        False when neither options nor `LIBPQ_VARIABLES` are given: then the embedded server is
        meant.
    """
    return any(parameters.values()) or any(os.environ.get(name) for name in LIBPQ_VARIABLES)


def conninfo_parameters(conninfo: str) -> dict[str, str]:
    """Return the parameters of a connection string.

    Parameters
    ----------
    conninfo : str
        URI or key=value string.

    Raises
    ------
    ConfigurationError
        If it is neither. The message shows nothing of it: a password may be in it, and where its
        characters are misread, even what looks like a host or a port may be part of one.
    """
    try:
        parameters = {name: str(value) for name, value in conninfo_to_dict(conninfo).items()}
    except psycopg.Error:
        parameters = {"port": "none"}
    hosts, ports = (parameters.get(name, "").split(",") for name in ("host", "port"))
    if any("@" in host and host[0] not in "/@" for host in hosts) or not all(
        port.isdecimal() or not port for port in ports
    ):
        raise ConfigurationError(
            "--dsn is neither a URI nor a key=value string (in a URI, write characters such as @ "
            "or / of a password as %40 or %2F; but better keep it in ~/.pgpass)"
        )
    return parameters


def resolved(parameters: Mapping[str, str]) -> dict[str, str]:
    """Return what libpq would make of connection parameters here and now.

    Parameters
    ----------
    parameters : mapping of str to str
        As `conninfo_parameters` returns them.

    Returns
    -------
    dict of str to str
        They, and what the environment and service files say of others, without `SECRETS`. Port,
        user and database are there in any case. A named service stays, for it is an error where it
        is not known.
    """
    found = {}
    with _service(parameters.get("service")):
        for option in Conninfo.get_defaults():
            name, value = option.keyword.decode(), option.val
            if value is not None and (value != option.compiled or name == "port"):
                found[name] = value.decode()
    found |= parameters
    found.setdefault("dbname", found["user"])
    first = [name for name in ("host", "hostaddr", "port", "dbname", "user") if name in found]
    return {name: found[name] for name in dict.fromkeys([*first, *found]) if name not in SECRETS}


@contextmanager
def _service(name: str | None) -> Iterator[None]:
    """Have libpq's defaults be those of a service."""
    before = os.environ.get("PGSERVICE")
    if name is not None:
        os.environ["PGSERVICE"] = name
    try:
        yield
    finally:
        if before is not None:
            os.environ["PGSERVICE"] = before
        else:
            os.environ.pop("PGSERVICE", None)
