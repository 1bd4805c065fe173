"""Columns, indexes and constraints that users added to loaded tables: in nobody's way, and kept."""

from __future__ import annotations

import psycopg
import pytest
from click.testing import CliRunner
from support.load_command import fuji

from specprod_copy import load
from specprod_copy.cli import cli
from specprod_copy.errors import DatabaseError
from specprod_copy.loading.summary import LoadSummary
from specprod_copy.progress import ProgressListener

__all__ = ["fuji"]

OWN = """
ALTER TABLE fuji.tile ADD myclass text, ADD seen int NOT NULL DEFAULT 3, ADD extra jsonb,
    ADD CONSTRAINT mine CHECK (seen > 0);
UPDATE fuji.tile SET myclass = 'class ' || tileid;
CREATE INDEX my_index ON fuji.tile (myclass);
ALTER TABLE fuji.load_ledger ADD remark text;
"""
KEPT = """SELECT bool_and(myclass = 'class ' || tileid AND seen = 3),
                 to_regclass('fuji.my_index') IS NOT NULL,
                 (SELECT count(*) FROM pg_constraint WHERE conname = 'mine') FROM fuji.tile"""


def execute(loader, statements: str) -> None:
    with psycopg.connect(loader.conninfo, autocommit=True) as connection:
        connection.execute(statements)


def other(loader, command: str, *arguments: str) -> str:
    where = ["--specprod", "fuji", "--root", str(loader.root), "--dsn", loader.conninfo]
    return CliRunner().invoke(cli, [command, *where, *arguments]).output


@pytest.fixture
def own(fuji):
    fuji.run("exposures")
    execute(fuji, OWN)
    return fuji


def test_loads_go_on_and_leave_them_alone(own):
    own.run("exposures")
    execute(own, "DELETE FROM fuji.load_ledger WHERE table_name = 'frame'; DELETE FROM fuji.frame")
    own.run("exposures")
    own.change(own.tiles, 1, "NEXP", 0, 77)
    own.run("exposures", "--replace", str(own.tiles))
    assert own.query("SELECT count(*) FROM fuji.tile WHERE nexp = 77") == [(1,)]
    assert own.query(KEPT) == [(True, True, 1)]


def test_a_dry_run_and_new_rows(own):
    execute(own, "DELETE FROM fuji.load_ledger WHERE table_name = 'tile'")
    execute(own, "DELETE FROM fuji.frame; DELETE FROM fuji.exposure; DELETE FROM fuji.tile")
    execute(own, "DELETE FROM fuji.load_ledger")
    own.run("exposures", "--dry-run")
    own.run("exposures")
    assert own.query("SELECT DISTINCT myclass, seen, extra FROM fuji.tile") == [(None, 3, None)]


def test_verify_leaves_them_out_and_says_so(own):
    printed = other(own, "verify", "exposures")
    note = "not compared: tile: columns of users, which no file gives: myclass, seen, extra\n"
    assert note in printed
    assert "FAILED" not in printed


def test_status_names_them(own):
    assert "columns of users in tile: myclass, seen, extra\n" in other(own, "status")


def test_overwrite_does_not_drop_them(own):
    message = own.refuse("exposures", "--overwrite")
    assert "tile has columns that are not of its definition: myclass, seen, extra;" in message
    assert "DROP COLUMN" in message
    assert message == own.refuse("exposures", "--overwrite", "--dry-run")
    execute(own, "ALTER TABLE fuji.tile DROP myclass, DROP seen, DROP extra")
    execute(own, "CREATE INDEX my_index ON fuji.tile (nexp)")
    printed = own.run("exposures", "--overwrite")
    assert "gone with the old table: my_index of table tile, INDEX USING btree (nexp)" in printed


OBJECTS = """
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER my_trigger AFTER DELETE ON fuji.tile EXECUTE FUNCTION nothing();
CREATE RULE my_rule AS ON DELETE TO fuji.tile DO ALSO SELECT 1;
CREATE STATISTICS fuji.my_statistics ON nexp, survey FROM fuji.tile;
CREATE POLICY my_policy ON fuji.tile FOR SELECT USING (nexp > 0);
ALTER TABLE fuji.tile ENABLE ROW LEVEL SECURITY;
CREATE PUBLICATION my_publication FOR TABLE fuji.tile;
ALTER TABLE fuji.tile REPLICA IDENTITY FULL, SET (fillfactor = 90);
COMMENT ON COLUMN fuji.tile.nexp IS 'My comment';
"""


def test_overwrite_names_all_that_goes_with_the_old_table(fuji):
    fuji.run("exposures")
    execute(fuji, OBJECTS)
    said = " ".join(fuji.run("exposures", "--overwrite").split())
    for part in (
        "trigger my_trigger of table tile, CREATE TRIGGER my_trigger AFTER DELETE ON fuji.tile",
        "rule my_rule of table tile, CREATE RULE my_rule AS ON DELETE TO fuji.tile DO SELECT 1",
        "statistics my_statistics of table tile, CREATE STATISTICS fuji.my_statistics ON",
        "row-level security of table tile",
        "policy my_policy of table tile, USING ((nexp > 0))",
        "publication my_publication of table tile",
        "replica identity of table tile, FULL",
        "storage parameters of table tile, fillfactor=90",
        "comments of table tile, nexp: My comment",
    ):
        assert f"gone with the old table: {part}" in said
    assert said.count("gone with") == 9
    assert "gone with" not in fuji.run("exposures", "--overwrite")


def test_one_that_rows_must_give(own):
    execute(own, "ALTER TABLE fuji.tile ALTER seen DROP DEFAULT")
    assert "tile is not as it is defined: seen int4 NOT NULL is unknown and has no default" in (
        own.refuse("exposures")
    )


class _Adds(ProgressListener):
    """Adds to a table what its users want, when its replacement is complete."""

    def __init__(self, conninfo: str, *statements: str) -> None:
        self.conninfo, self.statements = conninfo, list(statements)

    def info(self, text: str) -> None:
        if text.startswith("the new tables are verified"):
            with psycopg.connect(self.conninfo, autocommit=True) as connection:
                while self.statements:
                    connection.execute(self.statements.pop(0))


def test_overwrite_looks_again_before_it_drops(fuji):
    fuji.run("exposures")

    def overwrite(*meanwhile: str) -> LoadSummary:
        return load(
            "exposures",
            specprod="fuji",
            root=fuji.root,
            dsn=fuji.conninfo,
            overwrite=True,
            listener=_Adds(fuji.conninfo, *meanwhile),
        )

    with pytest.raises(
        DatabaseError, match="tile has columns that are not of its definition: mine"
    ):
        overwrite("ALTER TABLE fuji.tile ADD mine int", "UPDATE fuji.tile SET mine = 5")
    assert fuji.query("SELECT DISTINCT mine FROM fuji.tile") == [(5,)]
    execute(fuji, "ALTER TABLE fuji.tile DROP mine")
    summary = overwrite("CREATE INDEX late ON fuji.tile (nexp)")
    assert "gone with the old table: late of table tile, INDEX USING btree (nexp)" in summary.notes
    # What the run before had loaded beside was good for this one.
    assert sum(table.rows_kept for table in summary.tables) == 0
