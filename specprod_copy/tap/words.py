"""Names as queries in ADQL have to write them."""

from __future__ import annotations

import re
from typing import Final

_RESERVED_TEXT: Final = """
    absolute action add all allocate alter and any are as asc assertion at authorization avg begin
    between bit bit_length both by cascade cascaded case cast catalog char character
    character_length char_length check close coalesce collate collation column commit connect
    connection constraint constraints continue convert corresponding count create cross current
    current_date current_time current_timestamp current_user cursor date day deallocate decimal
    declare default deferrable deferred delete desc describe descriptor diagnostics disconnect
    distinct domain double drop else end escape except exception exec execute exists external
    extract false fetch first float for foreign found from full get global go goto grant group
    having hour identity immediate in indicator initially inner input insensitive insert int integer
    intersect interval into is isolation join key language last leading left level like local lower
    match max min minute module month names national natural nchar next no not null nullif numeric
    octet_length of on only open option or order outer output overlaps pad partial position
    precision prepare preserve primary prior privileges procedure public read real references
    relative restrict revoke right rollback rows schema scroll second section select session
    session_user set size smallint some space sql sqlcode sqlerror sqlstate substring sum
    system_user table temporary then time timestamp timezone_hour timezone_minute to trailing
    transaction translate translation trim true union unique unknown update upper usage user using
    value values varchar varying view when whenever where with work write year zone
    abs acos area asin atan atan2 box ceiling centroid circle contains coord1 coord2 coordsys cos
    degrees distance exp floor intersects log log10 mod pi point polygon power radians rand region
    round sin sqrt top tan truncate
    bigint bitwise_and bitwise_not bitwise_or bitwise_xor ilike in_unit offset
"""
_RESERVED: Final = frozenset(_RESERVED_TEXT.split())
"""Reserved words of ADQL 2.0 and 2.1 (https://www.ivoa.net/documents/ADQL/, section 2.1.2)."""

_REGULAR: Final = re.compile(r"[a-z][a-z0-9_]*")


def adql(*names: str) -> str:
    """Return the name of a column, or of a table after its schema, as TAP 1.1 wants it.

    Examples
    --------
    >>> adql("iron", "zpix"), adql("size"), adql("Iron", "tile")
    ('iron.zpix', '"size"', '"Iron".tile')
    """
    return ".".join(map(_quoted, names))


def _quoted(name: str) -> str:
    if _REGULAR.fullmatch(name) and name not in _RESERVED:
        return name
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
