"""Tables of a daily production in which values change, each by as little as its type allows."""

from __future__ import annotations

from collections.abc import Container

import numpy as np
import psycopg

from specprod_copy.tables import specprod_catalogue
from support.daily_tiles import Daily

CHANGED = {
    "int2": "{c} # 1::smallint",
    "int4": "{c} # (1 << 29)",
    "int8": "{c} # (1::bigint << 40)",
    "numeric": "{c} + 1",
    "varchar": "CASE WHEN {c} LIKE 'x%' THEN 'y' ELSE 'x' END || substr({c}, 2)",
    "bool": "NOT {c}",
    "timestamptz": "{c} + '1 microsecond'",
}
"""Another value of each type but floats, as SQL."""


def next_float(value: float, kind: str) -> float:
    """Return a float whose last bit is another one."""
    bits, real = (np.uint32, np.float32) if kind == "float4" else (np.uint64, np.float64)
    return float((np.array([value], real).view(bits) ^ bits(1)).view(real)[0])


def change_columns(
    daily: Daily, table: str, *, but: Container[str] = ()
) -> dict[str, tuple[int, object, object]]:
    """Change a value of every column but the key; return key, value before, value after."""
    defined = specprod_catalogue().definition.tables[table]
    [key] = defined.primary_key
    name_of_table = f"{daily.schema}.{table}"
    changes = {}
    with psycopg.connect(daily.conninfo) as connection:
        connection.execute("SET session_replication_role = replica")
        rows = connection.execute(f"SELECT {key} FROM {name_of_table} ORDER BY 1").fetchall()
        for number, column in enumerate(defined.columns):
            name = column.name
            if name == key or name in but:
                continue
            [value] = rows[number % len(rows)]
            cast = "::float8" if column.type == "float4" else ""
            query = f"SELECT {name}{cast} FROM {name_of_table} WHERE {key} = {value}"
            [(before,)] = connection.execute(query).fetchall()
            if column.type.startswith("float"):
                change = f"'{next_float(before, column.type)!r}'::{column.type}"
            else:
                change = CHANGED[column.type].format(c=name)
            connection.execute(
                f"UPDATE {name_of_table} SET {name} = {change} WHERE {key} = {value}"
            )
            [(after,)] = connection.execute(query).fetchall()
            assert after != before
            changes[name] = value, before, after
    return changes
