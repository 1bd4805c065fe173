"""The text of a draft: annotated SQL files, and the description in TOML."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from specprod_copy.postgres.identifiers import quote_identifier
from specprod_copy.postgres.row_size import RowSize, row_size
from specprod_copy.vac.draft_columns import Drafted, DraftedHdu, columns_of

_LISTED = 8
ROW_COLUMN, PART_COLUMN = "file_row", "file_part"
"""Columns of a key that is made of nothing but the place of a row; the files may have such."""

_PART_WIDTH = 64


@dataclass(frozen=True)
class Repeated:
    """Columns of a joined HDU that an HDU before it has as well."""

    same: tuple[str, ...]
    rename: Mapping[str, str]


@dataclass(frozen=True)
class DraftTable:
    """A table of a draft."""

    name: str
    hdus: Sequence[DraftedHdu]
    columns: Sequence[Drafted]
    repeated: Sequence[Repeated]
    """For each HDU but the first one."""
    key: tuple[str, ...]
    """Empty if no columns are unique."""
    checked: bool
    position: tuple[str, ...]
    n_files: int

    @property
    def size(self) -> RowSize:
        """What a row takes."""
        lengths = {column.name: column.length for column in self.columns if column.length}
        return row_size(columns_of(self.columns), lengths)

    @property
    def own_key(self) -> tuple[str, ...]:
        """The primary key; the place of the row where nothing else is one."""
        return self.key or self.place

    @property
    def place(self) -> tuple[str, ...]:
        """Columns of what file a row is from, if there are several, and its number there."""
        names = {column.name for column in self.columns}
        wanted = (PART_COLUMN, ROW_COLUMN) if self.n_files > 1 else (ROW_COLUMN,)
        return tuple(f"{name}_" if name in names else name for name in wanted)


@dataclass(frozen=True)
class Draft:
    """A first version of a description and its SQL files."""

    name: str
    parameters: Mapping[str, str]
    """What names in braces stand for."""
    files: str
    """The pattern of the files."""
    tables: Sequence[DraftTable]

    def texts(self) -> dict[str, str]:
        """Return the text of each file, by its name; the description comes last."""
        found = {f"{table.name}.sql": "\n".join(_sql(table)) + "\n" for table in self.tables}
        return {**found, f"{self.name}.toml": "\n".join(self._toml()) + "\n"}

    def _toml(self) -> Iterator[str]:
        yield "# How the rows of a catalogue come from FITS files: a draft, to be edited."
        yield "# docs/value-added.md explains every key."
        yield f"name = {_quoted(self.name)}"
        version = self.parameters.get("version")
        yield f"version = {_quoted(version or 'v1')}" + ("" if version else "  # guessed")
        for key in ("release", "specprod"):
            if key in self.parameters:
                yield f"{key} = {_quoted(self.parameters[key])}"
        yield 'about = ""'
        yield 'url = ""'
        for table in self.tables:
            yield ""
            yield from _table_toml(table, self.files)


def _table_toml(table: DraftTable, files: str) -> Iterator[str]:
    yield f"[tables.{table.name}]"
    parts = not table.key and table.n_files > 1
    pattern = files.replace("*", f"{{{PART_COLUMN}}}", 1) if parts else files
    yield f"files = {_quoted(pattern)}  # below --root"
    yield f"hdu = {_quoted(table.hdus[0].name)}"
    if table.position:
        yield f"position = {_list(table.position)}"
    left = sorted(table.hdus[0].empty)
    if left:
        yield f"drop = {_list(left)}  # no bytes, so no values"
    for hdu, repeated in zip(table.hdus[1:], table.repeated, strict=True):
        yield ""
        yield f"[[tables.{table.name}.join]]"
        yield f"hdu = {_quoted(hdu.name)}"
        if repeated.same:
            guess = "" if table.checked else "  # guessed, not checked"
            yield f"same = {_list(repeated.same)}{guess}"
        if hdu.empty:
            yield f"drop = {_list(sorted(hdu.empty))}  # no bytes, so no values"
        if repeated.rename:
            pairs = ", ".join(f"{_quoted(a)} = {_quoted(b)}" for a, b in repeated.rename.items())
            yield f"rename = {{ {pairs} }}"
    lines = [*_columns_toml(table)]
    if lines:
        yield ""
        yield f"[tables.{table.name}.columns]"
        yield from lines
    yield from _references(table)


def _columns_toml(table: DraftTable) -> Iterator[str]:
    renamed = {name for repeated in table.repeated for name in repeated.rename.values()}
    for column in table.columns:
        said = []
        if column.name.upper() != column.fits and column.name not in renamed:
            said.append(f"from = {_quoted(column.fits)}")
        if not column.in_all:
            said.append("optional = true")
        if said:
            yield f"{_quoted(column.name)} = {{ {', '.join(said)} }}"
    if not table.key:
        yield f"{table.place[-1]} = {{ row = true }}"
        for name in table.place[:-1]:
            yield f'{name} = {{ path = "{PART_COLUMN}" }}'


def _references(table: DraftTable) -> Iterator[str]:
    """Propose what the rows could refer to, as comments."""
    names = {column.name for column in table.columns}
    kind = ""
    if {"targetid", "survey", "program"} <= names:
        kind = "zpix"
    elif {"targetid", "tileid", "lastnight"} <= names:
        kind = "ztile"
    if kind:
        yield ""
        yield f"# To refer to {kind}: column {kind}_id numeric(39) in the SQL file, and"
        yield f"# [tables.{table.name}.columns]"
        yield f'# {kind}_id = {{ id = "{kind}" }}'
    elif "targetid" in names:
        yield ""
        yield "# To refer to photometry:"
    if kind or "targetid" in names:
        column, other, key = (
            (f"{kind}_id", kind, "id") if kind else ("targetid", "photometry", "targetid")
        )
        yield f"# [[tables.{table.name}.references]]"
        yield f'# columns = ["{column}"]'
        yield f'# table = "{{specprod}}.{other}"'
        yield f'# keys = ["{key}"]'
        yield '# orphans = "refuse"  # or "allow": no foreign key, rows without are counted'


def _sql(table: DraftTable) -> Iterator[str]:
    hdus = " and ".join(hdu.name for hdu in table.hdus)
    rows = sum(table.hdus[0].rows)
    made_of = _comment(f"HDU {hdus}, {rows:,} rows in {_files(table.n_files)}")
    yield f"-- {table.name}: {made_of}. A draft, to be edited."
    yield f"-- {table.size}; the server takes 8,160 bytes and 1,600 columns."
    if table.size.note:
        yield f"-- {table.size.note}."
    for what, missing in (
        ("unit", [c.name for c in table.columns if not c.unit and "real" in c.type]),
        ("description", [c.name for c in table.columns if not c.description]),
    ):
        if missing:
            more = f" and {len(missing) - _LISTED} more" if len(missing) > _LISTED else ""
            yield f"-- Without a {what}: {', '.join(missing[:_LISTED])}{more}."
    yield ""
    yield "{% block table %}"
    yield "CREATE TABLE IF NOT EXISTS {{ schema }}.{{ table }} ("
    lines = [column.line for column in table.columns]
    if not table.key:
        parts = [f"{name} varchar({_PART_WIDTH}) NOT NULL" for name in table.place[:-1]]
        lines = [*parts, f"{table.place[-1]} bigint NOT NULL", *lines]
    yield ",\n".join(f"    {line}" for line in lines)
    yield ");"
    yield "{% endblock %}"
    yield ""
    key = ", ".join(map(quote_identifier, table.own_key))
    yield "{% block keys %}"
    if not table.key:
        yield "-- No columns that usually make a key are unique: the place of the row is the key."
    else:
        yield "-- Unique in all rows." if table.checked else "-- Guessed, not checked."
    on = "ON {{ schema }}.{{ table }}"
    yield f"CREATE UNIQUE INDEX IF NOT EXISTS {{{{ table }}}}_pkey {on} ({key});"
    yield (
        "ALTER TABLE {{ schema }}.{{ table }} ADD CONSTRAINT {{ table }}_pkey "
        "PRIMARY KEY USING INDEX {{ table }}_pkey;"
    )
    yield "{% endblock %}"
    if table.position:
        pair = ", ".join(map(quote_identifier, table.position))
        yield ""
        yield "{% block q3c %}"
        yield (
            f"CREATE INDEX IF NOT EXISTS ix_{{{{ table }}}}_q3c {on} ({{{{ q3c }}}}.q3c_ang2ipix"
            f"({pair}));"
        )
        yield "{% endblock %}"
        yield ""
        yield "{% block cluster %}"
        yield "CLUSTER {{ schema }}.{{ table }} USING ix_{{ table }}_q3c;"
        yield "{% endblock %}"
    yield ""
    yield "{% block comments %}"
    yield from _comments(table)
    yield "{% endblock %}"


def _comments(table: DraftTable) -> Iterator[str]:
    hdus = " and ".join(hdu.name for hdu in table.hdus)
    yield f"COMMENT ON TABLE {{{{ schema }}}}.{{{{ table }}}} IS {_literal(f'HDU {hdus}')};"
    on = "COMMENT ON COLUMN {{ schema }}.{{ table }}."
    if not table.key:
        for name in table.place[:-1]:
            yield f"{on}{name} IS 'What its file is called (UCD meta.id;meta.file)';"
        yield f"{on}{table.place[-1]} IS 'Number of the row in its file, from 0 (UCD meta.record)';"
    for column in table.columns:
        unit = f" [{column.unit}]" if column.unit else ""
        text = _literal(f"{column.description}{unit}")
        yield f"{on}{quote_identifier(column.name)} IS {text};"


def _files(number: int) -> str:
    return "1 file" if number == 1 else f"{number:,} files"


def _literal(text: str) -> str:
    """Return a text as a literal of SQL that a template leaves as it is."""
    doubled = text.replace("'", "''")
    # Each brace that could begin a mark, so that none is left of three in a row.
    return "'" + re.sub(r"\{(?=[{%#])", "{ ", doubled) + "'"


def _comment(text: str) -> str:
    return " ".join(text.replace("{", "(").replace("}", ")").split())


def _quoted(text: str) -> str:
    # Basic strings of TOML have the escapes of JSON, and one more.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(names: Sequence[str]) -> str:
    return f"[{', '.join(map(_quoted, names))}]"
