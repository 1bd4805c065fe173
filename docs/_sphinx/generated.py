"""Pages of the reference that are made of the program itself: its commands and its tables.

They are written into ``reference/generated`` before Sphinx looks for pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import click
from help_texts import plain
from sphinx.application import Sphinx
from tables import all_tables

from specprod_copy.cli import COMMANDS, cli

FOLDER = "reference/generated"


def pages() -> Iterator[tuple[str, str]]:
    """Yield the path of each page and its text, in reStructuredText."""
    context = click.Context(cli)
    commands = {name: cli.get_command(context, name) for name in COMMANDS}
    yield (
        "commands/index.rst",
        _index("Commands", ((n, c.get_short_help_str(200)) for n, c in commands.items() if c)),
    )
    for name in commands:
        module = name.replace("-", "_")
        yield (
            f"commands/{name}.rst",
            f".. click:: specprod_copy.cli.{module}:{module}\n"
            f"   :prog: specprod-copy {name}\n   :nested: full\n",
        )
    tables = all_tables()
    yield (
        "tables/index.rst",
        _index("Tables", ((name, found.always.description) for name, found in tables.items())),
    )
    for name in tables:
        yield f"tables/{name}.rst", f"{_title(name)}\n.. columns:: {name}\n"


def _index(title: str, entries: Iterable[tuple[str, str]]) -> str:
    """Return a page that lists others, with a line about each."""
    described = [*entries]
    lines = [_title(title)]
    lines += [f":doc:`{name}`\n   {plain(text)}\n" for name, text in described]
    lines += [".. toctree::\n   :hidden:\n", *(f"   {name} <{name}>" for name, _ in described)]
    return "\n".join(lines) + "\n"


def _title(text: str) -> str:
    return f"{text}\n{'=' * len(text)}\n"


def _write(app: Sphinx) -> None:
    """Write the pages; one that would be as it is stays, so that it is not built again."""
    folder = Path(app.srcdir, FOLDER)
    there = set(folder.rglob("*.rst"))
    for name, text in pages():
        path = folder / name
        there.discard(path)
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    for path in there:
        path.unlink()


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect with Sphinx."""
    app.connect("builder-inited", _write)
    return {"parallel_read_safe": True}
