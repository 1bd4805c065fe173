"""The SQL files of tables: templates with a block for each phase, cut into statements."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

import jinja2
from jinja2.sandbox import SandboxedEnvironment

from specprod_copy.errors import ConfigurationError
from specprod_copy.postgres.identifiers import quote_identifier

PHASES: Final = (
    "table",
    "distribution",
    "keys",
    "indexes",
    "foreign_keys",
    "validation",
    "q3c",
    "cluster",
    "comments",
    "grants",
)
"""The blocks of a table's file, in an order that works."""

# A statement ends at a semicolon that is not inside a quoted name, a literal or a comment.
_STATEMENT = re.compile(r"""(?:"(?:[^"]|"")*"|'(?:[^']|'')*'|--[^\n]*|[^;"'])+;""")


@dataclass(frozen=True)
class SqlText:
    """The text of a table's SQL file, which need not be a file any more."""

    stem: str
    """Name of the table."""
    text: str = field(repr=False)

    def __str__(self) -> str:
        return f"{self.stem}.sql"


SqlFile = Path | SqlText

_SETTINGS: Final[Mapping[str, Any]] = {
    "undefined": jinja2.StrictUndefined,
    "trim_blocks": True,
    "lstrip_blocks": True,
    "keep_trailing_newline": True,
    "autoescape": False,  # This is SQL; names come quoted.
}

_SCHEMA: Final = f"\1{secrets.token_hex(8)}\1"
"""Stands for the schema while a file is a template: half of what there is to compile is its name,
before each table and column."""


class _Files(jinja2.FileSystemLoader):
    """Reads the files of tables."""

    def get_source(
        self, environment: jinja2.Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        """Return text and path of a file, and what says whether it is up to date."""
        text, path, is_new = super().get_source(environment, template)
        return text.replace("{{ schema }}", _SCHEMA), path, is_new


@cache
def templates(
    folder: Path, loader: type[jinja2.FileSystemLoader] = jinja2.FileSystemLoader
) -> jinja2.Environment:
    """Return what reads the templates of SQL in a folder."""
    return jinja2.Environment(loader=loader(folder), **_SETTINGS)  # noqa: S701 - see there


def block_of(file: SqlFile, block: str, names: Mapping[str, object]) -> str:
    """Return a block of a table's file, empty if it has none; the names are quoted already.

    Raises
    ------
    ConfigurationError
        If a text is no template.
    """
    own = {**names, "table": quote_identifier(file.stem)}
    if isinstance(file, Path):
        template = templates(file.parent, _Files).get_template(file.name)
        found = template.blocks.get(block)
        text = "" if found is None else "".join(found(template.new_context(own)))
        return text.replace(_SCHEMA, str(names["schema"]))
    try:
        template = _template(file)
        found = template.blocks.get(block)
        return "" if found is None else "".join(found(template.new_context(own)))
    except (jinja2.TemplateError, TypeError, ArithmeticError) as error:
        raise ConfigurationError(f"{file}: no SQL file as those in ddl/: {error}") from error


@lru_cache(maxsize=64)
def _template(file: SqlText) -> jinja2.Template:
    """Return the template of a text, which may come from a database: it can do nothing else."""
    return SandboxedEnvironment(**_SETTINGS).from_string(file.text)


def cut(script: str) -> list[str]:
    """Return the statements of a script, each of which ends with a semicolon."""
    return [statement.strip() for statement in _STATEMENT.findall(script)]
