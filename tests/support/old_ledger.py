"""A ledger as the versions before format 2 have made it."""

from __future__ import annotations

import psycopg

FORMAT_1 = """
CREATE TABLE {schema}.load_ledger (
    table_name       text NOT NULL,
    file             text NOT NULL,
    hdu              text NOT NULL,
    first_row        bigint NOT NULL,
    last_row         bigint NOT NULL,
    stage            text NOT NULL,
    file_size        bigint NOT NULL,
    file_mtime_ns    bigint NOT NULL,
    digest           text NOT NULL,
    rows_read        bigint NOT NULL,
    rows_kept        bigint NOT NULL,
    rows_quarantined bigint NOT NULL DEFAULT 0,
    quarantine       jsonb NOT NULL DEFAULT '[]',
    values_changed   bigint NOT NULL,
    bytes_sent       bigint NOT NULL,
    seconds          double precision NOT NULL,
    loaded_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    loaded_by        text NOT NULL,
    CONSTRAINT load_ledger_pkey PRIMARY KEY (table_name, file, hdu, first_row)
);
INSERT INTO {schema}.load_ledger
SELECT table_name, inputs -> 0 ->> 'file', inputs -> 0 ->> 'hdu', first_row, last_row, stage,
       (inputs -> 0 ->> 'size')::bigint, (inputs -> 0 ->> 'mtime_ns')::bigint, 'whole 0123',
       rows_read, rows_kept, rows_quarantined, quarantine, values_changed, bytes_sent, seconds,
       loaded_at, loaded_by
FROM {schema}.new_ledger WHERE stage <> 'daily';
"""

TILES = """
CREATE TABLE {schema}.tile_ledger (
    tileid    integer NOT NULL,
    updated   text NOT NULL,
    files     jsonb NOT NULL,
    seconds   double precision NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    loaded_by text NOT NULL,
    CONSTRAINT tile_ledger_pkey PRIMARY KEY (tileid)
);
INSERT INTO {schema}.tile_ledger
SELECT (details -> 'tileid')::integer, details ->> 'updated',
       (SELECT jsonb_object_agg(i ->> 'file', i -> 'size') FROM jsonb_array_elements(inputs) i),
       seconds, loaded_at, loaded_by
FROM {schema}.new_ledger WHERE stage = 'daily';
"""


def make_old(conninfo: str, schema: str, *, stages: bool = True, tiles: bool = False) -> None:
    """Turn the ledger of a schema into one of format 1, in whichever tables that had."""
    parts = [
        "ALTER TABLE {schema}.load_ledger RENAME TO new_ledger;",
        "ALTER TABLE {schema}.new_ledger DROP CONSTRAINT load_ledger_pkey;",
        *([FORMAT_1] if stages else []),
        *([TILES] if tiles else []),
        "DROP TABLE {schema}.new_ledger;",
    ]
    with psycopg.connect(conninfo) as connection:
        connection.execute("".join(parts).format(schema=schema).encode())
