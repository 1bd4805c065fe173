"""The owner of a table adds a function to it while a command of somebody else is on its way."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import psycopg
import pytest
from support.changing import iron, loaded
from support.limits import LARGE
from support.listening import open_transaction

from specprod_copy.adopt.options import AdoptOptions
from specprod_copy.adopt.run import adopt
from specprod_copy.errors import DatabaseError
from specprod_copy.loading.api import load
from specprod_copy.loading.options import LoadOptions
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
