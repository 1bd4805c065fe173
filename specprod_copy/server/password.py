"""The password for connections to the embedded server by TCP."""

from __future__ import annotations

import secrets
from pathlib import Path

import psycopg
from psycopg import sql

from specprod_copy.errors import ServerError
from specprod_copy.server.account import Account
from specprod_copy.server.postmaster import SUPERUSER

PASSWORD_FILE = "password"  # noqa: S105 (the name of a file)
"""Its file in the server's folder; neither is open to others."""

_BYTES = 24


def set_password(path: Path, account: Account, conninfo: str) -> None:
    """Give the superuser the password in a file, making one where there is none.

    Raises
    ------
    ServerError
        If the server refuses.
    """
    password = account.read(path)
    if not password:
        password = secrets.token_urlsafe(_BYTES)
        account.write(path, password)
    try:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            # As it is kept, so that the password itself is in no log of the server.
            kept = connection.pgconn.encrypt_password(
                password.encode(), SUPERUSER.encode(), b"scram-sha-256"
            )
            statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
            connection.execute(
                statement.format(sql.Identifier(SUPERUSER), sql.Literal(kept.decode()))
            )
    except psycopg.Error as error:
        raise ServerError(f"cannot set the password of {SUPERUSER}: {error}") from error
