"""The function ``cone``, and views that are part of a schema, when its tables are replaced."""

from __future__ import annotations

import subprocess

import psycopg
import pytest
from psycopg import sql
from support.changing import Case, edit, iron, many_transactions
from support.clusters import fresh_database

from specprod_copy.errors import DatabaseError
from specprod_copy.postgres.connection import connect
from specprod_copy.postgres.own_views import MARK
from specprod_copy.tap.tap_schema import fill

__all__ = ["iron", "many_transactions"]

ROLE = "reader_of_views"

FUNCTIONS = ("cone", "fiberassign_file", "spectra_file", "spectra_file")
"""Those of every schema."""

VIEWS = f"""
    CREATE SCHEMA elsewhere;
    CREATE VIEW iron.bright AS SELECT tileid, tilera AS ra, nexp FROM iron.tile
        WHERE iron.cone(tilera, tiledec, 0, 0, 180);
    COMMENT ON VIEW iron.bright IS 'Tiles {MARK}';
    COMMENT ON COLUMN iron.bright.ra IS 'It''s an angle [deg]';
    ALTER VIEW iron.bright SET (security_barrier = true);
    GRANT SELECT, INSERT ON iron.bright TO {ROLE};
    GRANT UPDATE (ra) ON iron.bright TO {ROLE} WITH GRANT OPTION;
    GRANT SELECT ON iron.bright TO PUBLIC;
    CREATE VIEW elsewhere."b.r" AS SELECT max(nexp) AS "at most" FROM iron.bright;
    COMMENT ON VIEW elsewhere."b.r" IS '{MARK}';
    ALTER VIEW elsewhere."b.r" OWNER TO {ROLE};
    GRANT EXECUTE ON FUNCTION iron.cone TO {ROLE};
    REVOKE EXECUTE ON FUNCTION iron.cone FROM PUBLIC;
    ALTER DEFAULT PRIVILEGES GRANT DELETE ON TABLES TO {ROLE};
"""

STATE = """
    SELECT nspname, relname, pg_get_userbyid(relowner)::text, pg_get_viewdef(c.oid), reloptions,
           (SELECT array_agg(a::text ORDER BY a::text)
            FROM unnest(coalesce(relacl, acldefault('r', relowner))) a),
           (SELECT array_agg((attname, attacl)::text ORDER BY attname) FROM pg_attribute
            WHERE attrelid = c.oid AND attacl IS NOT NULL),
           (SELECT array_agg((objsubid, description)::text ORDER BY objsubid) FROM pg_description
            WHERE objoid = c.oid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind = 'v' AND nspname IN ('iron', 'elsewhere')
    UNION ALL
    SELECT nspname, proname, pg_get_userbyid(proowner)::text, pg_get_functiondef(p.oid), NULL,
           (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(proacl) a), NULL,
           ARRAY[obj_description(p.oid, 'pg_proc')]
    FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname = 'iron'
    ORDER BY 1, 2, 4"""


@pytest.fixture
def viewed(iron: Case) -> Case:
    """Return a loaded schema with views of its own."""
    iron.load("exposures")
    with psycopg.connect(iron.conninfo, autocommit=True) as connection:
        if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (ROLE,)).rowcount == 0:
            connection.execute(f"CREATE ROLE {ROLE}")
        connection.execute(VIEWS)
    return iron


MOST = 'SELECT "at most" FROM elsewhere."b.r"'


def test_they_come_along(viewed):
    before = viewed.query(STATE)
    assert [row[:2] for row in before] == [
        ("elsewhere", "b.r"),
        ("iron", "bright"),
        *(("iron", function) for function in FUNCTIONS),
    ]
    edit(viewed.files.tiles(), values={(0, "NEXP"): 77})
    viewed.load("exposures", overwrite=True)
    assert viewed.query(STATE) == before
    assert viewed.query(MOST) == [(77,)]
    edit(viewed.files.tiles(), values={(0, "NEXP"): 78})
    viewed.replace("exposures", files=[viewed.files.tiles()])
    assert viewed.query(STATE) == before
    assert viewed.query(MOST) == [(78,)]


def test_views_with_ids_as_text_come_along(iron):
    """With their rows; what TAP_SCHEMA says of them stays true."""
    iron.load("exposures", "fiberassign")
    with connect(iron.conninfo) as connection:
        fill(connection, ["iron"])
    described = "SELECT t::text FROM tap_schema.columns t ORDER BY 1"
    before = iron.query(STATE), iron.query(described)
    assert [row[1] for row in before[0]] == sorted(
        [*FUNCTIONS, "fiberassign_text", "potential_text"]
    )
    iron.load("fiberassign", overwrite=True)
    assert (iron.query(STATE), iron.query(described)) == before
    same = """SELECT count(*) FROM iron.potential p JOIN iron.potential_text t
              ON t.id = p.id::text AND t.targetid = p.targetid"""
    rows = iron.query("SELECT count(*) FROM iron.potential")
    assert iron.query(same) == rows != [(0,)]
    with psycopg.connect(iron.conninfo, autocommit=True) as connection:
        connection.execute("ALTER SCHEMA iron RENAME TO dr1")
    with connect(iron.conninfo) as connection:
        fill(connection, ["dr1"], removed=["iron"])
    renamed = [(row.replace("iron.", "dr1."),) for (row,) in before[1]]
    assert sorted(iron.query(described)) == sorted(renamed)


def test_views_of_others_stand_in_the_way(viewed):
    before = viewed.query(STATE)
    with psycopg.connect(viewed.conninfo, autocommit=True) as connection:
        connection.execute("CREATE VIEW elsewhere.mine AS SELECT tileid FROM iron.bright")
        with pytest.raises(
            DatabaseError, match=r"view elsewhere\.mine depends on view iron\.bright"
        ):
            viewed.load("exposures", overwrite=True)
        connection.execute("DROP VIEW elsewhere.mine")
        connection.execute("CREATE VIEW elsewhere.mine AS SELECT tileid FROM iron.tile")
        with pytest.raises(
            DatabaseError, match=r"view elsewhere\.mine depends on table iron\.tile"
        ):
            viewed.load("exposures", overwrite=True)
        connection.execute("DROP VIEW elsewhere.mine")
        # A view with a trigger is more than its definition.
        connection.execute(
            """CREATE FUNCTION elsewhere.f() RETURNS trigger LANGUAGE plpgsql
               AS 'BEGIN RETURN NULL; END';
               CREATE TRIGGER t INSTEAD OF INSERT ON elsewhere."b.r"
               FOR EACH ROW EXECUTE FUNCTION elsewhere.f()"""
        )
    with pytest.raises(DatabaseError, match=r'view elsewhere\."b\.r" depends on view iron\.bright'):
        viewed.load("exposures", overwrite=True)
    assert viewed.query(STATE) == before


def test_renamed_dumped_and_restored(viewed, cluster):
    """The server does both; what the function is made of must allow it."""
    name = "elsewhere_again"
    with psycopg.connect(viewed.conninfo, autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER SCHEMA iron RENAME TO {}").format(sql.Identifier(name)))
    most = viewed.query(MOST)
    programs = cluster.binaries()
    with fresh_database(cluster) as other:
        dumped = subprocess.run(
            [programs.program("pg_dump"), "-d", viewed.conninfo], capture_output=True, check=True
        )
        psql = [programs.program("psql"), "-qX", "-v", "ON_ERROR_STOP=1", "-d", other]
        subprocess.run(psql, input=dumped.stdout, capture_output=True, check=True)
        with psycopg.connect(other) as connection:
            assert connection.execute(MOST).fetchall() == most
            found = connection.execute(f"SELECT {name}.cone(1, 2, 1.1, 2, 0.2)").fetchone()
            assert found == (True,)
