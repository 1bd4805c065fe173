"""Tables that ``--overwrite`` replaces, of roles that may drop them and not much else."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from support.catalogues import Catalogues, table_sql, write_fits
from support.load_command import fuji
from support.roles import passing_role

from specprod_copy import load

__all__ = ["fuji"]

OTHER = "pg_monitor"
TABLES = "fuji.tile, fuji.exposure, fuji.frame"


@pytest.fixture
def owner(database) -> Iterator[str]:
    """Return an ordinary role that may make schemas."""
    name = f"owner_{uuid.uuid4().hex[:8]}"
    with passing_role(database, name) as connection:
        where, role = sql.Identifier(connection.info.dbname), sql.Identifier(name)
        connection.execute(sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(where, role))
        yield name


def execute(fuji, statements: str) -> None:
    with psycopg.connect(fuji.conninfo) as connection:
        connection.execute(statements.encode())


def test_a_table_of_another_role(fuji, owner):
    """Who owns the schema may drop it, and may not lock it; its owner can still read it."""
    mine = make_conninfo(fuji.conninfo, user=owner)
    fuji.run("exposures", dsn=mine)
    execute(fuji, f"ALTER TABLE fuji.tile OWNER TO {OTHER}; GRANT ALL ON fuji.tile TO {owner}")
    execute(fuji, f"REVOKE UPDATE, DELETE, TRUNCATE ON fuji.tile FROM {owner}")
    said = " ".join(fuji.run("exposures", "--overwrite", dsn=mine).split())
    assert f"gone with the old table: owner {OTHER} of table tile" in said
    assert said.count("gone with") == 1
    assert fuji.query("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'fuji'") == [
        (owner,)
    ]
    may = f"SELECT has_table_privilege('{OTHER}', 'fuji.tile', 'SELECT')"
    assert fuji.query(may) == [(True,)]


def test_tables_that_their_owner_has_made_read_only(fuji, owner):
    mine = make_conninfo(fuji.conninfo, user=owner)
    fuji.run("exposures", dsn=mine)
    execute(fuji, f"REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {TABLES} FROM {owner}")
    assert "gone with" not in fuji.run("exposures", "--overwrite", dsn=mine)


def test_a_partition_of_another_role(iron_root, database, owner):
    where = {"specprod": "iron", "root": iron_root, "dsn": make_conninfo(database, user=owner)}
    load("all", partitions=2, **where)
    with psycopg.connect(database) as connection:
        connection.execute(f"ALTER TABLE iron.zpix_p1 OWNER TO {OTHER}")
    load("all", partitions=2, overwrite=True, **where)
    with psycopg.connect(database) as connection:
        found = connection.execute(
            "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'iron'"
        )
        assert found.fetchall() == [(owner,)]


def test_what_the_new_table_has_too_is_not_gone(tmp_path, database):
    vac = Catalogues(tmp_path, database)
    own = table_sql("targetid bigint NOT NULL").replace(");", ") WITH (fillfactor = 90);", 1)
    (tmp_path / "stars.sql").write_text(own)
    description = tmp_path / "own.toml"
    description.write_text(
        'name = "own"\nversion = "v1"\n[tables.stars]\nfiles = "a.fits"\nhdu = "STARS"\n'
    )
    write_fits(tmp_path / "a.fits", {"STARS": {"TARGETID": [1, 2, 3]}})
    vac.load(description)
    assert "gone with" not in vac.load(description, "--overwrite", "--yes")
    options = "SELECT reloptions FROM pg_class WHERE oid = 'vac.stars'::regclass"
    assert vac.query(options) == [(["fillfactor=90"],)]
