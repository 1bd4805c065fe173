"""Values on their way into batch scripts: which are refused, and what quoted words become."""

from __future__ import annotations

import getpass
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict
from support.batch_options import NASTY, options, render_all, tool

from specprod_copy.batch.script_values import connection_arguments, is_local, quote
from specprod_copy.desi.configuration import find_production
from specprod_copy.errors import ConfigurationError

CHARACTERS = st.one_of(
    st.sampled_from(NASTY), st.characters(codec="utf-8").filter(lambda c: c.isprintable())
)


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
@pytest.mark.parametrize(("shell", "program"), [("sh", "bash"), ("csh", "tcsh")])
def test_quoted_words_reach_programs_unchanged(
    shell: str, program: str, locale: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    interpreter, folder = tool(program), tmp_path_factory.mktemp("quoting")

    @settings(max_examples=25, deadline=None, database=None)
    @given(st.lists(st.text(CHARACTERS), min_size=1))
    def check(values: list[str]) -> None:
        values = [*values, NASTY, ""]
        script = folder / "script"
        # In csh, quoting must not depend on what users like to set.
        setting = "set backslash_quote\n" if shell == "csh" and len(values) % 2 else ""
        words = " ".join(quote(value, shell) for value in values)
        script.write_text(f"{setting}printf '%s\\0' {words}\n")
        done = subprocess.run(
            [interpreter, script],
            capture_output=True,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": locale},
            check=False,
        )
        assert done.stderr == b""
        assert done.stdout == "".join(f"{value}\0" for value in values).encode()

    check()


@pytest.mark.parametrize("shell", ["sh", "csh"])
@pytest.mark.parametrize("value", ["a\nb", "a\0b", "a\rb", "\t", "\x1b", "a\u2028b", "\udcff"])
def test_line_breaks_and_the_like_are_refused(shell: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match="line breaks or other characters"):
        quote(value, shell)
    with pytest.raises(ConfigurationError, match="line breaks or other characters"):
        render_all(root=Path("/", value.replace("\0", "\n")), shell=shell)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"email": "me"}, "EMAIL must be an address such as name@example.org, not 'me'"),
        ({"email": "a@b.org\n#SBATCH --uid=0"}, "EMAIL must be"),
        ({"qos": "regular --account=m1"}, "--qos must be letters, digits, '_', '.', '+' and '-'"),
        ({"qos": "debug\n"}, "--qos must be"),
        ({"account": "m1 --qos=x"}, "--account must be letters, digits"),
        ({"times": (("", "1h"),)}, "--time must be [days-]hours:min:s, not '1h'"),
        (
            {"times": (("tile", "1:00:00"),)},
            "--time tile=…: no such job, only plan, exposures",
        ),
        (
            {"tiles_file": Path("/t.csv"), "skip_missing": True},
            "--skip-missing, --light-curves and --on-error are for stages; jobs of tiles have no",
        ),
        ({"constraint": "cpu;id"}, "--constraint must be"),
        ({"constraint": "cpu&"}, "--constraint must be"),
        ({"schema": "a/b"}, "--schema must be at most 63 letters, digits"),
        ({"schema": "-rf"}, "--schema must be"),
        ({"schema": "a" * 64}, "--schema must be"),
        ({"schema": "%u"}, "--schema must be"),
        ({"version": "1.0 x"}, "--specprod-version must be"),
        ({"job_dir": Path("/my jobs")}, "--job-dir must be an absolute path of letters, digits"),
        ({"job_dir": Path("/jobs/%u")}, "--job-dir must be"),
        ({"job_dir": Path("jobs")}, "--job-dir must be"),
        ({"root": Path("data")}, "data: jobs run elsewhere and need an absolute path"),
        ({"shell": "fish"}, "no scripts for 'fish', only sh, csh"),
        ({"patch_tiles": True}, "--patch-tiles needs a --tiles-file"),
        (
            {"tiles_file": Path("/t.csv"), "exposures_file": Path("/e.fits")},
            "jobs of tiles load from the --exposures-file only with --patch-tiles",
        ),
        (
            {"production": find_production("daily")},
            "production daily has no redshift catalogs, its tiles are loaded one by one: name the "
            "file that lists them with --tiles-file",
        ),
    ],
)
def test_values_that_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        options(**changes)
    assert str(error.value).startswith(message)


def test_features_of_a_node_may_be_joined() -> None:
    assert (
        "#SBATCH --constraint=gpu&hbm80g|cpu\n" in render_all(constraint="gpu&hbm80g|cpu")[0].text
    )


@pytest.mark.parametrize(
    ("server", "message"),
    [
        ({"dsn": "postgresql://me:secret@host/db"}, "--dsn holds a password, and others can read"),
        ({"dsn": "host=h password=secret"}, "--dsn holds a password, and others can read"),
        ({"dsn": "postgresql:///db?password=secret"}, "--dsn holds a password, and others can"),
        ({"dsn": "host=h sslpassword=secret"}, "--dsn holds a sslpassword, and others can read"),
        ({"dsn": "postgresql//me:secret@host"}, "--dsn is neither a URI nor a key=value string"),
        (
            {"dbname": "postgresql://me:secret@host/db"},
            "--dbname is the name of a database; a URI or key=value string goes to --dsn",
        ),
        ({"dbname": "password=secret"}, "--dbname is the name of a database"),
    ],
)
def test_a_password_is_refused_and_not_shown(server: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        connection_arguments(**server)
    assert str(error.value).startswith(message)
    assert "secret" not in str(error.value)


@pytest.fixture
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PG")]:
        monkeypatch.delenv(name)


def meant(*arguments: str) -> dict[str, str]:
    """Return the parameters of the one option that names the server."""
    (option,) = connection_arguments(*arguments)
    assert option.startswith("--dsn=")
    return conninfo_to_dict(option.removeprefix("--dsn="))


@pytest.mark.usefixtures("no_server")
def test_the_server_is_the_one_that_is_meant_now(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    me = getpass.getuser()
    assert meant("host=h") == {"host": "h", "port": "5432", "dbname": me, "user": me}
    assert meant("postgresql://u@h:1/d?sslmode=require", "other", "-u", "'d") == {
        **{"host": "other", "port": "1", "dbname": "'d", "user": "-u"},
        "sslmode": "require",
    }
    variables = {"HOST": "db", "PORT": "5433", "DATABASE": "desi", "USER": "admin"}
    for name, value in variables.items():
        monkeypatch.setenv(f"PG{name}", value)
    monkeypatch.setenv("PGPASSWORD", "secret")
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    named = {"host": "db", "port": "5433", "dbname": "desi", "user": "admin"}
    assert meant() == {**named, "sslmode": "verify-full"}
    services = tmp_path / "services"
    services.write_text("[mine]\nhost=of.service\nport=7\npassword=secret\n")
    monkeypatch.setenv("PGSERVICEFILE", str(services))
    of_service = {"host": "of.service", "port": "7", "service": "mine"}
    assert meant("service=mine") == {**named, **of_service, "sslmode": "verify-full"}
    assert "PGSERVICE" not in os.environ


@pytest.mark.usefixtures("no_server")
def test_a_server_without_a_host_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="name the host of the server, by --hostname"):
        connection_arguments("dbname=desi")


@pytest.mark.parametrize(
    ("server", "local"),
    [("/run", True), ("localhost", True), ("127.0.1.1,::1", True), ("::1,db", False)],
)
def test_servers_of_this_machine(server: str, local: bool) -> None:
    assert is_local(connection_arguments(hostname=server)) == local
