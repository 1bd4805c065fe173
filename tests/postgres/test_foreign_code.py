"""Functions of a role that may alter a table never run with the rights of who writes into it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg
import pytest

from specprod_copy.adopt.options import AdoptOptions
from specprod_copy.adopt.run import adopt
from specprod_copy.coeff_patch import apply, patches_of, revert
from specprod_copy.daily.options import SyncOptions, TileOptions
from specprod_copy.daily.primary import choose_primary
from specprod_copy.daily.run import load_tiles, sync
from specprod_copy.demo import write_production
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import DatabaseError
from specprod_copy.loading.api import load
from specprod_copy.loading.dry_run import plan_load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.postgres.connection import connect
from specprod_copy.postgres.foreign_code import refuse_foreign_code
from specprod_copy.tables import Inputs
from specprod_copy.upgrade.run import UpgradeOptions, plan_upgrade, upgrade

# What mallory does to a table {t}, and how it is undone; {f} is a function of theirs.
WAYS = {
    "trigger": (
        "CREATE TRIGGER trap BEFORE INSERT OR UPDATE ON {t} FOR EACH ROW EXECUTE FUNCTION {f}()",
        "DROP TRIGGER trap ON {t}",
    ),
    "default": (
        "ALTER TABLE {t} ADD mine int; ALTER TABLE {t} ALTER mine SET DEFAULT {f}(1)",
        "ALTER TABLE {t} DROP mine",
    ),
    "constraint": (
        "ALTER TABLE {t} ADD CONSTRAINT trap CHECK ({f}(1) = 1) NOT VALID",
        "ALTER TABLE {t} DROP CONSTRAINT trap",
    ),
    "operator": (
        "ALTER TABLE {t} ADD CONSTRAINT trap CHECK (1 OPERATOR(mallory.=) 1) NOT VALID",
        "ALTER TABLE {t} DROP CONSTRAINT trap",
    ),
    "domain": ("ALTER TABLE {t} ADD mine mallory.int", "ALTER TABLE {t} DROP mine"),
    "generated column": (
        "ALTER TABLE {t} ADD mine int GENERATED ALWAYS AS ({f}(1)) STORED",
        "ALTER TABLE {t} DROP mine",
    ),
    "condition of a trigger": (
        "CREATE TRIGGER trap BEFORE UPDATE ON {t} FOR EACH ROW WHEN ({f}(1) = 1) "
        "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "DROP TRIGGER trap ON {t}",
    ),
    "trigger of a table whose rows go with ours": (
        "CREATE TABLE mallory.m (tileid int REFERENCES {t} ON DELETE CASCADE);"
        "CREATE TRIGGER trap AFTER DELETE ON mallory.m FOR EACH ROW EXECUTE FUNCTION {f}()",
        "DROP TABLE mallory.m",
    ),
    "trigger of a child": (
        "CREATE TABLE mallory.m () INHERITS ({t});"
        "CREATE TRIGGER trap BEFORE UPDATE ON mallory.m FOR EACH ROW EXECUTE FUNCTION {f}()",
        "DROP TABLE mallory.m",
    ),
    "function in an extension of theirs": (
        "ALTER EXTENSION plpgsql ADD FUNCTION {f}(); SET allow_system_table_mods = on;"
        "UPDATE pg_extension SET extowner = '{m}'::regrole;"
        "CREATE TRIGGER trap BEFORE INSERT ON {t} FOR EACH ROW EXECUTE FUNCTION {f}()",
        "DROP TRIGGER trap ON {t}; ALTER EXTENSION plpgsql DROP FUNCTION {f}();"
        "SET allow_system_table_mods = on; UPDATE pg_extension SET extowner = 'postgres'::regrole",
    ),
    "index": ("CREATE INDEX trap ON {t} (({f}(1)))", "DROP INDEX {s}.trap"),
    "policy": ("CREATE POLICY trap ON {t} USING ({f}(1) = 1)", "DROP POLICY trap ON {t}"),
    "rule": (
        "ALTER TABLE {t} OWNER TO {m}; CREATE RULE trap AS ON INSERT TO {t} DO ALSO NOTHING",
        "DROP RULE trap ON {t}; ALTER TABLE {t} OWNER TO postgres",
    ),
}


@dataclass(frozen=True)
class Trapped:
    conninfo: str
    inputs: Inputs
    mallory: str

    def execute(self, *statements: str) -> None:
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def sprung(self) -> int:
        with psycopg.connect(self.conninfo) as connection:
            query = "SELECT last_value FROM mallory.sprung"
            [(number,)] = connection.execute(query).fetchall()
        return int(number)

    def load(self) -> None:
        load(self.conninfo, self.inputs, LoadOptions(("all",), "iron"))

    def refusal(self) -> str:
        """Return why tables are not written to; empty if they are."""
        with connect(self.conninfo) as connection:
            try:
                refuse_foreign_code(connection, "iron", ["tile"])
            except DatabaseError as error:
                return str(error)
        return ""

    def plan(self) -> None:
        plan_load(self.conninfo, self.inputs, LoadOptions(("all",), "iron"))

    def tile(self) -> None:
        load_tiles(self.conninfo, self.inputs, [], TileOptions("iron"))

    def sync(self) -> None:
        sync(self.conninfo, self.inputs, SyncOptions("iron"))

    def adopt(self) -> None:
        adopt(self.conninfo, self.inputs, AdoptOptions("iron"))

    @property
    def upgrades(self) -> list[Callable[[], object]]:
        options = UpgradeOptions("iron")
        return [partial(work, self.conninfo, options) for work in (plan_upgrade, upgrade)]

    def primary(self) -> None:
        with connect(self.conninfo) as connection:
            choose_primary(connection, "iron")

    def patch(self, work: Callable[..., object]) -> None:
        work(self.conninfo, patches_of("iron", ["zpix"]))


@pytest.fixture(scope="module")
def trapped(cluster, module_database, tmp_path_factory) -> Iterator[Trapped]:
    root: Path = tmp_path_factory.mktemp("trapped")
    write_production(root, "iron", tiles=2, targets=12)
    inputs = Inputs(ProductionFiles(find_production("iron"), root))
    mallory = f"mallory_{uuid.uuid4().hex[:8]}"
    case = Trapped(module_database, inputs, mallory)
    case.execute(
        f"CREATE ROLE {mallory}; CREATE SCHEMA mallory AUTHORIZATION {mallory}",
        # A sequence remembers though the transaction is rolled back.
        f"""SET ROLE {mallory}; CREATE SEQUENCE mallory.sprung MINVALUE 0;
        SELECT nextval('mallory.sprung');
        CREATE FUNCTION mallory.f() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN PERFORM nextval('mallory.sprung'); RETURN NEW; END$$;
        CREATE FUNCTION mallory.f(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
        $$BEGIN PERFORM nextval('mallory.sprung'); RETURN $1; END$$;
        CREATE FUNCTION mallory.f(int, int) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS
        $$BEGIN PERFORM nextval('mallory.sprung'); RETURN true; END$$;
        CREATE OPERATOR mallory.= (LEFTARG = int, RIGHTARG = int, FUNCTION = mallory.f);
        CREATE DOMAIN mallory.int AS int CHECK (mallory.f(VALUE) IS NOT NULL OR VALUE IS NULL)""",
    )
    case.load()
    yield case
    case.execute(f"DROP OWNED BY {mallory} CASCADE; DROP ROLE {mallory}")


def test_each_way_is_refused(trapped):
    names = {"t": "iron.tile", "s": "iron", "f": "mallory.f", "m": trapped.mallory}
    for way, statements in WAYS.items():
        set_up, undo = (statement.format(**names) for statement in statements)
        trapped.execute(set_up)
        found = trapped.refusal()
        message = rf"of table (iron\.tile|mallory\.m) would run .* of role {trapped.mallory} with"
        assert re.search(message, found), (way, found)
        trapped.execute(undo)
        assert trapped.refusal() == "", way


def test_every_command(trapped):
    """The refused ones run nothing of others; they work when it is gone."""
    trigger, undo = (s.format(t="iron.tile", f="mallory.f") for s in WAYS["trigger"])
    trapped.execute(trigger)
    sprung = trapped.sprung()
    for action in (trapped.load, trapped.plan, trapped.tile, trapped.sync, *trapped.upgrades):
        with pytest.raises(DatabaseError, match=r"^trigger trap of table iron\.tile would run"):
            action()
    trapped.execute("ALTER TABLE iron.load_ledger SET SCHEMA mallory")
    with pytest.raises(DatabaseError, match=r"^trigger trap of table iron\.tile would run"):
        trapped.adopt()
    assert trapped.sprung() == sprung
    trapped.execute(undo, "ALTER TABLE mallory.load_ledger SET SCHEMA iron")
    for action in (trapped.load, trapped.plan, *trapped.upgrades):
        action()


@pytest.mark.parametrize("table", ["load_ledger", "version", "zpix"])
def test_every_table_that_is_written_to(trapped, table):
    trigger, undo = (s.format(t=f"iron.{table}", f="mallory.f") for s in WAYS["trigger"])
    trapped.execute(trigger)
    sprung = trapped.sprung()
    actions = [trapped.load, *trapped.upgrades]
    if table == "load_ledger":
        actions += [trapped.tile, trapped.sync]
    if table != "version":
        trapped.execute("CREATE SCHEMA coeff_patch; CREATE TABLE coeff_patch.iron_zpixpatch ()")
        trapped.execute("CREATE TABLE coeff_patch.iron_zpix_before ()")
        actions += [trapped.primary, *(partial(trapped.patch, work) for work in (apply, revert))]
    for action in actions:
        with pytest.raises(DatabaseError, match=rf"^trigger trap of table iron\.{table} would run"):
            action()
    assert trapped.sprung() == sprung
    trapped.execute(undo, "DROP SCHEMA IF EXISTS coeff_patch CASCADE")


def test_functions_of_those_one_trusts(trapped):
    """A superuser's trigger, one that is disabled, one of a role whose rights an ordinary one has.

    What they do to rows is found by other means.
    """
    trigger, undo = (s.format(t="iron.tile", f="mallory.f") for s in WAYS["trigger"])
    trapped.execute(trigger, "ALTER TABLE iron.tile DISABLE TRIGGER trap")
    trapped.load()
    trapped.execute("ALTER TABLE iron.tile ENABLE TRIGGER trap")
    trapped.execute("ALTER FUNCTION mallory.f() OWNER TO postgres")
    trapped.load()
    trapped.execute(undo, f"ALTER FUNCTION mallory.f() OWNER TO {trapped.mallory}")
