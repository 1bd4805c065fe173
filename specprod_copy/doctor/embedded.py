"""The embedded server, before there is one: what it would be."""

from __future__ import annotations

from collections.abc import Iterator

from specprod_copy.doctor.findings import Finding
from specprod_copy.errors import ServerError
from specprod_copy.server.binaries import q3c_advice
from specprod_copy.server.cluster import Cluster

CONNECTIONS = 98
"""What PostgreSQL leaves to ordinary roles as long as nobody is there."""


def check_embedded(cluster: Cluster) -> Iterator[Finding]:
    """Yield which PostgreSQL a load would make the server of, and whether it has q3c."""
    try:
        found = cluster.binaries()
    except ServerError as error:
        yield Finding("server", "PostgreSQL", str(error), "problem", "a PostgreSQL to run")
        return
    yield Finding(
        "server",
        "PostgreSQL",
        f"none yet: a load makes one of PostgreSQL {found.version} in {cluster.directory}",
    )
    yield Finding(
        "server",
        "q3c",
        "there: the load is going to install it" if found.q3c else "not there",
        "ok" if found.q3c else "advice",
        "" if found.q3c else "installed",
        "without q3c searches on the sky read whole tables",
        remedy=() if found.q3c else (q3c_advice(found),),
    )
