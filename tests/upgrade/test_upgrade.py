"""Schemas of earlier versions, brought to today's definition."""

from __future__ import annotations

import re

import psycopg
import pytest
from click.testing import CliRunner
from support.changing import Case, iron, loaded
from support.old_ledger import make_old

from specprod_copy.cli import cli
from specprod_copy.errors import DatabaseError, InUseError
from specprod_copy.postgres.connection import connect
from specprod_copy.postgres.schema_differences import differences
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.status import schema_status
from specprod_copy.tables import specprod_catalogue
from specprod_copy.tap.tap_schema import fill
from specprod_copy.upgrade.run import UpgradeOptions, upgrade

__all__ = ["iron", "loaded"]

EARLIER = """
ALTER TABLE iron.zpix ALTER program TYPE varchar(6);
ALTER TABLE iron.target ALTER id TYPE numeric(38);
ALTER TABLE iron.zpix DROP CONSTRAINT zpix_targetid_fkey;
COMMENT ON TABLE iron.zpix IS NULL;
COMMENT ON COLUMN iron.zpix.z IS 'Redshift';
DROP INDEX iron.ix_exposure_night;
ALTER TABLE iron.load_ledger ALTER rows_quarantined DROP DEFAULT;
"""
OF_USERS = """
ALTER TABLE iron.zpix ADD myclass text; COMMENT ON COLUMN iron.zpix.myclass IS 'mine';
CREATE INDEX mine ON iron.zpix (myclass);
ALTER TABLE iron.zpix ALTER subtype TYPE varchar(200);
"""
WIDER = "ALTER TABLE iron.photometry ALTER maskbits TYPE smallint USING 0;"


def command(case: Case, *arguments: object):
    given = ["upgrade", "--schema", "iron", "--dsn", case.conninfo, *map(str, arguments)]
    return CliRunner().invoke(cli, given)


def unlike(case: Case) -> list[str]:
    """Return how the schema differs from its definition."""
    with connect(case.conninfo) as connection:
        found = read_schema(connection, "iron")
    ours = [t for t in specprod_catalogue().definition.tables if t in found.tables]
    return [f"{d.table}: {d}" for d in differences(specprod_catalogue().definition, found, ours)]


def upgrades(case: Case) -> dict[str, list[str]]:
    with connect(case.conninfo) as connection:
        return schema_status(connection, "iron").upgrades


def test_what_a_load_has_made_lacks_nothing(loaded):
    """The tables of patches, which no load makes, are not wanted."""
    assert command(loaded, "--dry-run").output.strip() == ""
    found = CliRunner().invoke(cli, ["diff", "--schema", "iron", "--dsn", loaded.conninfo])
    assert found.stdout == "" and "no differences" in found.stderr


def test_earlier_definition(loaded):
    """Status lists what is mended; what users have is as it was; no row is written."""
    loaded.execute(OF_USERS)
    of_users = unlike(loaded)
    loaded.execute(EARLIER)
    assert upgrades(loaded) == {
        "exposure": ["ix_exposure_night is missing"],
        "load_ledger": ["rows_quarantined is none, not 0"],
        "target": ["id numeric(38, 0) NOT NULL, not id numeric(39, 0) NOT NULL"],
        "zpix": [
            "program varchar(6) NOT NULL, not program varchar(8) NOT NULL",
            "zpix_targetid_fkey is missing",
            "2 comments",
        ],
    }
    shown = loaded.command("status", "--schema", "iron").output
    assert "mends: exposure: ix_exposure_night is missing" in " ".join(shown.split())
    before = loaded.state()
    dry = command(loaded, "--dry-run")
    assert dry.exit_code == 0
    assert "ALTER TABLE iron.zpix ALTER COLUMN program TYPE varchar(8);" in dry.stdout
    assert loaded.state() == before
    done = command(loaded)
    assert (done.exit_code, done.output) == (0, "schema iron: 7 statements\n")
    assert unlike(loaded) == of_users
    assert {t: loaded.versions(t) for t in ("zpix", "target")} == {
        t: before[t] for t in ("zpix", "target")
    }
    assert command(loaded).output == "schema iron is up to date\n"
    loaded.execute("ALTER TABLE iron.zpix ALTER subtype TYPE varchar(20)")
    assert loaded.command("load", "all").exit_code == 0
    assert loaded.command("verify", "all").exit_code == 0


def test_columns_that_views_read(loaded):
    """Views that are part of the schema are made again; others stand in the way."""
    loaded.execute(EARLIER)
    with connect(loaded.conninfo) as connection:
        fill(connection, ["iron"])
    views = """SELECT relname, pg_get_viewdef(c.oid), obj_description(c.oid) FROM pg_class c
               WHERE relkind = 'v' AND relnamespace = 'iron'::regnamespace ORDER BY 1"""
    said = command(loaded, "--dry-run").stdout.split("\n-- Views that read such a column ")
    assert len(said) == 3
    assert said[1].startswith("have to be dropped before;")
    assert "\nALTER TABLE iron.zpix ALTER COLUMN program TYPE varchar(8);" in said[1]
    before = loaded.query(views)
    assert {"target_text", "zpix_text"} <= {name for name, *_ in before}
    loaded.execute("CREATE VIEW iron.mine AS SELECT program FROM iron.zpix")
    refused = command(loaded)
    assert 'view iron.mine depends on column "program"' in str(refused.exception)
    loaded.execute("DROP VIEW iron.mine")
    assert command(loaded).exit_code == 0
    assert unlike(loaded) == []
    assert loaded.query(views) == before


def test_the_sql_is_that_of_the_dry_run(loaded):
    loaded.execute(EARLIER)
    loaded.execute(command(loaded, "--dry-run").stdout)
    assert unlike(loaded) == []


def test_tables_are_only_written_again_if_that_is_wanted(loaded):
    loaded.execute(WIDER)
    what = "photometry: maskbits int2 NOT NULL, not maskbits int4 NOT NULL"
    refused = loaded.command("load", "all")
    assert "'specprod-copy upgrade' does as much" in str(refused.exception)
    left = command(loaded)
    assert left.exit_code == 0
    assert left.stderr == f"Left as it is, the table would be written again (--rewrite): {what}\n"
    assert unlike(loaded) == [what]
    assert command(loaded, "--rewrite").exit_code == 0
    assert unlike(loaded) == []


def test_what_users_set_and_made_stays(loaded):
    """A default of theirs; a table of theirs is in nobody's way, whatever it runs."""
    loaded.execute(
        """ALTER TABLE iron.zpix ALTER z SET DEFAULT -1;
           CREATE ROLE notes_owner; GRANT USAGE, CREATE ON SCHEMA iron TO notes_owner;
           SET ROLE notes_owner; CREATE TABLE iron.notes (a int);
           CREATE FUNCTION iron.f() RETURNS trigger LANGUAGE plpgsql AS 'begin return new; end';
           CREATE TRIGGER own BEFORE INSERT ON iron.notes FOR EACH ROW EXECUTE FUNCTION iron.f()"""
    )
    try:
        of_users = unlike(loaded)
        assert upgrades(loaded) == {}
        loaded.execute(EARLIER)
        assert command(loaded).exit_code == 0
        assert unlike(loaded) == of_users == ["zpix: z is '-1', not none"]
    finally:
        loaded.execute("DROP OWNED BY notes_owner; DROP ROLE notes_owner")


@pytest.mark.usefixtures("q3c")
def test_without_q3c_nothing_is_promised_that_needs_it(loaded):
    loaded.execute("DROP EXTENSION q3c CASCADE")
    assert upgrades(loaded) == {}
    assert command(loaded).output == "schema iron is up to date\n"
    with connect(loaded.conninfo) as connection:
        missing = schema_status(connection, "iron").steps_missing
    assert missing["photometry"] == ["ix_photometry_q3c_ang2ipix"]


def test_tables_that_are_still_loaded_wait_for_their_keys(loaded):
    loaded.execute(
        "ALTER TABLE iron.zpix DROP CONSTRAINT zpix_pkey; DROP INDEX iron.ix_zpix_unique"
    )
    assert upgrades(loaded) == {}
    assert command(loaded).output == "schema iron is up to date\n"


def test_ledger_of_an_earlier_format(loaded):
    """The SQL, and the command, take it over; nothing is loaded again."""
    make_old(loaded.conninfo, "iron")
    before = loaded.query("SELECT * FROM iron.load_ledger ORDER BY table_name, file, first_row")
    dry = command(loaded, "--dry-run")
    assert "ALTER TABLE iron.load_ledger" in dry.stdout
    again = loaded.query("SELECT * FROM iron.load_ledger ORDER BY table_name, file, first_row")
    assert again == before
    assert command(loaded).exit_code == 0
    assert unlike(loaded) == []
    assert sum(row.rows_read for row in loaded.load("all").tables) == 0


def test_ledger_of_an_earlier_format_in_a_schema_with_a_quote(loaded):
    loaded.execute("""ALTER SCHEMA iron RENAME TO "O'Brien\"""")
    make_old(loaded.conninfo, '"O\'Brien"', tiles=True)
    upgrade(loaded.conninfo, UpgradeOptions("O'Brien"))
    assert loaded.query(
        """SELECT DISTINCT nspname FROM "O'Brien".load_ledger, jsonb_each_text(tables) t
           JOIN pg_class c ON c.oid = t.value::oid JOIN pg_namespace n ON n.oid = relnamespace"""
    ) == [("O'Brien",)]


def test_ledger_of_a_later_format(loaded):
    loaded.execute("UPDATE iron.load_ledger SET format = 3 WHERE table_name = 'tile'")
    loaded.execute(EARLIER)
    before = loaded.state()
    for dry_run in ((), ("--dry-run",)):
        refused = command(loaded, *dry_run)
        assert (refused.exit_code, refused.output) == (1, "")
        assert re.search("of format 3, by a later version of this program", str(refused.exception))
    assert loaded.state() == before


@pytest.mark.parametrize("column", ["failure", "details", "quarantine", "inputs", "format"])
def test_ledger_without_a_column(loaded, column):
    """It is one clear line for everybody; what can be added is."""
    loaded.execute(f"ALTER TABLE iron.load_ledger DROP {column}")
    missing = f"table iron.load_ledger is not as it is defined: {column} .* is missing"
    for arguments in (["load", "all"], ["load", "all", "--dry-run"], ["verify", "all"]):
        refused = loaded.command(*arguments)
        assert refused.exit_code == 1
        assert re.search(missing, str(refused.exception))
    shown = loaded.command("status", "--schema", "iron")
    assert f"not as it is defined: load_ledger: {column} " in " ".join(shown.output.split())
    assert command(loaded).exit_code == 0
    if column == "inputs":
        assert unlike(loaded)[0] == "load_ledger: inputs is missing"
    else:
        assert unlike(loaded) == []
        assert sum(row.rows_read for row in loaded.load("all").tables) == 0


def test_readers_are_not_kept_waiting(loaded):
    """It gives up, and says who is in the way."""
    loaded.execute(EARLIER)
    with psycopg.connect(loaded.conninfo, application_name="reader") as reader:
        reader.execute("SELECT count(*) FROM iron.zpix")
        with pytest.raises(InUseError, match=r"others still use the tables .*reader"):
            upgrade(loaded.conninfo, UpgradeOptions("iron", patience=0))
    upgrade(loaded.conninfo, UpgradeOptions("iron"))
    assert unlike(loaded) == []


def test_no_schema(loaded):
    with pytest.raises(DatabaseError, match="there is no schema none; there are: iron, public"):
        upgrade(loaded.conninfo, UpgradeOptions("none"))
    with pytest.raises(DatabaseError, match="schema public has none of the tables of a produc"):
        upgrade(loaded.conninfo, UpgradeOptions("public"))
