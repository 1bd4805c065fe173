"""A schema as the reference loader leaves it: its own tables, with the expected rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
from psycopg import sql

_SERIAL = "SERIAL"


def build_reference(conninfo: str, shared: Path, schema: str = "iron") -> None:
    """Make the schema of a production with the data model's DDL, and fill it."""
    expected = shared / "reference" / f"{schema}-expected"
    model = json.loads((shared / "datamodel" / "tables.json").read_text())["tables"]
    tables = [t for t in model if not t["name"].endswith("patch")]
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS q3c")
        connection.execute(f"CREATE SCHEMA {schema}")
        for statement in _ddl(tables, schema):
            connection.execute(statement.encode())
        for table in sorted(tables, key=lambda t: t["load_order"]):
            _fill(connection, schema, table["name"], expected)


def _ddl(tables: list[Mapping[str, Any]], schema: str) -> Iterator[str]:
    for table in sorted(tables, key=lambda t: t["load_order"]):
        name = f"{schema}.{table['name']}"
        columns = [
            f"{c['name']} {_SERIAL if c['sql_type'].startswith(_SERIAL) else c['sql_type']}"
            f"{'' if c['nullable'] else ' NOT NULL'}"
            for c in table["columns"]
        ]
        key = table["primary_key"]
        parts = [f"CONSTRAINT {key['postgresql_name']} PRIMARY KEY ({', '.join(key['columns'])})"]
        for unique in table["unique_constraints"]:
            columns_of = ", ".join(unique["columns"])
            parts.append(f"CONSTRAINT {unique['postgresql_name']} UNIQUE ({columns_of})")
        for foreign in table["foreign_keys"]:
            to = foreign["references"]
            parts.append(
                f"CONSTRAINT {foreign['postgresql_name']} FOREIGN KEY ({foreign['column']}) "
                f"REFERENCES {schema}.{to['table']} ({to['column']})"
            )
        yield f"CREATE TABLE {name} ({', '.join([*columns, *parts])})"
        for index in table["indexes"]:
            unique = "UNIQUE " if index["unique"] else ""
            yield f"CREATE {unique}INDEX {index['name']} ON {name} ({', '.join(index['columns'])})"
        if table["q3c_index"]:
            q3c = table["q3c_index"]
            yield f"CREATE INDEX {q3c['name']} ON {name} (public.{q3c['expression']})"


def _fill(connection: psycopg.Connection, schema: str, table: str, expected: Path) -> None:
    if not (expected / f"{table}.parquet").exists():
        return  # A daily production has no zpix.
    frame = pl.read_parquet(expected / f"{table}.parquet")
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(schema, table), sql.SQL(", ").join(map(sql.Identifier, frame.columns))
    )
    # The sign of zero is lost, as it is in the reference loader.
    floats = [name for name, dtype in frame.schema.items() if dtype.is_float()]
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in frame.with_columns(pl.col(floats) + 0.0).iter_rows():
            copy.write_row(row)
