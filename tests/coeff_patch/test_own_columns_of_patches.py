"""What users added to a table of patches does not vanish when it is replaced."""

from __future__ import annotations

import psycopg
import pytest

from specprod_copy.coeff_patch import load, patches_of
from specprod_copy.errors import DatabaseError

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
