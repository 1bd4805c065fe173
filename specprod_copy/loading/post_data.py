"""After the rows: keys, indexes, foreign keys, q3c, statistics; each only if it is missing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import psycopg

from specprod_copy.executors.schedule import Task, run_in_order
from specprod_copy.postgres import ddl
from specprod_copy.postgres.connection_pool import Connections
from specprod_copy.postgres.ddl import Statement
from specprod_copy.postgres.identifiers import quote_identifier
from specprod_copy.postgres.patience import Patience
from specprod_copy.postgres.schema import Made, Schema
from specprod_copy.postgres.schema import made as things_made
from specprod_copy.postgres.schema_conflicts import refuse_conflicts
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.tables import Inputs, TableSource
from specprod_copy.tables.common import ranked_by


def foreign_keys(
    defined: Schema, found: Schema, tables: Sequence[str], *, made: bool = True
) -> list[tuple[Made, str]]:
    """Return foreign keys of some tables, each with the table that it refers to.

    Parameters
    ----------
    defined, found : Schema
    tables : sequence of str
    made : bool
        Those that exist, or those that are still to be made.
    """
    existing = things_made(defined, found)
    return [
        (statement.makes, statement.references.where)
        for statement in ddl.statements(defined, tables, ["foreign_keys"], schema=found.name)
        if statement.makes and statement.references
        if (statement.makes in existing) == made
    ]


@dataclass(frozen=True)
class PostData:
    """What tables get after their rows, as far as it is not in their definition."""

    q3c: str | None
    """Schema that q3c is in; without it no q3c indexes are made."""
    changed: Collection[str] = ()
    """Tables that get rows; these and those that get an index are analyzed."""
    cluster: Collection[str] = ()
    """Tables to order on their q3c index, unless they are."""
    analyze: bool = True


def rows_of(table: str) -> tuple[str, str]:
    """Return the group of the tasks that bring a table its rows."""
    return table, "rows"


def computed(table: str) -> tuple[str, str]:
    """Return the group of the tasks that compute columns of a table from all of its rows."""
    return table, "computed"


def ready(table: str) -> tuple[str, str]:
    """Return the group of the tasks after which a table only lacks its foreign keys."""
    return table, "ready"


def computing_tasks(
    defined: Schema,
    run: Callable[[Statement], None],
    schema: str,
    sources: Iterable[TableSource],
    inputs: Inputs,
) -> Iterator[Task[None]]:
    """Yield what computes columns from all rows of a table.

    Parameters
    ----------
    defined : Schema
        The tables as they are defined.
    run : callable
        Runs a statement.
    schema : str
    sources : iterable of TableSource
        Those that bring rows.
    inputs : Inputs
    """
    for source in sources:
        for name in source.after_rows(inputs) if source.after_rows else ():
            rank = ranked_by(defined.tables[source.table].columns)
            query = ddl.render_template(
                f"{name}_counted", schema=schema, table=source.table, rank=rank
            )
            work = partial(run, Statement(source.table, name, query, schema))
            yield Task(computed(source.table), work, [rows_of(source.table)])


def table_tasks(
    defined: Schema,
    run: Callable[[Statement], None],
    schema: str,
    table: str,
    existing: Collection[Made],
    wanted: PostData,
) -> Iterator[Task[None]]:
    """Yield what a table needs after its rows, but for foreign keys, as far as it is missing.

    Indexes are built several at a time, also that of the primary key: it becomes the key when the
    others are there, for that takes the table for itself.

    Parameters
    ----------
    defined : Schema
    run : callable
        Runs a statement.
    schema, table : str
    existing : collection of Made
        What is there.
    wanted : PostData
    """
    q3c = wanted.q3c

    def missing(*phases: str) -> list[Statement]:
        found = ddl.statements(defined, [table], phases, schema=schema, q3c=q3c or ddl.Q3C_SCHEMA)
        return [s for s in found if s.makes is None or s.makes not in existing]

    made = missing("keys", "indexes", *(["q3c"] if q3c else []))
    ordering = missing("cluster") if q3c and table in wanted.cluster else []
    analyze = f"ANALYZE {quote_identifier(schema)}.{table};"
    indexes = [s for s in made if s.makes and s.makes.kind == "index"]
    keys = [s for s in made if s.makes and s.makes.kind == "constraint"]
    there = [*existing, *(s.makes for s in indexes)]
    alone = [s for s in keys if s.makes and s.makes._replace(kind="index") not in there]
    steps = {
        # A key that makes its index itself: what is unique because of it comes later.
        "keys alone": alone,
        "indexes": indexes,
        "keys": [s for s in keys if s not in alone],
        "order": ordering,
        "ready": [],
    }
    if wanted.analyze and (table in wanted.changed or made or ordering):
        steps["ready"] = [Statement(table, "analyze", analyze)]
    before = [rows_of(table), computed(table)]
    for name, statements in steps.items():
        for statement in statements:
            yield Task((table, name), partial(run, statement), before)
        if statements:
            before = [(table, name)]


def foreign_key_tasks(
    defined: Schema,
    run: Callable[[Statement], None],
    schema: str,
    tables: Sequence[str],
    existing: Collection[Made],
) -> Iterator[Task[None]]:
    """Yield what makes foreign keys between tables, as far as they are missing.

    A foreign key is made without a look at the rows, which takes a moment but locks both tables.
    When all of them are made, the rows are looked at, which locks out nobody who reads or writes.

    Parameters
    ----------
    defined, run, schema, existing
        As for `table_tasks`.
    tables : sequence of str
        Tables that have all their rows.
    """
    last: dict[str, Hashable] = {}
    for statement in ddl.statements(defined, tables, ["foreign_keys", "validation"], schema=schema):
        made, refers_to = statement.makes, statement.references
        if made is None or made in existing:
            continue
        if refers_to is None:
            continue
        if made.kind == "constraint" and (refers_to.schema or refers_to.table in tables):
            after = [ready(statement.table), *([ready(t)] if (t := refers_to.inside) else [])]
            yield Task("foreign keys", partial(run, statement), after)
            existing = {*existing, made}
        elif made._replace(kind="constraint") in existing:
            # Of one table one after the other: each would wait for the other's lock.
            group = ("validation", made)
            before: Hashable = last.get(statement.table, ready(statement.table))
            yield Task(group, partial(run, statement), ["foreign keys", before])
            last[statement.table] = group


def finish_tasks(
    defined: Schema,
    found: Schema,
    run: Callable[[Statement], None],
    tables: Sequence[str],
    wanted: PostData,
) -> Iterator[Task[None]]:
    """Yield what gives tables their keys, indexes, foreign keys and statistics.

    Parameters
    ----------
    defined : Schema
        The tables as they are defined.
    found : Schema
        With all these tables.
    run : callable
        Runs a statement.
    tables : sequence of str
        Tables that have all their rows, or will have them after the tasks in `rows_of`.
    wanted : PostData
    """
    refuse_conflicts(defined, found, tables)
    existing = things_made(defined, found)
    clustered = {table.name for table in found.tables.values() if table.clustered}
    ordered = clustered.difference(wanted.changed)
    wanted = replace(wanted, cluster={*wanted.cluster} - ordered)
    for table in tables:
        yield from table_tasks(defined, run, found.name, table, existing, wanted)
    yield from foreign_key_tasks(defined, run, found.name, tables, existing)


def finish(
    connection: psycopg.Connection,
    defined: Schema,
    schema: str,
    tables: Sequence[str],
    wanted: PostData,
    patience: Patience,
) -> None:
    """Give tables that have all their rows what else they need, one statement after the other.

    Parameters
    ----------
    connection : psycopg.Connection
        May be inside a transaction.
    defined, schema, tables, wanted
        As for `finish_tasks`.
    patience : Patience
        See `Connections`.

    Raises
    ------
    BrokenKey
        If a key is not unique or a foreign key has no counterpart.
    DatabaseError
        If the server refuses for another reason.
    """
    run = Connections([connection], schema, patience).run
    found = read_schema(connection, schema)
    tasks = finish_tasks(defined, found, run, tables, wanted)
    run_in_order([*tasks], lambda task, result: None)
