"""The site is built without a warning, and its reference lacks nothing."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from specprod_copy.cli import cli
from specprod_copy.desi.configuration import Production
from specprod_copy.tables import offered_columns, specprod_catalogue

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the site, whose notebooks were not executed: that is what ``make docs`` does."""
    pytest.importorskip("sphinx", reason="the site needs the extra docs: scripts/setup.sh docs")
    made = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going"]
    done = subprocess.run(
        [*build, "-D", "nb_execution_mode=off", "-d", str(made / "doctrees"), "docs", str(made)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return made


def commands(
    command: click.Command, parent: click.Context | None, name: str
) -> Iterator[tuple[str, click.Command]]:
    """Yield what users type for each command, and the command."""
    context = click.Context(command, parent, info_name=name)
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found is not None
            yield from commands(found, context, below)
    else:
        yield context.command_path, command


def test_every_option_of_every_command(site):
    checked = 0
    for path, command in commands(cli, None, "specprod-copy"):
        page = (site / f"reference/generated/commands/{path.split()[1]}.html").read_text()
        for option in command.params:
            if isinstance(option, click.Option):
                anchor = f"cmdoption-{path.replace(' ', '-')}-{option.opts[-1].lstrip('-')}"
                assert f'id="{anchor}"' in page, f"{path} {option.opts}"
                checked += 1
    assert checked > 200


def test_every_column_of_every_table(site):
    for name, table in specprod_catalogue().definition.tables.items():
        page = (site / f"reference/generated/tables/{name}.html").read_text()
        rows = re.findall(r'<tr class="row-\w+" id="([\w-]+)">', page)
        names = [column.name for column in table.columns]
        assert rows[: len(names)] == [column.replace("_", "-") for column in names], name
        assert {*rows[len(names) :]} == {c.replace("_", "-") for c in offered_columns(name)}


def test_columns_are_described_as_their_comments_say(site):
    page = (site / "reference/generated/tables/zpix.html").read_text()
    (row,) = re.findall(r'<tr class="row-\w+" id="coeff-3">.*?</tr>', page, re.S)
    cells = [re.sub("<[^>]+>", "", cell) for cell in re.findall(r"<td>(.*?)</td>", row, re.S)]
    (column,) = (
        c for c in specprod_catalogue().definition.tables["zpix"].columns if c.name == "coeff_3"
    )
    assert cells == ["coeff_3", "float8", column.unit, column.description, column.ucd, "COEFF[3]"]


def test_every_key_of_the_configuration():
    text = (ROOT / "docs/reference/configuration.md").read_text()
    keys = [field.name for field in dataclasses.fields(Production) if field.name != "name"]
    assert re.findall(r"^\| `(\w+)` \|", text, re.M) == keys


def test_every_environment_variable():
    """Those of options, and those that the code asks for."""
    text = (ROOT / "docs/reference/environment.md").read_text()
    wanted = {
        variable
        for _, command in commands(cli, None, "specprod-copy")
        for option in command.params
        for variable in ([option.envvar] if isinstance(option.envvar, str) else option.envvar or ())
    }
    for path in (ROOT / "specprod_copy").rglob("*.py"):
        asked = r'environ(?:\.get\(|\.setdefault\(|\[)"(\w+)"|_VARIABLE = "(\w+)"'
        wanted |= {one or other for one, other in re.findall(asked, path.read_text())}
    assert len(wanted) > 6
    assert {variable for variable in wanted if f"`{variable}`" not in text} == set()
    rows = [row.split("|")[1] for row in text.splitlines() if row.startswith("| `")]
    listed = re.findall(r"`(\w+)`", " ".join(rows))
    assert [variable for variable, n in Counter(listed).items() if n > 1] == []


def test_every_public_function(site):
    page = (site / "reference/python.html").read_text()
    import specprod_copy

    for name in specprod_copy.__all__:
        wanted = f"specprod_copy.{name}" if name != "ids" else "specprod_copy.desi.ids.zpixid"
        assert f'id="{wanted}"' in page, name
