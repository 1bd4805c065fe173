"""The owner of a table adds a function to it while a command of somebody else is on its way."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from functools import partial

import psycopg
import pytest
from astropy.io import fits
from support.changing import iron, loaded
from support.limits import LARGE
from support.listening import meanwhile, open_transaction
from support.moments import await_waiting

from specprod_copy.adopt.options import AdoptOptions
from specprod_copy.adopt.run import adopt
from specprod_copy.errors import DatabaseError
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.postgres.connection import connect
from specprod_copy.postgres.foreign_code import keep_foreign_code_out
from specprod_copy.progress import ProgressListener
from specprod_copy.tables import Inputs
from specprod_copy.upgrade.run import UpgradeOptions, upgrade

__all__ = ["iron", "loaded"]

TRIGGER = """CREATE TRIGGER trap BEFORE INSERT OR UPDATE ON iron.{} FOR EACH ROW
             EXECUTE FUNCTION mallory.f()"""
CHECK = "ALTER TABLE iron.photometry ADD CONSTRAINT trap CHECK (mallory.f(maskbits)) NOT VALID"


class Acting(ProgressListener):
    """Does something at a certain moment of a command, once."""

    def __init__(self, act: Callable[[], object], *, table: str = "") -> None:
        self._act, self._table, self.done = act, table, False

    def info(self, text: str) -> None:
        """Act when the command says for whom it waits."""
        self._now(not self._table and text.startswith("waiting for process"))

    def advance(self, table: str, rows: int, size: int) -> None:
        """Act when rows of the table are on their way."""
        self._now(table == self._table)

    def _now(self, is_time: bool) -> None:
        if is_time and not self.done:
            self.done = True
            self._act()


@pytest.fixture
def mallory(loaded) -> Iterator[str]:
    """A role whose functions remember that they ran, even if that is rolled back."""
    role = f"mallory_{uuid.uuid4().hex[:8]}"
    loaded.execute(
        f"""CREATE ROLE {role}; CREATE SCHEMA mallory AUTHORIZATION {role}; SET ROLE {role};
        CREATE SEQUENCE mallory.sprung MINVALUE 0; SELECT nextval('mallory.sprung');
        CREATE FUNCTION mallory.f() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN PERFORM nextval('mallory.sprung'); RETURN NEW; END$$;
        CREATE FUNCTION mallory.f(numeric) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS
        $$BEGIN PERFORM nextval('mallory.sprung'); RETURN true; END$$"""
    )
    yield role
    assert loaded.query("SELECT last_value FROM mallory.sprung") == [(0,)]
    loaded.execute(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")


def adding(owner: psycopg.Connection, statement: str) -> Acting:
    """Return a listener that adds a trap when the command waits for the owner, who then ends."""

    def add() -> None:
        owner.execute(statement.encode())
        owner.commit()

    return Acting(add)


def test_adopt_waits_for_a_table(loaded, mallory):
    loaded.execute(
        "UPDATE iron.zpix SET deltachi2 = '-0' WHERE deltachi2 = 0; DROP TABLE iron.load_ledger;"
        f"ALTER TABLE iron.zpix OWNER TO {mallory}; GRANT USAGE ON SCHEMA iron TO {mallory}"
    )
    lock = "LOCK TABLE iron.zpix IN ROW EXCLUSIVE MODE"
    with open_transaction(loaded.conninfo, f"SET ROLE {mallory}", lock) as owner:
        listener = adding(owner, TRIGGER.format("zpix"))
        with pytest.raises(DatabaseError, match=r"^trigger trap of table iron\.zpix would run"):
            adopt(
                loaded.conninfo, Inputs(loaded.files), AdoptOptions("iron", repair=True), listener
            )
    assert listener.done


def test_upgrade_waits_for_a_table(loaded, mallory):
    loaded.execute(
        "ALTER TABLE iron.photometry ALTER maskbits TYPE smallint USING 0;"
        f"ALTER TABLE iron.photometry OWNER TO {mallory}; GRANT USAGE ON SCHEMA iron TO {mallory}"
    )
    lock = "LOCK TABLE iron.photometry IN ACCESS SHARE MODE"
    with open_transaction(loaded.conninfo, f"SET ROLE {mallory}", lock) as owner:
        listener = adding(owner, CHECK)
        with pytest.raises(DatabaseError, match=r"^constraint trap of table iron\.photometry woul"):
            upgrade(loaded.conninfo, UpgradeOptions("iron", rewrite=True), listener)
    assert listener.done


def test_load_of_several_transactions(loaded, mallory):
    """The trap comes with the rows of one table into another one, whose turn is later."""
    loaded.execute(
        "TRUNCATE iron.zpix, iron.ztile; "
        "DELETE FROM iron.load_ledger WHERE table_name IN ('ztile', 'zpix');"
        f"GRANT TRIGGER ON iron.zpix TO {mallory}"
    )
    listener = Acting(lambda: loaded.execute(TRIGGER.format("zpix")), table="ztile")
    options = LoadOptions(("ztile", "zpix"), "iron", limits=LARGE)
    with pytest.raises(DatabaseError, match=r"^trigger trap of table iron\.zpix would run"):
        load(loaded.conninfo, Inputs(loaded.files), options, listener)
    assert listener.done


def test_who_reads_and_then_writes_passes_an_upgrade(loaded, mallory):
    """It waits for them, and what it has locked until then must not be in their way."""
    loaded.execute(
        "ALTER TABLE iron.photometry ALTER maskbits TYPE smallint USING 0;"
        f"ALTER TABLE iron.photometry OWNER TO {mallory}"
    )
    run = partial(upgrade, loaded.conninfo, UpgradeOptions("iron", rewrite=True))
    with (
        open_transaction(loaded.conninfo, "SELECT FROM iron.photometry") as user,
        meanwhile(run, user) as running,
    ):
        await_waiting(loaded.conninfo, "ALTER TABLE%")
        user.execute("UPDATE iron.photometry SET maskbits = 1")
        user.commit()
        running.result()
    assert loaded.query("SELECT DISTINCT maskbits FROM iron.photometry") == [(1,)]


def test_tables_of_others_in_the_schema_are_theirs(loaded, mallory):
    """What they do there is no matter of who removes rows from ours."""
    path = loaded.files.exposures()
    with fits.open(path, "update") as hdus:
        hdus["EXPOSURES"].data["EXPID"][1] = hdus["EXPOSURES"].data["EXPID"][0]
    loaded.execute(
        f"DROP SCHEMA iron CASCADE; CREATE SCHEMA iron; CREATE TABLE iron.mine (a int);"
        f"CREATE TRIGGER own BEFORE INSERT ON iron.mine FOR EACH ROW EXECUTE FUNCTION mallory.f();"
        f"ALTER TABLE iron.mine OWNER TO {mallory}"
    )
    options = LoadOptions(("exposures",), "iron", max_quarantined=100)
    assert load(loaded.conninfo, Inputs(loaded.files), options).rows_refused


@pytest.fixture
def lowly(loaded) -> Iterator[psycopg.Connection]:
    """An ordinary role that owns the tables of a schema."""
    role = f"lowly_{uuid.uuid4().hex[:8]}"
    loaded.execute(
        f"CREATE ROLE {role}; CREATE SCHEMA plain AUTHORIZATION {role}; SET ROLE {role};"
        "CREATE TABLE plain.tile (tileid int PRIMARY KEY)"
    )
    with connect(loaded.conninfo) as connection:
        connection.execute(f"SET ROLE {role}")
        yield connection
    loaded.execute(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")


def test_tables_of_others_that_refer_to_ours(loaded, mallory, lowly):
    """There they may be anything but a trap, and we need no right to them."""
    loaded.execute(
        f"""GRANT USAGE ON SCHEMA plain TO {mallory}; GRANT REFERENCES ON plain.tile TO {mallory};
        SET ROLE {mallory};
        CREATE TABLE mallory.notes (tileid int REFERENCES plain.tile ON DELETE CASCADE)"""
    )
    with lowly.transaction():
        keep_foreign_code_out(lowly, "plain", ["tile"])
    loaded.execute(
        "CREATE TRIGGER trap BEFORE DELETE ON mallory.notes FOR EACH ROW "
        "EXECUTE FUNCTION mallory.f()"
    )
    with (
        pytest.raises(DatabaseError, match=r"^trigger trap of table mallory\.notes would run"),
        lowly.transaction(),
    ):
        keep_foreign_code_out(lowly, "plain", ["tile"])
