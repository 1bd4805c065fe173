"""Nobody else's operators and functions run in our sessions, and q3c may be in any schema."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from support.clusters import fresh_database

from specprod_copy.cli import cli
from specprod_copy.demo import write_production
from specprod_copy.desi.production import ProductionFiles, find_production
from specprod_copy.doctor import doctor
from specprod_copy.postgres.connection import SESSION_SETTINGS, connect
from specprod_copy.postgres.search_path import others_may_create, q3c_schema, usual_path

SCRIPTS = Path(__file__).parents[2] / "scripts"
PATHS = {
    "usual": '"$user", public',
    "before the server's own": '"$user", public, pg_catalog',
}


class Site:
    """A database, and the command line and psql as they see it."""

    def __init__(self, cluster, conninfo: str) -> None:
        self.conninfo = conninfo
        self._psql = [cluster.psql_command()[0], "-X", "-v", "ON_ERROR_STOP=1", "-d", conninfo]

    def query(self, query: str | sql.Composed) -> list[tuple]:
        """Run a statement in a session that sees no trap."""
        options = "-c search_path=pg_catalog"
        with psycopg.connect(self.conninfo, autocommit=True, options=options) as connection:
            cursor = connection.execute(query)
            return cursor.fetchall() if cursor.description else []

    def run(self, *command: object, code: int = 0) -> str:
        done = CliRunner().invoke(cli, [*map(str, command), "--dsn", self.conninfo])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == code, done.output
        return done.output

    def psql(self, script: str | Path, **variables: str) -> str:
        given = [part for name, value in variables.items() for part in ("-v", f"{name}={value}")]
        source, text = (["-f", str(script)], None) if isinstance(script, Path) else ([], script)
        command = [*self._psql, *given, *source]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def see(self, path: str) -> None:
        """Give all sessions of the database a search_path."""
        name = sql.Identifier(conninfo_to_dict(self.conninfo)["dbname"])
        command = sql.SQL("ALTER DATABASE {} SET search_path = {}")
        self.query(command.format(name, sql.SQL(path)))

    def q3c_indexes(self, schema: str) -> int:
        condition = f"schemaname = '{schema}' AND indexname LIKE '%q3c%'"
        [(count,)] = self.query(f"SELECT count(*) FROM pg_indexes WHERE {condition}")
        return count


@pytest.fixture(scope="module")
def roots(tmp_path_factory) -> dict[str, Path]:
    """Return data roots by production."""
    made = {name: tmp_path_factory.mktemp(name) for name in ("iron", "daily")}
    for name, root in made.items():
        write_production(root, name, tiles=2, targets=20)
    return made


@pytest.fixture(scope="module")
def trapped(cluster) -> Iterator[Site]:
    """Return a database with traps in public and in the schema of the role's own name."""
    with fresh_database(cluster) as conninfo:
        site = Site(cluster, conninfo)
        site.query((Path(__file__).parents[1] / "support" / "shadows.sql").read_text())
        [(role,)] = site.query("SELECT current_user::text")
        site.query(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(role)))
        for schema in ("public", role):
            query = sql.SQL("SELECT traps.fill({})").format(sql.Literal(schema))
            assert site.query(query)[0][0] > 1000
        yield site


def trapped_calls(site: Site) -> int:
    [(value, called)] = site.query("SELECT last_value, is_called FROM traps.calls")
    return value if called else 0


def test_traps_are_sprung(trapped):
    """A session that takes no care runs into them."""
    trapped.see(PATHS["usual"])
    with psycopg.connect(trapped.conninfo, autocommit=True) as connection:
        for query in ("SELECT 'a'::varchar = 'b'::varchar", "SELECT quote_ident('a'::varchar)"):
            with pytest.raises(psycopg.errors.RaiseException, match="trapped by"):
                connection.execute(query)
    assert trapped_calls(trapped) == 2
    trapped.query("ALTER SEQUENCE traps.calls RESTART")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.usefixtures("q3c")
def test_no_trap_is_sprung(trapped, roots, tmp_path, path):
    trapped.see(PATHS[path])
    iron = ["-p", "iron", "-r", roots["iron"]]
    daily = ["-p", "daily", "-r", roots["daily"]]
    zall = ProductionFiles(find_production("iron"), roots["iron"]).zall_pix()
    trapped.run("load", "all", *iron, "--dry-run")
    trapped.run("load", "all", *iron, "--cluster")
    trapped.run("doctor", *iron)
    trapped.run("load", "all", *iron, "-j", "2", "-s", "two")
    trapped.run("load", "all", *iron, "--overwrite", "--yes")
    exposures = next(roots["iron"].rglob("exposures-iron.fits"))
    trapped.run("load", "exposures", *iron, "--replace", exposures)
    trapped.run("status", *iron)
    trapped.run("verify", *iron, "-j", "1")
    trapped.run("grant", "-s", "iron", "--role", "pg_monitor")
    trapped.run("primary", "-s", "iron")
    trapped.run("sync", *daily)
    [(tileid,)] = trapped.query("SELECT min(tileid) FROM daily.tile")
    trapped.run("tile", tileid, *daily, "--update", "--primary", "--cluster")
    patch = ["patch", "coeff"]
    trapped.run(*patch, "load", zall, "-p", "iron")
    trapped.query("UPDATE iron.zpix SET coeff_3 = coeff_3 + 1")
    for command in ("check", "apply", "revert"):
        trapped.run(*patch, command, "zpix", "-p", "iron")
    zpatch = CliRunner().invoke(cli, ["render-ddl", "-s", "rendered", "--role", "pg_monitor"])
    trapped.psql(zpatch.output)
    assert trapped.q3c_indexes("rendered") == 4
    trapped.run(
        *patch,
        "load",
        ProductionFiles(find_production("iron"), roots["iron"]).zall_tilecumulative(),
        "-p",
        "iron",
    )
    procedure = CliRunner().invoke(cli, ["render-ddl", "--coeff-patch", "-p", "iron"]).output
    trapped.psql(procedure)
    trapped.psql(procedure, revert="on")
    trapped.psql(procedure, datalab="on")
    for script in sorted(SCRIPTS.glob("*.sql"), key=lambda path: path.stem == "rename_schema"):
        trapped.psql(script, schema="iron", new_schema="renamed")
    assert trapped_calls(trapped) == 0
    for schema in ("renamed", "two", "daily", "rendered", "coeff_patch"):
        trapped.query(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))


@pytest.fixture
def site(cluster, database) -> Site:
    if not cluster.binaries().q3c:
        pytest.skip("this PostgreSQL has no q3c")
    return Site(cluster, database)


@pytest.mark.parametrize("path", ['"$user", public', "nowhere", "''", 'extensions, "Odd, one"'])
@pytest.mark.parametrize("schema", ["extensions", 'Odd "q3c"; --'])
def test_q3c_in_any_schema(site, roots, schema, path):
    name = sql.Identifier(schema)
    site.query(sql.SQL("CREATE SCHEMA {}").format(name))
    site.query(sql.SQL("ALTER EXTENSION q3c SET SCHEMA {}").format(name))
    site.see(path)
    iron = ["-p", "iron", "-r", roots["iron"]]
    site.run("load", "all", *iron, "--cluster")
    assert site.q3c_indexes("iron") == 4
    site.run("verify", *iron, "-j", "1")
    assert "in order already" in site.psql(SCRIPTS / "cluster_q3c.sql", schema="iron")
    site.psql(CliRunner().invoke(cli, ["render-ddl", "-s", "rendered"]).output)
    assert site.q3c_indexes("rendered") == 4


def test_q3c_is_installed_where_people_see_it(site, roots):
    site.query("DROP EXTENSION q3c")
    site.query("CREATE SCHEMA first")
    site.see("first, public")
    site.run("load", "exposures", "-p", "iron", "-r", roots["iron"])
    with connect(site.conninfo) as connection:
        assert q3c_schema(connection) == "public"
    assert site.q3c_indexes("iron") == 2


def test_no_schema_to_install_q3c_in(site, roots):
    site.query("DROP SCHEMA public CASCADE")
    printed = site.run("load", "exposures", "-p", "iron", "-r", roots["iron"])
    assert "CREATE EXTENSION q3c SCHEMA" in " ".join(printed.split())
    assert site.q3c_indexes("iron") == 0


# ------------------------------------------------------------------------------------ sessions


@pytest.mark.parametrize("settings", [SESSION_SETTINGS, {}])
def test_sessions_see_the_servers_own_names_only(site, settings):
    site.see("public, pg_catalog")
    options = make_conninfo(site.conninfo, options="-c search_path=public -c work_mem=5MB")
    with connect(options, settings=settings) as connection:
        assert connection.execute("SHOW search_path").fetchone() == ("pg_catalog, pg_temp",)
        assert connection.execute("SHOW work_mem").fetchone() == ("5MB",)
        assert usual_path(connection) == ["public"]
        assert connection.execute("SHOW search_path").fetchone() == ("pg_catalog, pg_temp",)


def test_who_else_may_create(site):
    site.query("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    role = "others_may_create_here"
    with connect(site.conninfo) as connection:
        assert others_may_create(connection, "public") == []
        site.query(f"CREATE ROLE {role}; GRANT CREATE ON SCHEMA public TO {role}")
        try:
            assert others_may_create(connection, "public") == [role]
            site.query("GRANT CREATE ON SCHEMA public TO PUBLIC")
            assert others_may_create(connection, "public") == ["PUBLIC", role]
        finally:
            site.query(f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_doctor_tells_who_else_may_create(site):
    found = {finding.name: finding for finding in doctor(site.conninfo)}
    assert found["search_path"].value == "pg_catalog, pg_temp"
    assert (found["others' names"].level, found["q3c by name"].level) == ("ok", "ok")
    site.query("GRANT CREATE ON SCHEMA public TO PUBLIC")
    found = {finding.name: finding for finding in doctor(site.conninfo)}
    assert found["others' names"].level == "advice"
    assert found["others' names"].value == "PUBLIC may make some in schema public"
    assert found["others' names"].remedy == ("REVOKE CREATE ON SCHEMA public FROM PUBLIC;",)
    site.query("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    site.query("CREATE SCHEMA extensions; ALTER EXTENSION q3c SET SCHEMA extensions")
    found = {finding.name: finding for finding in doctor(site.conninfo)}
    assert found["q3c by name"].level == "advice"
    assert "schema extensions" in found["q3c by name"].value
    site.query("GRANT CREATE ON SCHEMA extensions TO PUBLIC")
    found = {finding.name: finding for finding in doctor(site.conninfo)}
    assert found["others' names"].value == "PUBLIC may make some in schema extensions"
