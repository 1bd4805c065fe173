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
    assert first.granted.notes == [f"gone with the old table: rights that {right} gives again"]
    assert [note for other in others for note in other.granted.notes] == []
