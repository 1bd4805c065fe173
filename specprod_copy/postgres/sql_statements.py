"""What a statement of a table's SQL file says about a schema: ``CREATE TABLE`` and the like."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache

from specprod_copy.errors import ConfigurationError
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.schema import Check, Index, Key, Part, Reference
from specprod_copy.postgres.sql_meanings import (
    Commented,
    Meaning,
    PartAdded,
    PartitionDefined,
    TableDefined,
    Validated,
)
from specprod_copy.postgres.sql_text import name_of, one_form, take_type, tokens_of

_TYPES: Mapping[str, str] = {
    "smallint": "int2",
    "integer": "int4",
    "int": "int4",
    "bigint": "int8",
    "real": "float4",
    "double precision": "float8",
    "boolean": "bool",
    "character": "bpchar",
    "char": "bpchar",
    "character varying": "varchar",
    "decimal": "numeric",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
    "time without time zone": "time",
    "time with time zone": "timetz",
    "bit varying": "varbit",
    "smallserial": "int2",
    "serial": "int4",
    "bigserial": "int8",
}
"""Names of types in SQL to those in the catalog, where they differ."""


_NO_PART = (
    ("cluster",),
    ("grant", "select", "on"),
    ("select", "create_distributed_table"),
    ("select", "create_reference_table"),
)
"""Beginnings of statements that files may have, and that say nothing about a schema."""

_AFTER_DEFAULT = (",", ")", "not", "null", "constraint", "primary", "unique", "references", "check")


@lru_cache(maxsize=4096)
def meaning_of(statement: str) -> Meaning:
    """Return what a statement of a table's SQL file says about a schema, if it does.

    It is remembered: files are read for several layouts, in which most statements are the same.

    Raises
    ------
    ConfigurationError
        If it is not of a form that the files may have.
    """
    return _Statement(statement).meaning()


@contextmanager
def naming(file: object, statement: str) -> Iterator[None]:
    """Name the file in errors within the block, and what the statement begins with."""
    try:
        yield
    except ConfigurationError as error:
        begin = " ".join(statement.split())[:100]
        raise ConfigurationError(f"{file}: {error}, in: {begin}") from error


class _Statement:
    """The tokens of a statement, read from the left."""

    def __init__(self, statement: str) -> None:
        self._tokens = tokens_of(statement)
        self._position = 0

    def meaning(self) -> Meaning:
        if self._take("create", "table"):
            return self._table()
        for kind in ("unique index", "index"):
            if self._take("create", *kind.split()):
                return self._index(unique=kind != "index")
        if self._take("alter", "table"):
            return self._alteration()
        if self._take("comment", "on"):
            return self._comment()
        if any(self._take(*words) for words in _NO_PART):
            return None
        raise ConfigurationError(f"{self._next().upper()} has no place in the file of a table")

    def _next(self, ahead: int = 0) -> str:
        position = self._position + ahead
        return self._tokens[position] if position < len(self._tokens) else ""

    def _take(self, *words: str) -> bool:
        """Step over some words, if they are the next ones."""
        end = self._position + len(words)
        found = self._tokens[self._position : end] == [*words]
        if found:
            self._position = end
        return found

    def _want(self, *words: str) -> None:
        if not self._take(*words):
            found = self._next() or "the end"
            raise ConfigurationError(f"{' '.join(words).upper()} is wanted, not {found}")

    def _name(self) -> str:
        name = name_of(self._next())
        self._position += 1
        return name

    def _last_name(self) -> str:
        """Return a name without the schema before it."""
        name = self._name()
        while self._take("."):
            name = self._name()
        return name

    def _names(self) -> tuple[str, ...]:
        self._want("(")
        names = [self._name()]
        while self._take(","):
            names.append(self._name())
        self._want(")")
        return tuple(names)

    def _until(self, ends: Callable[[str], bool]) -> list[str]:
        """Return the tokens up to one outside of brackets that ends them."""
        found: list[str] = []
        depth = 0
        while (word := self._next()) and (depth or not ends(word)):
            depth += (word in "([") - (word in ")]")
            found.append(word)
            self._position += 1
        return found

    def _bracketed(self) -> str:
        self._want("(")
        found = one_form(self._until(lambda word: word == ")"))
        self._want(")")
        return found

    def _table(self) -> TableDefined | PartitionDefined:
        self._take("if", "not", "exists")
        name = self._last_name()
        if self._take("partition", "of"):
            return PartitionDefined(self._last_name())
        self._want("(")
        columns: list[Column] = []
        parts: list[Part] = []
        while True:
            if self._next() in ("constraint", "primary", "unique", "foreign", "check"):
                parts.append(self._constraint(name, ""))
            else:
                column, own = self._column(name)
                columns.append(column)
                parts += own
            if not self._take(","):
                break
        self._want(")")
        partitioned = self._names() if self._take("partition", "by", "hash") else ()
        if self._take("with"):  # toast_tuple_target and the like are no part of a schema
            self._bracketed()
        self._want(";")
        return TableDefined(name, tuple(columns), tuple(parts), partitioned)

    def _column(self, table: str) -> tuple[Column, list[Part]]:
        name = self._name()
        type_name, sizes, self._position = take_type(self._tokens, self._position)
        plain = type_name.removesuffix("[]")
        known = _TYPES.get(plain, plain)
        length = int(sizes[0]) if sizes and known in ("varchar", "bpchar") else None
        if plain in ("char", "character") and not sizes:  # a bpchar has any length
            length = 1
        column = Column(name, f"_{known}" if plain != type_name else known, False, length)
        if sizes and known == "numeric":
            column = replace(column, digits=(int(sizes[0]), int(sizes[1]) if sizes[1:] else 0))
        if plain.endswith("serial"):
            column = replace(column, default="serial", not_null=True)
        parts: list[Part] = []
        while self._next() not in (",", ")", ""):
            if self._take("not", "null"):
                column = replace(column, not_null=True)
            elif self._take("null"):
                pass
            elif self._take("default"):
                default = self._until(lambda word: word in _AFTER_DEFAULT)
                column = replace(column, default=one_form(default))
            elif self._take("generated", "always", "as", "identity"):
                column = replace(column, default="identity", not_null=True, generated=True)
            elif self._take("generated", "by", "default", "as", "identity"):
                column = replace(column, default="identity", not_null=True)
            elif self._take("generated", "always", "as"):
                column = replace(column, default=self._bracketed(), generated=True)
                self._want("stored")
            else:
                parts.append(self._constraint(table, name))
        return column, parts

    def _constraint(self, table: str, column: str) -> Part:
        """Return the constraint of a table, or of one of its columns."""
        name = self._name() if self._take("constraint") else ""
        if self._take("primary", "key"):
            columns = (column,) if column else self._names()
            return Key(name or f"{table}_pkey", columns, primary=True)
        if self._take("unique"):
            columns = (column,) if column else self._names()
            return Key(name or f"{table}_{'_'.join(columns)}_key", columns)
        if self._take("check"):
            if not (name or column):
                raise ConfigurationError("a CHECK must have a name")
            return Check(name or f"{table}_{column}_check", self._bracketed())
        columns = (column,)
        if not column:
            self._want("foreign", "key")
            columns = self._names()
        if not self._take("references"):
            raise ConfigurationError(f"{self._next()} has no place in column {column or columns}")
        schema, other = "", self._name()
        while self._take("."):
            schema, other = other, self._name()
        keys = self._names()
        validated = not self._take("not", "valid")
        return Reference(
            name or f"{table}_{'_'.join(columns)}_fkey", columns, other, keys, validated, schema
        )

    def _index(self, *, unique: bool) -> PartAdded:
        self._take("if", "not", "exists")
        name = self._name()
        self._want("on")
        table = self._last_name()
        method = self._name() if self._take("using") else "btree"
        self._want("(")
        expressions = [one_form(self._until(lambda word: word in (",", ")")))]
        while self._take(","):
            expressions.append(one_form(self._until(lambda word: word in (",", ")"))))
        self._want(")")
        where = one_form(self._until(lambda word: word == ";")) if self._take("where") else ""
        self._want(";")
        return PartAdded(table, Index(name, tuple(expressions), unique, method, where))

    def _alteration(self) -> Meaning:
        self._take("only")
        table = self._last_name()
        if self._take("validate", "constraint"):
            return Validated(table, self._name())
        if self._take("add", "constraint"):
            using = ""
            if self._next(3) == "using" or self._next(2) == "using":
                name = self._name()
                primary = self._take("primary", "key")
                if not primary:
                    self._want("unique")
                self._want("using", "index")
                using = self._name()
                part: Part = Key(name, (), primary)
            else:
                self._position -= 1
                part = self._constraint(table, "")
            self._want(";")
            return PartAdded(table, part, using)
        if self._take("alter") and self._setting_only():
            return None
        raise ConfigurationError(f"ALTER TABLE {self._next().upper()} has no place in such a file")

    def _setting_only(self) -> bool:
        """Say whether columns are altered in what is no part of a schema: SET STORAGE."""
        self._take("column")
        self._name()
        return self._take("set", "storage") or self._take("set", "statistics")

    def _comment(self) -> Meaning:
        of_column = self._take("column")
        if not of_column and not self._take("table"):
            return None
        names = [self._name()]
        while self._take("."):
            names.append(self._name())
        self._want("is")
        text = self._next()
        comment = text[1:-1].replace("''", "'") if text[:1] == "'" else ""
        if of_column:
            return Commented(names[-2], names[-1], comment)
        return Commented(names[-1], "", comment)
