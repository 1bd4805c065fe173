"""Values on their way into batch scripts: which are refused, and what quoted words become."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.batch_options import NASTY, options, render_all, tool

from specprod_copy.batch.script_values import connection_arguments, quote
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


def test_connection_arguments() -> None:
    assert connection_arguments() == ()
    assert connection_arguments("postgresql://u@h/d", "other", "-u", "d") == (
        "--dsn=postgresql://u@h/d",
        "--hostname=other",
        "--username=-u",
        "--dbname=d",
    )
