"""Views that are made again: what people gave them stays, and nobody waits for it."""

from __future__ import annotations

import uuid
from functools import partial

import psycopg
import pytest
from click.testing import CliRunner
from support.listening import Heard, meanwhile, open_transaction, read
from support.moments import await_waiting
from support.view_productions import ODD, OLD, connection, dsn, run

from specprod_copy.cli import cli
from specprod_copy.errors import InUseError
from specprod_copy.postgres import locks, own_views
from specprod_copy.postgres.connection import connect
from specprod_copy.postgres.identifiers import quote_identifier
from specprod_copy.postgres.patience import Patience, with_patience
from specprod_copy.tap.tap_schema import fill
from specprod_copy.views.productions import make_views

__all__ = ["connection", "dsn"]

MADE = ("zpix_all", "zpix_best", "zpix_all_text")

RIGHTS = """
    SELECT relname, pg_get_userbyid(relowner), reloptions,
           (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(relacl) a)
    FROM pg_class WHERE relnamespace = %s::regnamespace AND relname = ANY (%s) ORDER BY 1"""

COUNT = "SELECT count(*) FROM {}.zpix_all"


@pytest.fixture
def schema(dsn, connection):
    """Return a schema with views over two productions, and over them views with ids as text."""
    name = f"all_{uuid.uuid4().hex[:8]}"
    assert run(dsn, "--schema", name, OLD, ODD)[0] == 0
    assert CliRunner().invoke(cli, ["tap-schema", "--dsn", dsn, "-s", name]).exit_code == 0
    yield name
    connection.execute(f"DROP SCHEMA {name} CASCADE; DROP SCHEMA tap_schema CASCADE")


@pytest.fixture
def role(connection):
    name = f"reader_{uuid.uuid4().hex[:8]}"
    connection.execute(f"CREATE ROLE {name}")
    yield name
    connection.execute(f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}")


def test_rights_owner_and_settings_stay(dsn, connection, schema, role):
    """Also those of the views that read them."""
    connection.execute(
        f"""GRANT SELECT ON {schema}.zpix_all, {schema}.zpix_all_text TO {role};
        ALTER VIEW {schema}.zpix_best SET (security_barrier = true);
        ALTER VIEW {schema}.zpix_best OWNER TO {role};
        GRANT USAGE ON SCHEMA {OLD}, {quote_identifier(ODD)} TO {role};
        GRANT SELECT ON ALL TABLES IN SCHEMA {OLD}, {quote_identifier(ODD)} TO {role};
        GRANT SELECT ON {schema}.zpix_best TO pg_monitor WITH GRANT OPTION"""
    )
    before = connection.execute(RIGHTS, (schema, [*MADE])).fetchall()
    assert [name for name, *_ in before] == sorted(MADE)
    change = f"SELECT pg_get_viewdef('{schema}.zpix_change'::regclass)"
    old = connection.execute(change).fetchone()
    code, output = run(dsn, "--schema", schema, OLD, ODD, "--change", ODD, OLD)
    assert code == 0, output
    assert connection.execute(RIGHTS, (schema, [*MADE])).fetchall() == before
    assert connection.execute(change).fetchone() != old
    same = f"SELECT count(*) FROM {schema}.zpix_all JOIN {schema}.zpix_all_text USING (targetid)"
    assert connection.execute(same).fetchone() != (0,)


def test_an_owner_who_may_not_read_a_production(dsn, connection, schema, role):
    """Nobody could read the views: they stay as they were."""
    connection.execute(
        f"""ALTER VIEW {schema}.zpix_best OWNER TO {role}; GRANT USAGE ON SCHEMA {OLD} TO {role};
        GRANT SELECT ON ALL TABLES IN SCHEMA {OLD} TO {role}"""
    )
    code, output = run(dsn, "--schema", schema, OLD, ODD)
    assert code == 1
    assert f"role {role}, which owns them, may not read all of their tables" in output
    way_out = output.split("run ")[1].split(", or drop them")[0].replace("\n", " ")
    assert OLD not in way_out
    connection.execute(way_out)
    assert run(dsn, "--schema", schema, OLD, ODD)[0] == 0


def test_a_view_with_a_trigger_stays(dsn, connection, schema):
    connection.execute(
        f"""CREATE TRIGGER mine INSTEAD OF INSERT ON {schema}.zpix_best FOR EACH ROW
        EXECUTE FUNCTION suppress_redundant_updates_trigger()"""
    )
    code, output = run(dsn, "--schema", schema, OLD, ODD)
    assert code == 1
    assert f"view {schema}.zpix_best has triggers, rules or defaults of somebody" in output
    trigger = f"SELECT tgname FROM pg_trigger WHERE tgrelid = '{schema}.zpix_best'::regclass"
    assert connection.execute(trigger).fetchall() == [("mine",)]


def test_text_views_after_a_change(dsn, connection, schema, role):
    """More columns, then one with another name."""
    again = ["tap-schema", "--dsn", dsn, "-s", schema]
    connection.execute(
        f"""CREATE TABLE {schema}.mine (id numeric(39), a real);
        GRANT USAGE ON SCHEMA {schema} TO {role}"""
    )
    assert CliRunner().invoke(cli, again).exit_code == 0
    view = f"{schema}.mine_text"
    connection.execute(
        f"ALTER VIEW {view} SET (security_barrier = true); GRANT SELECT ON {view} TO {role}"
    )
    before = connection.execute(RIGHTS, (schema, ["mine_text"])).fetchall()
    for change in ("ADD b real", "RENAME b TO c", "RENAME a TO b"):
        connection.execute(f"ALTER TABLE {schema}.mine {change}")
        assert CliRunner().invoke(cli, again).exit_code == 0
        assert connection.execute(RIGHTS, (schema, ["mine_text"])).fetchall() == before
    columns = connection.execute(f"SELECT * FROM {view}").description
    assert [column.name for column in columns] == ["id", "b", "c"]


def views_anew(dsn, schema, heard):
    with connect(dsn) as connection:
        make_views(connection, schema, [OLD, ODD], listener=heard)


def text_views_anew(dsn, schema, heard):
    with connect(dsn) as connection:
        fill(connection, [schema], listener=heard)


def text_views_taken_out(dsn, schema, heard):
    with connect(dsn) as connection:
        fill(connection, [], removed=[schema], listener=heard)


@pytest.mark.parametrize(
    ("work", "view"),
    [
        (views_anew, "zpix_all"),
        (text_views_anew, "mine_text"),
        (text_views_taken_out, "zpix_all_text"),
    ],
)
def test_readers_pass(dsn, connection, schema, work, view):
    """Who comes later reads, while the command waits for who came first."""
    connection.execute(f"CREATE TABLE {schema}.mine (id numeric(39), a real)")
    text_views_anew(dsn, schema, Heard())
    connection.execute(f"ALTER TABLE {schema}.mine RENAME a TO b")
    heard, query = Heard(), f"SELECT count(*) FROM {schema}.{view}"
    with (
        open_transaction(dsn, query) as reader,
        meanwhile(partial(work, dsn, schema, heard), reader) as running,
    ):
        heard.await_line(f"waiting for process {reader.info.backend_pid} of ", running)
        for _ in range(5):
            assert read(dsn, query)
        reader.commit()
        running.result()


@pytest.mark.parametrize("work", [views_anew, text_views_anew])
def test_who_replaces_views_is_named(dsn, connection, schema, work):
    """They have locked none of the views yet that are waited for."""
    heard = Heard()
    with open_transaction(dsn) as other:
        locks.replacing_views(other)
        with meanwhile(partial(work, dsn, schema, heard), other) as running:
            line = heard.await_line(f"waiting for process {other.info.backend_pid} of ", running)
            assert "(notebook) since " in line
            other.commit()
            running.result()


def test_who_replaces_views_for_too_long(dsn, schema):
    with open_transaction(dsn) as other, connect(dsn) as mine:
        locks.replacing_views(other)
        take = partial(own_views.take_away, mine, OLD, ["zpix"])
        patience = Patience(Heard(), seconds=0)
        in_use = rf"others still use the tables \(process {other.info.backend_pid} of .*notebook"
        with pytest.raises(InUseError, match=in_use):
            with_patience(mine, take, [(OLD, "zpix")], patience)


def test_text_views_that_fit_stay(dsn, connection, schema):
    """Nobody is in the way of a run that has nothing to change."""
    with open_transaction(dsn, f"SELECT count(*) FROM {schema}.zpix_all_text"):
        text_views_anew(dsn, schema, Heard())


def test_a_swap_meets_views_that_are_made_again(dsn, connection, schema):
    """It puts back the views that are there when it comes to it, not those from before."""

    def take_and_put_back():
        with connect(dsn) as swap, swap.transaction():
            own_views.make_again(swap, own_views.take_away(swap, OLD, ["zpix"]))

    query = f"SELECT obj_description('{schema}.zpix_best'::regclass)"
    text = f"new {own_views.MARK}"
    with psycopg.connect(dsn) as other:
        names = ["zpix_all", "zpix_best"]
        before = own_views.take_to_replace(other, schema, names)
        own_views.make_again(other, before)
        own_views.comment(other, schema, "zpix_best", "", text)
        assert len(before) > len(names)
        with meanwhile(take_and_put_back, other) as swapping:
            await_waiting(dsn, "%")
            other.commit()
            swapping.result()
    assert connection.execute(query).fetchone() == (text,)
