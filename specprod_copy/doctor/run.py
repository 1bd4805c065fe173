"""Examine server, role, connection and machine."""

from __future__ import annotations

from specprod_copy.doctor.client import check_client
from specprod_copy.doctor.connection import check_connection
from specprod_copy.doctor.embedded import CONNECTIONS, check_embedded
from specprod_copy.doctor.findings import Finding
from specprod_copy.doctor.server import (
    ask,
    check_rights,
    check_server,
    check_session,
    connections_left,
)
from specprod_copy.doctor.settings import check_settings
from specprod_copy.doctor.space import check_space
from specprod_copy.errors import SpecprodCopyError
from specprod_copy.postgres.connection import connect, set_up_session, translated_errors
from specprod_copy.server.cluster import Cluster
from specprod_copy.tables import Inputs


def doctor(
    conninfo: str | Cluster, schema: str | None = None, inputs: Inputs | None = None
) -> list[Finding]:
    """Look at all that matters for a load; change nothing.

    Parameters
    ----------
    conninfo : str or Cluster
        For libpq; or the embedded server, which does not exist yet.
    schema : str, optional
        The schema that is to be loaded; else a new one.
    inputs : Inputs, optional
        A production's files, to tell the space that they take, and what a load would refuse.

    Returns
    -------
    list of Finding
        A load is impossible if any has the level ``problem``.

    Raises
    ------
    DatabaseError
        If there is no server, or it refuses us.
    """
    if isinstance(conninfo, str):
        found = _check_server(conninfo, schema)
    else:
        found = [*check_embedded(conninfo), *check_client(CONNECTIONS)]
    possible = all(finding.level != "problem" for finding in found)
    if inputs is not None and possible:
        where = conninfo if isinstance(conninfo, str) else None
        try:
            found += check_space(where, inputs, schema or inputs.files.production.name)
        except SpecprodCopyError as error:
            found.append(Finding("space", "load --dry-run", str(error), "problem"))
    return found


def _check_server(conninfo: str, schema: str | None) -> list[Finding]:
    with (
        connect(conninfo, settings={}) as connection,
        translated_errors("cannot examine the server"),
    ):
        # First as the server is, then as the loader's sessions are. By one connection: a role may
        # be allowed no more.
        settings = list(check_settings(connection))
        set_up_session(connection)
        facts = ask(connection)
        return [
            *check_server(connection, facts),
            *check_rights(connection, facts, schema),
            *check_session(connection),
            *settings,
            *check_connection(connection, facts),
            *check_client(connections_left(facts) + 1),
        ]
