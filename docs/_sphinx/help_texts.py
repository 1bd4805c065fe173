"""Help texts of commands, which are plain text, as reStructuredText for sphinx-click."""

from __future__ import annotations

import inspect
import re

import click
from sphinx.application import Sphinx

_MARKUP = re.compile(r"([*`|\\_])")


def plain(text: str) -> str:
    """Return a text in which nothing is markup."""
    return _MARKUP.sub(r"\\\1", text)


def help_lines(text: str) -> list[str]:
    r"""Return a help text: its paragraphs, and as literal blocks what stands behind ``\b``."""
    lines: list[str] = []
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        as_it_is = paragraph.startswith("\b\n")
        for line in paragraph.removeprefix("\b\n").splitlines():
            is_example = line.startswith(" ")
            if is_example and as_it_is and (not lines or not lines[-1].startswith("    ")):
                lines += ["", ".. code-block:: none", ""]
            lines.append(f"    {line.strip()}" if is_example else plain(line))
        lines.append("")
    return lines


def _description(app: Sphinx, context: click.Context, lines: list[str]) -> None:
    lines[:] = help_lines(context.command.help or "")


def _epilog(app: Sphinx, context: click.Context, lines: list[str]) -> None:
    lines[:] = [*map(plain, (context.command.epilog or "").splitlines()), ""]


def _options(app: Sphinx, context: click.Context, lines: list[str]) -> None:
    """Take as text what is text: all but directives, their options and literals."""
    for number, line in enumerate(lines):
        if line.startswith("    ") and not line.strip().startswith((":", "..", "``")):
            lines[number] = line if "``" in line else plain(line)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect with sphinx-click."""
    app.connect("sphinx-click-process-description", _description)
    app.connect("sphinx-click-process-epilog", _epilog)
    app.connect("sphinx-click-process-options", _options)
    return {"parallel_read_safe": True}
