"""What a role can do that owns its schemas and has no other right, as at a shared server."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from psycopg.conninfo import make_conninfo
from support import limits

from specprod_copy.cli import cli
from specprod_copy.demo import write_production
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.errors import DatabaseError, SpecprodCopyError
from specprod_copy.plan.limits import Limits


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("privileges")
    write_production(root, "iron", tiles=3, targets=60)
    return root


class Admin:
    """A role with schema iron, which an administrator made; the command line."""

    def __init__(self, root: Path, conninfo: str, role: str) -> None:
        self.root, self.conninfo, self.role = root, conninfo, role
        self.limits = Limits()
        self.own_conninfo = make_conninfo(conninfo, user=role)

    def as_administrator(self, statement: str) -> list[tuple]:
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def execute(self, statement: str) -> int:
        with psycopg.connect(self.own_conninfo) as connection:
            return connection.execute(statement).rowcount

    def run(self, *command: str, production: bool = True) -> str:
        files = ["-p", "iron", "-r", str(self.root)] if production else []
        done = CliRunner().invoke(
            cli, [*command, *files, "--dsn", self.own_conninfo], obj=self.limits
        )
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.output

    def refused(self, *command: str) -> str:
        with pytest.raises(SpecprodCopyError) as caught:
            self.run(*command)
        return str(caught.value)


@pytest.fixture
def admin(root, database) -> Iterator[Admin]:
    role = f"admin_{uuid.uuid4().hex[:8]}"
    admin = Admin(root, database, role)
    admin.as_administrator(f"CREATE ROLE {role} LOGIN")
    admin.as_administrator(f"CREATE SCHEMA iron AUTHORIZATION {role}")
    yield admin
    admin.as_administrator(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")


def test_all_commands(admin):
    """The role has no right on the database but to connect and to make temporary tables."""
    rights = "SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = '{0}'"
    create = "SELECT has_database_privilege('{0}', current_database(), 'CREATE')"
    for query in (rights, create):
        assert admin.as_administrator(query.format(admin.role)) == [(False,)]
    admin.limits = limits.cut(300, 300)
    assert "tables to make: tile, exposure" in admin.run("load", "all", "--dry-run")
    assert "schema iron: 893 rows loaded" in admin.run("load", "all", "-j", "2", "--cluster")
    assert "0 rows loaded and 0 keys" in admin.run("load", "all", "--cluster")
    assert "potential" in admin.run("status")
    assert "checks passed" in admin.run("verify", "-j", "1")
    owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'iron'"
    assert admin.as_administrator(owners) == [(admin.role,)]
    granted = admin.run("grant", "-s", "iron", "--role", "pg_monitor", production=False)
    assert granted == "pg_monitor may read 11 tables of schema iron\n"
    primary = admin.run("primary", "-s", "iron", production=False)
    assert primary == "iron.zpix: 0 rows changed\niron.ztile: 0 rows changed\n"

    zpix = str(ProductionFiles(find_production("iron"), admin.root).zall_pix())
    patch = ("patch", "coeff")
    for schema in ("coeff_patch_iron", "coeff_patch"):
        statement = f'CREATE SCHEMA "{schema}" AUTHORIZATION "{admin.role}"'
        with pytest.raises(SpecprodCopyError, match=f"Let an administrator run {statement}"):
            admin.run(*patch, "load", zpix, "-p", "iron", production=False)
        admin.as_administrator(statement)
    admin.run(*patch, "load", zpix, "-p", "iron", production=False)
    changed = admin.execute("UPDATE iron.zpix SET coeff_3 = coeff_3 + 1 WHERE zwarn = 0")
    assert changed > 0
    for command in (["apply", "--vacuum"], ["revert"]):
        done = admin.run(*patch, *command, "zpix", "-p", "iron", production=False)
        assert f"{changed} " in done


def test_granting_takes_the_right_to_grant(admin):
    """PostgreSQL only warns of a GRANT that gives nothing. The message says what suffices."""
    admin.as_administrator(
        f"ALTER SCHEMA iron OWNER TO postgres; GRANT ALL ON SCHEMA iron TO {admin.role}"
    )
    reader = "pg_monitor"
    wanted = f'GRANT USAGE ON SCHEMA "iron" TO "{reader}"'
    note = f"this role may not let others read all of it: let an administrator run {wanted}"
    printed = " ".join(admin.run("load", "exposures", "--role", reader).split())
    assert f"note: {note}" in printed
    grant = ("grant", "-s", "iron", "--role", reader)
    with pytest.raises(DatabaseError) as refused:
        admin.run(*grant, production=False)
    assert str(refused.value) == note
    # Without any right on a table it is an error, with one that cannot be passed on a warning.
    revoke = f"ALTER TABLE iron.tile OWNER TO postgres; REVOKE ALL ON iron.tile FROM {reader}"
    for right in (revoke, f"GRANT SELECT ON iron.tile TO {admin.role}"):
        admin.as_administrator(right)
        with pytest.raises(DatabaseError) as refused:
            admin.run(*grant, production=False)
        assert str(refused.value) == f'{note}; GRANT SELECT ON "iron"."tile" TO "{reader}"'
    admin.as_administrator(str(refused.value).partition("administrator run ")[2])
    admin.run(*grant, production=False)


def test_making_a_schema_takes_an_administrator(admin):
    """The message says what the administrator has to do, and that suffices."""
    message = admin.refused("load", "exposures", "-s", 'an"other')
    statement = f'CREATE SCHEMA "an""other" AUTHORIZATION "{admin.role}"'
    assert message == (
        f'cannot make schema an"other: permission denied for database '
        f"{psycopg.conninfo.conninfo_to_dict(admin.conninfo)['dbname']}. "
        f"Let an administrator run {statement}"
    )
    admin.as_administrator(statement)
    admin.run("load", "exposures", "-s", 'an"other')


def test_replacing_tables_takes_a_right_on_the_database(admin):
    admin.run("load", "exposures")
    message = admin.refused("load", "exposures", "--overwrite", "--yes")
    assert message.endswith("Let an administrator run GRANT CREATE ON DATABASE for this role")
    name = psycopg.conninfo.conninfo_to_dict(admin.conninfo)["dbname"]
    admin.as_administrator(f"GRANT CREATE ON DATABASE {name} TO {admin.role}")
    assert "schema iron: 219 rows loaded" in admin.run("load", "exposures", "--overwrite", "--yes")


def test_schema_of_somebody_else(admin):
    admin.as_administrator("CREATE SCHEMA theirs")
    message = admin.refused("load", "exposures", "-s", "theirs")
    assert message == "cannot load schema theirs: permission denied for schema theirs"


def test_rows_that_a_policy_hides(admin):
    """They are not taken for rows that are missing."""
    admin.run("load", "exposures")
    admin.execute("ALTER TABLE iron.frame ENABLE ROW LEVEL SECURITY")
    admin.execute("ALTER TABLE iron.frame FORCE ROW LEVEL SECURITY")
    hidden = 'affected by row-level security policy for table "frame"'
    for command in ("load", "verify"):
        assert hidden in admin.refused(command, "exposures")


def test_without_q3c(admin):
    if not admin.as_administrator("SELECT 1 FROM pg_extension WHERE extname = 'q3c'"):
        pytest.skip("the server does not have q3c")
    admin.as_administrator("DROP EXTENSION q3c")
    printed = " ".join(admin.run("load", "exposures").split())
    assert "let an administrator run CREATE EXTENSION q3c, then run the load again" in printed
    admin.as_administrator("CREATE EXTENSION q3c")
    indexes = "SELECT count(*) FROM pg_indexes WHERE indexname LIKE '%q3c%'"
    assert admin.as_administrator(indexes) == [(0,)]
    admin.run("load", "exposures")
    assert admin.as_administrator(indexes) == [(2,)]
