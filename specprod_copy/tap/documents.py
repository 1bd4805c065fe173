"""What is published of a schema, as files that other programs make their metadata of."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from xml.sax.saxutils import escape, quoteattr

import jinja2

from specprod_copy.metadata.units import vounit
from specprod_copy.resources import resource_folder
from specprod_copy.tap.published import (
    Published,
    PublishedColumn,
    PublishedKey,
    PublishedTable,
)
from specprod_copy.tap.words import adql
from specprod_copy.words import escaped

_SQL_TYPES: Final = {
    "short": "smallint",
    "int": "integer",
    "long": "bigint",
    "float": "real",
    "double": "double precision",
}
_NULLS: Final = {"short": -(2**15), "int": -(2**31), "long": -(2**63)}
"""Numbers that no value has, for formats that need one to stand for nothing."""


def felis(shown: Published) -> str:
    """Return the YAML of felis for a schema.

    There no two keys of a schema may have one name: such keys have their tables' before it.
    """
    names = Counter(key.name for key in shown.keys)

    def key_name(key: PublishedKey) -> str:
        return key.name if names[key.name] == 1 else f"{key.table}.{key.name}"

    return _rendered(
        "felis.yaml", str, shown=shown, types=_felis_type, ids=_felis_ids, key_name=key_name
    )


def dachs(shown: Published) -> str:
    """Return the resource descriptor of DaCHS for a schema.

    It has no table of `unknown_to_dachs`, nor keys that one takes part in.
    """
    date = datetime.now(UTC).isoformat(timespec="seconds").removesuffix("+00:00") + "Z"
    return _rendered(
        "dachs.xml",
        _xml,
        shown=_for_dachs(shown),
        types=_dachs_type,
        nulls=_NULLS,
        date=date,
    )


def unknown_to_dachs(shown: Published) -> list[str]:
    """Return the tables that DaCHS has no names for: those whose names need quotes."""
    return [table.name for table in shown.tables if not _is_plain(table.name)]


def _is_plain(*names: str) -> bool:
    return all(adql(name) == name for name in names)


def _for_dachs(shown: Published) -> Published:
    tables = [_table_for_dachs(table) for table in shown.tables if _is_plain(table.name)]
    names = {table.name for table in tables}
    keys = (
        key
        for key in shown.keys
        if {key.table, key.target} <= names and _is_plain(*key.columns, *key.targets)
    )
    return replace(shown, tables=tuple(tables), keys=tuple(keys))


def _table_for_dachs(table: PublishedTable) -> PublishedTable:
    # DaCHS takes each column of a primary key for an indexed one. Ids that are text are not.
    indexed = {shown.column.name for shown in table.columns if shown.indexed}
    is_known = {*table.primary_key} <= indexed and _is_plain(*table.primary_key)
    has_position = table.position is not None and _is_plain(*table.position)
    return replace(
        table,
        primary_key=table.primary_key if is_known else (),
        position=table.position if has_position else None,
    )


def _rendered(name: str, finalize: Callable[[object], object], **values: object) -> str:
    environment = jinja2.Environment(  # noqa: S701 (no HTML: each value is quoted by its format)
        loader=jinja2.FileSystemLoader(resource_folder("templates") / "tap"),
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"quoted": _json, "attribute": _attribute, "vounit": vounit}
    environment.tests["plain"] = _is_plain
    return environment.get_template(name).render(**values)


class _Ready(str):
    """XML that is quoted already."""

    __slots__ = ()


def _xml(value: object) -> object:
    return value if isinstance(value, _Ready) else escape(escaped(str(value)))


def _attribute(value: str) -> _Ready:
    return _Ready(quoteattr(escaped(value)))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _felis_type(shown: PublishedColumn) -> str:
    if shown.kind.xtype is not None:
        return "timestamp"
    if shown.kind.datatype == "char":
        return "string" if shown.column.max_length else "text"
    return shown.kind.datatype


def _felis_ids(table: str, columns: Sequence[str]) -> list[str]:
    return [f"#{table}.{column}" for column in columns]


def _dachs_type(shown: PublishedColumn) -> str:
    if shown.kind.xtype is not None:
        return "timestamp"
    if shown.kind.datatype == "char":
        return "text"
    kind = _SQL_TYPES.get(shown.kind.datatype, shown.kind.datatype)
    return f"{kind}[]" if shown.kind.arraysize else kind
