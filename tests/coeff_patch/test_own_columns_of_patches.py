"""What users added to a table of patches does not vanish when it is replaced."""

from __future__ import annotations

import psycopg
import pytest

from specprod_copy.coeff_patch import load, patches_of
from specprod_copy.errors import DatabaseError
from specprod_copy.postgres.grants import granted

pytest_plugins = ("support.coeff_patch_fixtures",)


def test_own_columns_of_a_patch(database, zall):
    patches, files = patches_of("iron"), list(zall.values())
    load(database, patches, files)
    table = f"{patches[0].patch_schema}.{patches[0].patch}"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"ALTER TABLE {table} ADD myclass text")
        with pytest.raises(DatabaseError, match=f"table {table} has columns .*: myclass;"):
            load(database, patches, files, overwrite=True)
        connection.execute(f"ALTER TABLE {table} DROP myclass")
    load(database, patches, files, overwrite=True)


def test_rights_to_a_patch(database, zall):
    patches, files = patches_of("iron"), list(zall.values())
    load(database, patches, files)
    schema, name = patches[0].patch_schema, patches[0].patch
    table = f'"{schema}"."{name}"'
    right = f'GRANT DELETE ON {table} TO "pg_monitor"'
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(right)
        connection.execute(f"GRANT SELECT (targetid) ON {table} TO pg_monitor")
        first, *others = load(database, patches, files, overwrite=True)
        assert [grant.column for grant in granted(connection, schema, [name])] == ["targetid"]
    assert first.notes == [f"gone with the old table: rights that {right} gives again"]
    assert [note for other in others for note in other.notes] == []


def test_what_hangs_on_a_patch(database, zall):
    patches, files = patches_of("iron"), list(zall.values())
    assert [loaded.notes for loaded in load(database, patches, files)] == [[], []]
    name = patches[0].patch
    table = f"{patches[0].patch_schema}.{name}"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"CREATE INDEX mine ON {table} (coeff_0)")
        connection.execute(f"CREATE RULE quiet AS ON DELETE TO {table} DO INSTEAD NOTHING")
        connection.execute(f"CREATE VIEW good AS SELECT * FROM {table} WHERE coeff_0 > 9")
        with pytest.raises(DatabaseError, match=r"view public.good .*\. Drop these objects first"):
            load(database, patches, files, overwrite=True)
        connection.execute("DROP VIEW good")
    first, *others = load(database, patches, files, overwrite=True)
    assert first.notes == [
        f"gone with the old table: mine of table {name}, INDEX USING btree (coeff_0)",
        f"gone with the old table: rule quiet of table {name}, CREATE RULE quiet AS ON DELETE TO "
        f"{table} DO INSTEAD NOTHING;",
    ]
    assert [note for other in others for note in other.notes] == []
