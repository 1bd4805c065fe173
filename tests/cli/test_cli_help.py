"""The command line explains itself."""

from __future__ import annotations

import inspect
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from specprod_copy.cli import COMMANDS, cli


def all_commands(command: click.Command, *names: str) -> Iterator[tuple[str, ...]]:
    yield names
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from all_commands(found, *names, name)


@pytest.mark.parametrize("names", [*all_commands(cli)], ids=" ".join)
def test_every_command_and_option_has_help(names):
    done = CliRunner().invoke(cli, [*names, "--help"])
    assert done.exit_code == 0
    command = cli
    for name in names:
        command = command.get_command(click.Context(command), name)
    assert command.help
    for parameter in command.params:
        assert not isinstance(parameter, click.Option) or parameter.help, parameter.name


@pytest.mark.parametrize(
    ("name", "unneeded"),
    [
        # Half a second each.
        ("load", {"astropy", "pandas", "desispec"}),
        # Arrow, which no row goes through: 0.05 s.
        ("status", {"astropy", "pandas", "desispec", "pyarrow"}),
    ],
)
def test_only_what_a_command_needs_is_imported(name, unneeded):
    """A command must not wait for what only the others need."""
    code = f"import sys, specprod_copy.cli.{name}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()
    others = {other.replace("-", "_") for other in COMMANDS} - {name}
    imported = {one.rpartition(".")[2] for one in loaded if one.startswith("specprod_copy.cli.")}
    assert not others & imported
    assert not unneeded & set(loaded)


def test_the_list_of_commands_imports_none_of_them():
    """What each of them does is data, and as its own help says it."""
    context = click.Context(cli)
    for name, text in COMMANDS.items():
        assert cli.get_command(context, name).get_short_help_str(limit=1000) == text
    code = (
        "import sys; from click.testing import CliRunner; from specprod_copy.cli import cli\n"
        "print(CliRunner().invoke(cli, ['--help']).output, *sys.modules, sep='\\n')"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    listed = " ".join(shown.split())
    assert all(f"{name} {text}" in listed for name, text in COMMANDS.items())
    assert not {"polars", "numpy", "psycopg", "specprod_copy.tables"} & {*shown.split()}


def examples() -> Iterator[str]:
    for names in all_commands(cli):
        command = cli
        for name in names:
            command = command.get_command(click.Context(command), name)
        for line in inspect.cleandoc(command.help or "").splitlines():
            if re.match(r"\s+specprod-copy ", line):
                yield re.split(r"\s{3,}", line.strip())[0]


@pytest.mark.parametrize("line", sorted({*examples()}))
def test_examples_are_right(line, tmp_path, monkeypatch):
    """Commands, options and values of each; a pipe or a file behind it is not looked at."""
    monkeypatch.chdir(tmp_path)
    names = shlex.split(re.split(r" [|>] ", line)[0].replace("/data", str(tmp_path)))[1:]
    for name in names:
        if name.endswith((".toml", ".sql", ".fits", ".json")):
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).touch()
    context, command = click.Context(cli, info_name="specprod-copy"), cli
    while isinstance(command, click.Group):
        name, command, names = command.resolve_command(context, names)
        context = click.Context(command, context, info_name=name)
    command.make_context(name, names, parent=context.parent)
