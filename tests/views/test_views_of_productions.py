"""Views over several productions: their rows, indexes, comments, rights; what is refused."""

from __future__ import annotations

import json
import uuid

import psycopg
import pytest
from psycopg import sql
from support.view_productions import (
    NEW,
    ODD,
    OLD,
    SPECTRA,
    V1,
    connection,
    dsn,
    make_production,
    run,
)

from specprod_copy.postgres import own_views
from specprod_copy.postgres.connection import connect
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.results.api import preview
from specprod_copy.results.options import QueryOptions
from specprod_copy.results.prepare import describe
from specprod_copy.tables import finitized_columns

__all__ = ["connection", "dsn"]


@pytest.fixture(scope="module")
def made(dsn):
    code, output = run(dsn, "--schema", "desi_all", OLD, ODD, NEW)
    assert (code, output.splitlines()[-1]) == (
        0,
        "schema desi_all has the views zpix_all, zpix_best, zpix_change, ztile_all, ztile_best, "
        "ztile_change",
    )
    return "desi_all"


@pytest.mark.parametrize("kind", ["zpix", "ztile"])
def test_rows(made, connection, kind):
    def rows(columns, view):
        query = f"SELECT {columns} FROM {made}.{kind}_{view} ORDER BY targetid, production, survey"
        return connection.execute(query).fetchall()

    every = [
        (name, target, survey, z, target * 10.0, 5.0)
        for name, spectra in SPECTRA.items()
        for target, survey, z, _ in spectra
    ]
    found = rows("production, targetid, survey, z, ra, dec", "all")
    assert sorted(found) == sorted(every)
    assert rows("targetid, production, z", "best") == [
        (1, ODD, 0.12),
        (2, OLD, 0.2),
        (3, NEW, 0.31),
        (4, NEW, 0.4),
    ]
    change = connection.execute(
        f"SELECT targetid, old_z, new_z, old_spectype, new_spectype, old_zwarn, new_zwarn, ra"
        f" FROM {made}.{kind}_change"
    ).fetchall()
    assert change == [(3, 0.3, 0.31, "GALAXY", "QSO", 0, 0, 30.0)]


def test_ids_are_exact_and_columns_of_one_format_are_null_in_the_others(made, connection):
    rows = connection.execute(
        f"SELECT production, min(id), count(*), count(z_rr) FROM {made}.zpix_all"
        " GROUP BY production ORDER BY production"
    ).fetchall()
    assert rows == [(ODD, 2**90, 2, 0), (OLD, 2**90, 3, 0), (NEW, 2**90, 3, 3)]
    own = read_schema(connection, NEW).tables["zpix"].columns
    names = connection.execute(f"SELECT * FROM {made}.zpix_all LIMIT 0").description
    assert [c.name for c in names] == ["production", *(c.name for c in own), "ra", "dec"]
    # The number of digits of an id is known, as programs need it.
    [(kind,)] = connection.execute(
        "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
        f" WHERE attrelid = '{made}.zpix_best'::regclass AND attname = 'id'"
    ).fetchall()
    assert kind == "numeric(39,0)"


def test_what_is_not_known_goes_out_as_null(made, dsn, connection):
    """Whatever the production, and where some of them do not have the column."""
    floats = finitized_columns("zpix") | {"ra", "dec"}
    for view in ("zpix_all", "ztile_best"):
        columns = describe(connection, f"SELECT * FROM {made}.{view}")
        told = {c.name: (c.meaning.finitized, c.meaning.origin) for c in columns if c.is_float}
        assert {"z", "z_rr", "ra", "mean_delta_x"} < {*told}
        assert told == {name: (True, f"{made}.{view}.{name}") for name in told}
        assert floats.intersection(c.name for c in columns) <= {*told}
    z_rr = next(c for c in columns if c.name == "z_rr")
    assert z_rr.meaning.ucd == "src.redshift"
    with connection.transaction():
        for production in SPECTRA:
            connection.execute(
                sql.SQL("UPDATE {} SET chi2 = -9999").format(sql.Identifier(production, "zpix"))
            )
    summary = preview(dsn, "SELECT chi2 FROM zpix_all", QueryOptions(made), 99)
    assert (summary.rows, summary.notes) == ([[None]] * 8, [])


def plan_of(connection, query):
    with connection.transaction():
        connection.execute("SET LOCAL enable_seqscan = off")
        [(plan,)] = connection.execute(f"EXPLAIN (FORMAT JSON) {query}").fetchall()
    return json.dumps(plan)


def grow(connection, schema, table, **values):
    """Add rows, so that indexes are worth it."""
    changed = ", ".join(f"'{column}', {value}" for column, value in values.items())
    connection.execute(
        sql.SQL(
            """INSERT INTO {table} SELECT r.*
               FROM (SELECT t FROM {table} AS t LIMIT 1) AS one (first),
               generate_series(1000, 1600) AS g,
               LATERAL jsonb_populate_record(first, jsonb_build_object({changed})) AS r"""
        ).format(table=sql.Identifier(schema, table), changed=sql.SQL(changed))
    )
    connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(schema, table)))


def test_conditions_reach_the_indexes(q3c, made, connection):
    with connection.transaction(force_rollback=True):
        for schema in SPECTRA:
            grow(connection, schema, "photometry", targetid="g", ra="g / 5.0")
            grow(connection, schema, "zpix", id="g", targetid="g")
            grow(connection, schema, "ztile", id="g", targetid="g")
        views = {"all": len(SPECTRA), "best": len(SPECTRA), "change": 1}
        for name, productions in (
            (f"{made}.{kind}_{view}", number)
            for kind in ("zpix", "ztile")
            for view, number in views.items()
        ):
            target = plan_of(connection, f"SELECT * FROM {name} WHERE targetid = 3")
            assert "Seq Scan" not in target, name
            # The table and photometry.
            assert target.count('"Index Cond": "(targetid = ') >= 2 * productions, name
            cone = "public.q3c_radial_query(ra, dec, 30, 5, 0.1)"
            near = plan_of(connection, f"SELECT * FROM {name} WHERE {cone}")
            assert near.count("ix_photometry_q3c_ang2ipix") >= productions, name
            assert "Seq Scan" not in near, name
            found = connection.execute(f"SELECT targetid FROM {name} WHERE {cone}").fetchall()
            assert set(found) == {(3,)}, name


def test_one_production_is_read_where_one_is_asked_for(made, connection):
    plan = plan_of(connection, f"SELECT z FROM {made}.zpix_all WHERE production = '{OLD}'")
    assert f'"Schema": "{NEW}"' not in plan
    assert connection.execute(
        f"SELECT count(*) FROM {made}.zpix_all WHERE production = '{OLD}'"
    ).fetchone() == (3,)


def test_every_column_is_commented(made, connection):
    comments = connection.execute(
        """SELECT relname, attname, col_description(c.oid, attnum)
           FROM pg_class c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0
           WHERE relnamespace = %s::regnamespace""",
        (made,),
    ).fetchall()
    assert {view for view, _, _ in comments} == {
        f"{kind}_{view}" for kind in ("zpix", "ztile") for view in ("all", "best", "change")
    }
    assert [(view, name) for view, name, comment in comments if not comment] == []
    text = {(view, name): comment for view, name, comment in comments}
    assert text["zpix_best", "z_rr"] == (
        f"Redshift of the best fit of Redrock itself; null in {OLD}, {ODD} (UCD src.redshift)"
    )
    assert text["zpix_change", "old_z"] == f"Redshift from Redrock, in {ODD} (UCD src.redshift)"
    whole = dict(
        connection.execute(
            "SELECT relname, obj_description(oid, 'pg_class') FROM pg_class"
            " WHERE relnamespace = %s::regnamespace",
            (made,),
        ).fetchall()
    )
    assert "A target is counted several times" in whole["zpix_all"]
    assert "Each target once" in whole["ztile_best"]


def test_made_again_with_other_productions_and_readers(dsn, connection):
    role = f"reader_{uuid.uuid4().hex[:8]}"
    connection.execute(f"CREATE ROLE {role}")
    try:
        schema = 'Again; "y"'
        assert run(dsn, "--schema", schema, OLD, ODD)[0] == 0
        code, output = run(
            dsn, "--schema", schema, OLD, ODD, NEW, "--change", OLD, ODD, "--role", role
        )
        assert code == 0, output
        with connection.transaction(force_rollback=True):
            connection.execute(f"SET LOCAL ROLE {role}")
            best = connection.execute('SELECT count(*) FROM "Again; ""y""".zpix_best').fetchone()
            change = connection.execute(
                'SELECT targetid, old_z, new_z FROM "Again; ""y""".zpix_change'
            ).fetchall()
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"SELECT count(*) FROM {OLD}.zpix")
        assert best == (4,)
        assert change == [(1, 0.1, 0.12)]
        code, output = run(dsn, "--schema", schema, OLD, ODD, "--role", "nobody_here")
        assert code == 0
        assert "Warning: role nobody_here does not exist: nothing granted to it" in output
    finally:
        connection.execute('DROP SCHEMA "Again; ""y""" CASCADE')
        connection.execute(f"DROP ROLE {role}")


WRONG = {
    "one": (["new", OLD], "name two productions or more, each once, the oldest first"),
    "twice": (["new", OLD, OLD], "name two productions or more, each once, the oldest first"),
    "into itself": ([OLD, OLD, NEW], f"--schema {OLD} is the schema of a production"),
    "no schema": (["new", OLD, "jura"], "there is no schema jura"),
    "no tables": (["new", OLD, "public"], "schema public has no table zpix: load it, or leave"),
    "another change": (
        ["new", OLD, NEW, "--change", OLD, "jura"],
        f"--change names jura, which is none of {OLD}, {NEW}",
    ),
    "no change": (
        ["new", OLD, NEW, "--change", OLD, OLD],
        "--change needs two productions, the old one and the new one",
    ),
    "a name too long": (["n" * 64, OLD, NEW], "cannot be a name in PostgreSQL"),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_what_makes_no_sense_is_refused(dsn, connection, case):
    (schema, *arguments), message = case
    code, output = run(dsn, "--schema", schema, *arguments)
    assert code == 1
    assert output.startswith("Error: ")
    assert message in output
    assert len(output.splitlines()) == 1
    found = (
        "SELECT count(*) FROM pg_class WHERE relkind = 'v' AND relnamespace = to_regnamespace(%s)"
    )
    assert connection.execute(found, (schema,)).fetchone() == (0,)


def test_productions_that_do_not_fit_are_refused(dsn, connection):
    alter = f"ALTER TABLE {OLD}.zpix"
    changes = {
        f"{alter} DROP CONSTRAINT zpix_targetid_fkey": (
            f"{OLD}.zpix has no valid foreign key to photometry"
        ),
        f"{alter} ALTER COLUMN healpix TYPE bigint": (
            "loa.zpix.healpix is int4, in an older production it is int8: views need one type"
        ),
        f"{alter} DROP COLUMN chi2": f"{OLD}.zpix lacks chi2 (specprod-copy diff --schema {OLD})",
    }
    for change, message in changes.items():
        name = f"copy_{uuid.uuid4().hex[:8]}"
        moved = change.replace(f"{OLD}.", f"{name}.")
        make_production(connection, name, V1, SPECTRA[OLD], q3c=False)
        connection.execute(moved)
        code, output = run(dsn, "--schema", "unfit", name, NEW)
        assert code == 1
        assert message.replace(OLD, name) in output
        connection.execute(f"DROP SCHEMA {name} CASCADE")
    assert connection.execute("SELECT to_regnamespace('unfit')").fetchone() == (None,)


def test_what_others_made_stays(dsn, connection):
    connection.execute("CREATE SCHEMA theirs")
    connection.execute("CREATE VIEW theirs.ztile_best AS SELECT 1 AS mine")
    code, output = run(dsn, "--schema", "theirs", OLD, NEW)
    assert code == 1
    assert "theirs.ztile_best was made by somebody else and stays" in output
    assert connection.execute("SELECT mine FROM theirs.ztile_best").fetchone() == (1,)
    assert connection.execute("SELECT to_regclass('theirs.zpix_all')").fetchone() == (None,)
    connection.execute("DROP VIEW theirs.ztile_best")
    assert run(dsn, "--schema", "theirs", OLD, NEW)[0] == 0
    connection.execute("CREATE VIEW theirs.mine AS SELECT z FROM theirs.zpix_all")
    code, output = run(dsn, "--schema", "theirs", OLD, NEW)
    assert code == 1
    assert "view theirs.mine depends on view theirs.zpix_all" in output
    assert len(connection.execute("SELECT z FROM theirs.mine").fetchall()) == 6


def test_they_come_along_when_tables_are_replaced(made, dsn):
    """A view that is made again is the same view: definition, comments, rights."""
    query = """
        SELECT nspname, relname, relowner, pg_get_viewdef(c.oid), relacl::text, reloptions,
               (SELECT array_agg((objsubid, description)::text ORDER BY objsubid)
                FROM pg_description WHERE objoid = c.oid)
        FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
        WHERE relkind = 'v' AND right(obj_description(c.oid), %s) = %s ORDER BY 1, 2"""
    values = (len(own_views.MARK), own_views.MARK)
    with connect(dsn) as connection, connection.transaction(force_rollback=True):
        connection.execute("DROP VIEW IF EXISTS theirs.mine")  # of another test
        before = connection.execute(query, values).fetchall()
        views = own_views.take_away(connection, OLD, ["zpix", "photometry"])
        assert views
        own_views.make_again(connection, views)
        assert connection.execute(query, values).fetchall() == before
