"""Foreign keys that a description asks for."""

from __future__ import annotations

import numpy as np
import psycopg
from support.catalogues import Catalogues, table_sql, write_fits

LONG = "a_column_with_a_name_of_more_than_sixty_characters_altogether_"
SQL = table_sql(f"targetid bigint NOT NULL, {LONG}1 bigint NOT NULL, {LONG}2 bigint NOT NULL")


def references(*pairs: tuple[str, str]) -> str:
    return "".join(
        f'\n[[tables.stars.references]]\ncolumns = "{column}"\ntable = "other.{table}"\nkeys = "id"'
        for column, table in pairs
    )


def test_several_of_the_same_columns(tmp_path, database):
    """Each has a name of its own, also where names are cut, and errors name the right table."""
    vac = Catalogues(tmp_path, database)
    columns = {"TARGETID": np.arange(2), f"{LONG}1": np.arange(2), f"{LONG}2": np.arange(2)}
    write_fits(tmp_path / "a.fits", {"STARS": columns})
    pairs = [("targetid", "b"), ("targetid", "a"), (f"{LONG}1", "a"), (f"{LONG}2", "a")]
    (tmp_path / "stars.sql").write_text(SQL)
    (tmp_path / "own.toml").write_text(
        'name = "own"\nversion = "v1"\n[tables.stars]\nfiles = "a.fits"\nhdu = "STARS"'
        + references(*pairs)
    )
    with psycopg.connect(database) as connection:
        connection.execute("CREATE SCHEMA other")
        for table, last in (("a", 1), ("b", 0)):
            connection.execute(f"CREATE TABLE other.{table} (id bigint PRIMARY KEY)")
            connection.execute(f"INSERT INTO other.{table} SELECT generate_series(0, {last})")
    message = vac.refuse_load(tmp_path / "own.toml")
    assert "stars_targetid_fkey of table stars has no counterpart in other.b: (targetid)" in message
    vac.query("INSERT INTO other.b VALUES (1) RETURNING 1")
    vac.load(tmp_path / "own.toml")
    assert vac.query(
        """SELECT conname::text, confrelid::regclass::text, convalidated FROM pg_constraint
           WHERE contype = 'f' ORDER BY 1"""
    ) == [
        (f"stars_{LONG}"[:62] + "1", "other.a", True),
        (f"stars_{LONG}"[:63], "other.a", True),
        ("stars_targetid_fkey", "other.b", True),
        ("stars_targetid_fkey1", "other.a", True),
    ]
    vac.verify()
    assert "no differences" in vac.run("diff", "--schema", "vac")
