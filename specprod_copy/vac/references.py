"""The SQL of a described table, and what its rows refer to."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile

import psycopg

from specprod_copy.errors import ConfigurationError, DatabaseError
from specprod_copy.postgres.identifiers import quote_identifier
from specprod_copy.postgres.schema import Reference, Schema
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.postgres.sql_files import SqlText
from specprod_copy.vac.description import Description, ReferenceRule, TableRule
from specprod_copy.vac.files import filled
from specprod_copy.words import did_you_mean

_GRANTS = """
{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.{{ table }} TO {{ role }};
{% endfor %}
{% endblock %}
"""


def sql_text(description: Description, rule: TableRule) -> SqlText:
    """Return the SQL of a table, with the foreign keys that the description asks for."""
    text = description.sql[rule.sql]
    refused = [reference for reference in rule.references if reference.orphans == "refuse"]
    if refused and "block foreign_keys" in text:
        raise ConfigurationError(
            f"{rule.sql} has foreign keys, and so has [tables.{rule.name}] as references: keep one"
        )
    if refused:
        keys = [_foreign_key(description, rule, reference) for reference in refused]
        for phase, n in (("foreign_keys", 0), ("validation", 1)):
            lines = "\n".join(key[n] for key in keys)
            text += f"\n{{% block {phase} %}}\n{lines}\n{{% endblock %}}\n"
    if "block grants" not in text:
        text += _GRANTS
    return SqlText(description.table(rule.name), text)


def _foreign_key(
    description: Description, rule: TableRule, reference: ReferenceRule
) -> tuple[str, str]:
    wanted = _reference(description, rule, reference)
    schema = quote_identifier(wanted.schema) if wanted.schema else "{{ schema }}"
    own, other = (", ".join(map(quote_identifier, n)) for n in (wanted.columns, wanted.keys))
    alter, name = "ALTER TABLE {{ schema }}.{{ table }}", quote_identifier(wanted.name)
    return (
        f"{alter} ADD CONSTRAINT {name} FOREIGN KEY ({own}) REFERENCES "
        f"{schema}.{quote_identifier(wanted.table)} ({other}) NOT VALID;",
        f"{alter} VALIDATE CONSTRAINT {name};",
    )


def _reference(description: Description, rule: TableRule, said: ReferenceRule) -> Reference:
    where = filled(said.table, description.parameters)
    schema, dot, table = where.rpartition(".")
    if not dot:
        if table not in {other.name for other in description.tables}:
            raise ConfigurationError(
                f"table {rule.name} refers to {table}, which is none of this description: name "
                f"another one with its schema, SCHEMA.{table}"
            )
        table = description.table(table)
    if "{" in where:
        raise ConfigurationError(
            f"table {rule.name} refers to {said.table}: what it stands for is not known; name it "
            "by --specprod"
        )
    name = _key_name(description, rule, said)
    return Reference(name, said.columns, table, said.keys, schema=schema)


def _key_name(description: Description, rule: TableRule, said: ReferenceRule) -> str:
    """Return the name of a foreign key, with a number if others before it are called so."""

    def plain(one: ReferenceRule) -> str:
        return f"{description.table(rule.name)}_{'_'.join(one.columns)}_fkey"[:63]

    keys = [one for one in rule.references if one.orphans == "refuse"]
    before = [plain(one) for one in takewhile(lambda one: one is not said, keys)]
    number = str(before.count(plain(said)) or "")
    return plain(said)[: 63 - len(number)] + number


def partial_references(
    description: Description, definition: Schema
) -> Iterable[tuple[str, Reference]]:
    """Yield tables and what they refer to without a foreign key."""
    for rule in description.tables:
        table = definition.tables[description.table(rule.name)]
        names = [column.name for column in table.columns]
        for said in rule.references:
            for name in said.columns:
                require_column(f"table {rule.name}, references", name, names)
            if said.orphans == "allow":
                yield table.name, _reference(description, rule, said)


def require_column(where: str, name: str, names: Iterable[str]) -> None:
    """Raise a ConfigurationError if there is no column of that name."""
    names = [*names]
    if name not in names:
        meant = did_you_mean(name, names)
        raise ConfigurationError(f"{where}: no column is called {name}; {meant}".rstrip("; "))


def check_reference(connection: psycopg.Connection, table: str, reference: Reference) -> None:
    """Check that there is a table that another one can refer to.

    Raises
    ------
    DatabaseError
        If there is none, or the columns are no key of it.
    """
    name = reference.table
    other = read_schema(connection, reference.schema, tables=[name]).tables.get(name)
    what = f"table {table} refers to {reference.where} ({', '.join(reference.keys)})"
    if other is None:
        raise DatabaseError(
            f"{what}, and there is no such table: load it first, or leave out these references"
        )
    names = {column.name for column in other.columns}
    if lost := [name for name in reference.keys if name not in names]:
        raise DatabaseError(f"{what}, and it has no column {lost[0]}")
    unique = [frozenset(key.columns) for key in other.keys]
    if frozenset(reference.keys) not in unique:
        raise DatabaseError(
            f"{what}, which is no key of it: its keys are "
            f"{', '.join(str(key) for key in other.keys) or 'not made yet'}"
        )
