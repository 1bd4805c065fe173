"""Identifiers as SQL, without a server."""

from __future__ import annotations

import re
from typing import Final

from specprod_copy.errors import ConfigurationError
from specprod_copy.postgres.sql_text import QUOTE

MOST_BYTES: Final = 63
"""So long a name may be in PostgreSQL."""

# Words that PostgreSQL (15 to 18) does not accept as a bare schema or role name: the categories
# "reserved" and "reserved (can be function or type)" of pg_get_keywords().
_RESERVED = frozenset(
    """
    all analyse analyze and any array as asc asymmetric authorization binary both case cast check
    collate collation column concurrently constraint create cross current_catalog current_date
    current_role current_schema current_time current_timestamp current_user default deferrable desc
    distinct do else end except false fetch for foreign freeze from full grant group having ilike in
    initially inner intersect into is isnull join lateral leading left like limit localtime
    localtimestamp natural not notnull null offset on only or order outer overlaps placing primary
    references returning right select session_user similar some symmetric system_user table
    tablesample then to trailing true union unique user using variadic verbose when where window
    with
    """.split()  # noqa: SIM905 - a hundred words read better so
)


def quote_identifier(name: str) -> str:
    """Return `name` as SQL, in double quotes where it needs them.

    Parameters
    ----------
    name : str
        Name of a schema or role, exactly as in the catalog.

    Raises
    ------
    ConfigurationError
        If PostgreSQL cannot have such a name: empty, with a NUL character, or longer than
        `MOST_BYTES`.
    """
    if not name or "\0" in name or len(name.encode()) > MOST_BYTES:
        raise ConfigurationError(
            f"{name!r} cannot be a name in PostgreSQL: it must have 1 to {MOST_BYTES} bytes and "
            "no NUL"
        )
    if re.fullmatch(r"[a-z_][a-z0-9_]*", name) and name not in _RESERVED:
        return name
    doubled = name.replace(QUOTE, QUOTE * 2)
    return f"{QUOTE}{doubled}{QUOTE}"
