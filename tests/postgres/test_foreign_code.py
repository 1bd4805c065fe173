"""Functions of a role that may alter a table never run with the rights of who writes into it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg
import pytest

from specprod_copy.coeff_patch import apply, patches_of, revert
from specprod_copy.daily.primary import choose_primary
from specprod_copy.demo import write_production
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import DatabaseError
from specprod_copy.loading.api import load
from specprod_copy.loading.dry_run import plan_load
from specprod_copy.loading.options import LoadOptions
from specprod_copy.postgres.connection import connect
from specprod_copy.tables import Inputs

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
            [(number,)] = connection.execute("SELECT count(*) FROM mallory.sprung").fetchall()
        return int(number)

    def load(self) -> None:
        load(self.conninfo, self.inputs, LoadOptions(("all",), "iron"))

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
        f"""SET ROLE {mallory}; CREATE TABLE mallory.sprung (x int);
        CREATE FUNCTION mallory.f() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN INSERT INTO mallory.sprung VALUES (1); RETURN NEW; END$$;
        CREATE FUNCTION mallory.f(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1'""",
    )
    case.load()
    yield case
    case.execute(f"DROP OWNED BY {mallory} CASCADE; DROP ROLE {mallory}")


@pytest.mark.parametrize("way", WAYS)
def test_each_way_is_refused(trapped, way):
    names = {"t": "iron.tile", "s": "iron", "f": "mallory.f", "m": trapped.mallory}
    set_up, undo = (statement.format(**names) for statement in WAYS[way])
    trapped.execute(set_up)
    message = rf"of table iron\.tile would run .* of role {trapped.mallory} with your rights"
    plan = partial(plan_load, trapped.conninfo, trapped.inputs, LoadOptions(("all",), "iron"))
    for action in (trapped.load, plan):
        with pytest.raises(DatabaseError, match=message):
            action()
    trapped.execute(undo)
    trapped.load()
    plan()


@pytest.mark.parametrize("table", ["load_ledger", "version", "zpix"])
def test_every_table_that_is_written_to(trapped, table):
    trigger, undo = (s.format(t=f"iron.{table}", f="mallory.f") for s in WAYS["trigger"])
    trapped.execute(trigger)
    actions = [trapped.load]
    if table == "zpix":
        trapped.execute("CREATE SCHEMA coeff_patch; CREATE TABLE coeff_patch.iron_zpixpatch ()")
        trapped.execute("CREATE TABLE coeff_patch.iron_zpix_before ()")
        actions += [trapped.primary, *(partial(trapped.patch, work) for work in (apply, revert))]
    for action in actions:
        with pytest.raises(DatabaseError, match=rf"^trigger trap of table iron\.{table} would run"):
            action()
    assert trapped.sprung() == 0
    trapped.execute(undo)


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
