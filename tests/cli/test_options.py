"""Options are made of the fields of dataclasses; those of DESI's own loader are named."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import click
import pytest
from click.testing import CliRunner, Result

from specprod_copy.cli import cli
from specprod_copy.cli.builder import make, options_of
from specprod_copy.option import Option


def parse_pair(text: str) -> tuple[str, str]:
    left, _, right = text.partition("/")
    if not right:
        raise ValueError(f"{text!r} is no pair")
    return left, right


@dataclass(frozen=True)
class Everything:
    unseen: int
    needed: Annotated[str, Option("-n --needed", "Needed.", default="else")]
    flag: Annotated[bool, Option("--flag", "On.")] = False
    kept: Annotated[bool, Option("--no-kept", "Off.")] = True
    number: Annotated[int, Option("--number", "A number.", low=1, high=9)] = 3
    any_number: Annotated[int | None, Option("--any-number", "Any.")] = None
    text: Annotated[str | None, Option("--text", "A text.", variable="SOME_TEXT")] = None
    several: Annotated[tuple[str, ...], Option("--several", "Texts.")] = ("one",)
    paths: Annotated[tuple[Path, ...], Option("--paths", "Files.", path="file")] = ()
    place: Annotated[Path | None, Option("--place", "Where.", absolute=True)] = None
    choice: Annotated[str, Option("--choice", "One.", choices=("a", "b"))] = "a"
    pair: Annotated[
        tuple[str, str] | None, Option("--pair", "A/B.", metavar="A/B", parse=parse_pair)
    ] = None


def run(*arguments: str, env: dict[str, str] | None = None) -> tuple[Result, list[Everything]]:
    made = []

    @click.command()
    @options_of(Everything)
    def command(**values: Any) -> None:
        made.append(make(Everything, values, unseen=7))

    return CliRunner().invoke(command, arguments, env=env), made


def test_defaults_are_those_of_the_fields():
    _, made = run()
    assert made == [Everything(7, "else")]


def test_every_kind_of_option(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = "-n x --flag --no-kept --number 9 --any-number -5 --several a --several b --paths p"
    done, made = run(*given.split(), *["--place", "q", "--choice", "b", "--pair", "k/l"])
    assert done.exit_code == 0, done.output
    assert made == [
        Everything(
            unseen=7,
            needed="x",
            flag=True,
            kept=False,
            number=9,
            any_number=-5,
            several=("a", "b"),
            paths=(Path("p"),),
            place=tmp_path / "q",
            choice="b",
            pair=("k", "l"),
        )
    ]


def test_variables():
    _, made = run(env={"SOME_TEXT": "from outside"})
    assert made[0].text == "from outside"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--number", "0"], "0 is not in the range 1<=x<=9"),
        (["--choice", "c"], "'c' is not one of 'a', 'b'"),
        (["--pair", "k"], "'k' is no pair"),
        (["--unseen", "1"], "No such option"),
    ],
)
def test_what_does_not_fit(arguments, message):
    done, made = run(*arguments)
    assert (done.exit_code, made) == (2, [])
    assert message in done.output


def test_help_says_all_of_it():
    done, _ = run("--help")
    assert "--pair A/B" in done.output
    assert "[default: 3; 1<=x<=9]" in done.output
    assert "[env var: SOME_TEXT]" in done.output
    assert "[default: one]" in done.output


def test_some_fields_only_and_another_help():
    @click.command()
    @options_of(Everything, "flag", "number", flag="Another help.")
    def command(**values: Any) -> None:
        click.echo(sorted(values))

    assert CliRunner().invoke(command, []).output == "['flag', 'number']\n"
    printed = CliRunner().invoke(command, ["--help"]).output
    assert "Another help." in printed
    assert "--text" not in printed


INI = """
[DEFAULT]
chunksize = 50000
[iron]
release = dr1
photometry = v1.1
target_summary = no
redshift = zcat/v1
tiles = 0.5
hostname = db.example.org
username = desi
"""


def test_keys_of_desis_own_file_that_are_not_heard_are_named(tmp_path):
    config = tmp_path / "desi.ini"
    config.write_text(INI)
    arguments = ["demo", str(tmp_path / "demo"), "-p", "iron", "--tiles", "1", "--targets", "10"]
    done = CliRunner().invoke(cli, [*arguments, "-c", str(config)])
    assert done.exit_code == 0, done.output
    warning = (
        f"Warning: {config}, section [iron]: chunksize, hostname, username ignored; the server is "
        "named by --hostname, --username and --dbname or by PG* variables"
    )
    assert warning in done.stderr.splitlines()
    config.write_text(INI.replace("hostname", "hostnames"))
    done = CliRunner().invoke(cli, [*arguments, "-c", str(config), "--overwrite"])
    assert "unknown key hostnames" in str(done.exception)


def test_a_file_without_such_keys_gives_no_warning(tmp_path):
    config = tmp_path / "own.toml"
    config.write_text(
        '[mine]\nrelease = "dr3"\nphotometry = "v1.0"\ntarget_summary = false\n'
        'redshift = "base"\ntiles = "3.0"\n'
    )
    arguments = ["demo", str(tmp_path / "demo"), "--tiles", "1", "--targets", "10"]
    done = CliRunner().invoke(cli, [*arguments, "-p", "mine", "-c", str(config)])
    assert done.exit_code == 0, done.output
    assert "Warning" not in done.stderr
