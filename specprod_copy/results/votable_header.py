"""The part of a VOTable that says what its columns are, and nothing of its rows.

VOTable 1.4: https://www.ivoa.net/documents/VOTable/20191021/. A Parquet file carries one as well,
as the IVOA's note on VOParquet 1.0 says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

import pyarrow as pa

from specprod_copy.metadata.units import vounit
from specprod_copy.results.column import ResultColumn
from specprod_copy.words import escaped

DATATYPES: Final = {
    pa.bool_(): "boolean",
    pa.int16(): "short",
    pa.int32(): "int",
    pa.int64(): "long",
    pa.float32(): "float",
    pa.float64(): "double",
    pa.string(): "unicodeChar",
}
"""The VOTable's names of types; texts may hold any character."""

_TOP = """<?xml version="1.0" encoding="UTF-8"?>
<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">
<RESOURCE type="results">
"""


def header(
    columns: Sequence[ResultColumn],
    schema: pa.Schema,
    infos: Mapping[str, str],
    *,
    widths: Mapping[str, int] | None = None,
) -> str:
    """Return the beginning of a VOTable, up to its last FIELD; `FOOTER` closes it.

    Parameters
    ----------
    columns : sequence of ResultColumn
    schema : pyarrow.Schema
        What the columns are handed out as.
    infos : mapping of str to str
        What else is to be known of the table.
    widths : mapping of str to int, optional
        Characters of text columns, where a reader wants a number.
    """
    parts = [_TOP]
    for name, value in infos.items():
        parts.append(f"<INFO name={quoteattr(name)} value={quoteattr(value)}/>\n")
    parts.append("<TABLE>\n")
    for column, field in zip(columns, schema, strict=True):
        parts += _field(column, field.type, (widths or {}).get(column.name))
    return "".join(parts)


FOOTER: Final = "</TABLE>\n</RESOURCE>\n</VOTABLE>\n"


def _field(column: ResultColumn, kind: pa.DataType, width: int | None) -> Iterator[str]:
    attributes = {"name": escaped(column.name), **_type(column, kind, width)}
    meaning = column.meaning
    if meaning.unit:
        attributes["unit"] = escaped(vounit(meaning.unit))
    if meaning.ucd:
        attributes["ucd"] = escaped(meaning.ucd)
    yield "<FIELD" + "".join(f" {name}={quoteattr(text)}" for name, text in attributes.items())
    if meaning.description:
        told = "\n".join(map(escaped, meaning.description.splitlines()))
        yield f">\n<DESCRIPTION>{escape(told)}</DESCRIPTION>\n</FIELD>\n"
    else:
        yield "/>\n"


def _type(column: ResultColumn, kind: pa.DataType, width: int | None) -> dict[str, str]:
    if pa.types.is_list(kind) and kind.value_type in DATATYPES and not column.is_text:
        return {"datatype": DATATYPES[kind.value_type], "arraysize": "*"}
    if pa.types.is_list(kind):
        element = _type(column.element, kind.value_type, width)
        return {**element, "arraysize": f"{element['arraysize']}x*"}
    size = "*" if width is None else str(width)
    if pa.types.is_temporal(kind):
        return {"datatype": "char", "arraysize": size, "xtype": "timestamp"}
    if pa.types.is_decimal(kind) or column.is_exact:
        return {"datatype": "char", "arraysize": size}
    if pa.types.is_string(kind):
        return {"datatype": "unicodeChar", "arraysize": size}
    return {"datatype": DATATYPES[kind]}
