"""The TOML file of a description, read and checked; see docs/value-added.md."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from specprod_copy.errors import ConfigurationError
from specprod_copy.postgres.identifiers import quote_identifier
from specprod_copy.vac.description import (
    WILD,
    ColumnRule,
    Description,
    Joined,
    ReferenceRule,
    TableRule,
    check_word,
)
from specprod_copy.words import did_you_mean

T = TypeVar("T")

HOWS = ("all", "left", "inner")
ORPHANS = ("refuse", "allow")
IDS = ("zpix", "ztile")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_TABLE = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""Short enough for the names of indexes that begin with it."""


def read_description(path: Path) -> Description:
    """Read a description and the SQL files that it names.

    Raises
    ------
    ConfigurationError
        If a file cannot be read or is not as it must be.
    """
    text = _read(path, "description")
    names = parse(text, path.name).tables
    sql = {table.sql: _read(path.parent / table.sql, "SQL file") for table in names}
    return parse(text, path.name, sql)


def parse(text: str, name: str, sql: Mapping[str, str] | None = None) -> Description:
    """Return the description that a text of TOML is.

    Parameters
    ----------
    text : str
    name : str
        Name of its file, for errors.
    sql : mapping of str to str
        Text of the SQL files that it names.

    Raises
    ------
    ConfigurationError
        If it is not as it must be.
    """
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{name}: not TOML: {error}") from error
    top = _Section(said, name)
    tables = top.take("tables", dict, {})
    if not tables:
        raise top.fault("describes no table: [tables.NAME] does")
    known = {
        key: top.take(key, str, "") for key in ("version", "release", "specprod", "about", "url")
    }
    title = top.take("name", str)
    if not _NAME.fullmatch(title):
        raise top.fault(f"name {title!r}: only letters, digits, _ and -")
    if not known["version"]:
        raise top.fault("version is missing")
    for key in ("version", "release", "specprod"):
        if known[key]:
            check_word(key, known[key], name)
    top.end()
    return Description(
        title,
        tables=tuple(_table(key, value, name) for key, value in tables.items()),
        text=text,
        sql=sql or {},
        **known,
    )


def _read(path: Path, kind: str) -> str:
    try:
        if path.exists() and not path.is_file():
            raise ConfigurationError(f"{path}: no regular file")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path}: {kind} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigurationError(f"{path}: {kind} is no text: {error}") from error


class _Section:
    """A table of TOML, out of which keys are taken; what is left over is an error."""

    def __init__(self, said: Any, where: str) -> None:
        self._where = where
        if not isinstance(said, dict):
            raise self.fault("must be a table of TOML")
        self._left = dict(said)
        self._known: list[str] = []

    def fault(self, message: str) -> ConfigurationError:
        return ConfigurationError(f"{self._where}: {message}")

    def take(self, key: str, kind: type[T], default: Any = ...) -> T:
        self._known.append(key)
        if key not in self._left:
            if default is ...:
                raise self.fault(f"{key} is missing")
            value: T = default
            return value
        found = self._left.pop(key)
        if not isinstance(found, kind) or (isinstance(found, bool) and kind is not bool):
            raise self.fault(f"{key} must be {_KINDS[kind]}, not {found!r}")
        return found

    def texts(self, key: str, default: Any = ...) -> tuple[str, ...]:
        """Take a text or a list of texts."""
        self._known.append(key)
        found = self._left.pop(key, default)
        if found is ...:
            raise self.fault(f"{key} is missing")
        several = [found] if isinstance(found, str) else found
        if not isinstance(several, list | tuple) or not all(isinstance(t, str) for t in several):
            raise self.fault(f"{key} must be a text or a list of texts, not {found!r}")
        return tuple(several)

    def one_of(self, key: str, allowed: Sequence[str], default: str) -> str:
        found = self.take(key, str, default)
        if found and found not in allowed:
            raise self.fault(f"{key} must be {' or '.join(allowed)}, not {found!r}")
        return found

    def anything(self, key: str) -> Any:
        """Take a value that a column may have."""
        self._known.append(key)
        found = self._left.pop(key, None)
        if found is not None and not isinstance(found, str | int | float | bool):
            raise self.fault(f"{key} must be a text, a number, true or false, not {found!r}")
        return found

    def values(self, key: str) -> tuple[Any, ...]:
        """Take a value that a column may have, or a list of such."""
        several = self._left.get(key)
        if not isinstance(several, list):
            found = self.anything(key)
            return () if found is None else (found,)
        self.take(key, list)
        if not all(isinstance(one, str | int | float | bool) for one in several):
            raise self.fault(f"{key} must be texts, numbers, true or false, not {several!r}")
        return tuple(several)

    def sections(self, key: str, make: Callable[[Any, str], T]) -> tuple[T, ...]:
        """Take an array of tables."""
        found = self.take(key, list, [])
        return tuple(make(one, f"{self._where}, {key} {n}") for n, one in enumerate(found, 1))

    def renamed(self) -> tuple[tuple[str, str], ...]:
        found = self.take("rename", dict, {})
        if not all(isinstance(new, str) for new in found.values()):
            raise self.fault("rename must give a name to each name")
        return tuple((old.upper(), new.upper()) for old, new in found.items())

    def end(self) -> None:
        for key in self._left:
            meant = did_you_mean(key, self._known)
            known = f"; {meant}" if meant else f"; known: {', '.join(self._known)}"
            raise self.fault(f"unknown key {key}{known}")


_KINDS = {
    str: "a text",
    bool: "true or false",
    dict: "a table of TOML",
    list: "an array of tables of TOML",
    float: "a number",
}


def _table(name: str, said: Any, file: str) -> TableRule:
    section = _Section(said, f"{file}, [tables.{name}]")
    if not _TABLE.fullmatch(name) or quote_identifier(name) != name:
        raise section.fault(
            "the name of a table must be of small letters, digits and _, begin with a letter, have "
            "at most 40, and be no reserved word of SQL"
        )
    columns = section.take("columns", dict, {})
    rule = TableRule(
        name,
        section.take("sql", str, f"{name}.sql"),
        section.texts("files"),
        section.texts("hdu", ()),
        section.texts("position", ()),
        section.take("filter", str, ""),
        section.take("prefix", str, "").upper(),
        section.renamed(),
        _upper(section.texts("drop", ())),
        section.sections("join", _joined),
        {
            key: _column(key, value, f"{file}, [tables.{name}.columns], {key}")
            for key, value in columns.items()
        },
        section.sections("references", _reference),
    )
    section.end()
    if len(rule.position) not in (0, 2):
        raise section.fault("position must name two columns: right ascension and declination")
    if Path(rule.sql).name != rule.sql or not rule.sql.endswith(".sql"):
        raise section.fault(f"sql must be the name of an SQL file beside this one, not {rule.sql}")
    for pattern in rule.files:
        if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
            raise section.fault(f"files: {pattern} must lie below the root, which --root names")
    return rule


def _joined(said: Any, where: str) -> Joined:
    section = _Section(said, where)
    by = _upper(section.texts("by", ()))
    joined = Joined(
        section.texts("hdu"),
        section.take("file", str, ""),
        by,
        section.one_of("how", HOWS, "all"),
        section.take("prefix", str, "").upper(),
        section.renamed(),
        _upper(section.texts("drop", ())),
        _upper(section.texts("same", ())),
    )
    section.end()
    if joined.how != "all" and not by:
        raise section.fault(f'how = "{joined.how}" needs by: rows are matched by their number')
    if joined.same and by:
        raise section.fault("same and by exclude each other: rows are matched by these columns")
    return joined


def _column(name: str, said: Any, where: str) -> ColumnRule:
    section = _Section(said, where)
    rule = ColumnRule(
        section.take("from", str, "").upper(),
        section.take("header", str, "").upper(),
        section.take("path", str, ""),
        section.anything("value"),
        section.one_of("id", IDS, ""),
        section.take("row", bool, False),
        section.take("optional", bool, False),
        section.anything("absent"),
        section.values("null"),
        section.anything("nan"),
    )
    section.end()
    if len(rule.origins) > 1:
        raise section.fault(f"{' and '.join(rule.origins)} exclude each other")
    if WILD.intersection(name) and rule.origins:
        raise section.fault(f"{rule.origins[0]} is of one column, not of all of a pattern")
    if rule.nan is not None and (
        isinstance(rule.nan, bool) or not isinstance(rule.nan, int | float)
    ):
        raise section.fault(f"nan must be a number, not {rule.nan!r}")
    return rule


def _reference(said: Any, where: str) -> ReferenceRule:
    section = _Section(said, where)
    rule = ReferenceRule(
        section.texts("columns"),
        section.take("table", str),
        section.texts("keys"),
        section.one_of("orphans", ORPHANS, "refuse"),
    )
    section.end()
    if len(rule.columns) != len(rule.keys) or not rule.columns:
        raise section.fault("columns and keys must be as many, and at least one")
    return rule


def _upper(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name.upper() for name in names)
