"""Why a load failed: the ledger has it until the next one succeeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import psycopg

from specprod_copy.errors import ConfigurationError, SpecprodCopyError
from specprod_copy.loading.options import LoadOptions
from specprod_copy.plan import ledger
from specprod_copy.plan.failures import Failure, failures, replace_failures, try_to_write
from specprod_copy.plan.ledger_format import require_format
from specprod_copy.postgres.connection import one_line
from specprod_copy.postgres.foreign_code import refuse_foreign_code
from specprod_copy.tables import TableSource


@contextmanager
def noting_failure(
    connection: psycopg.Connection, sources: Sequence[TableSource], options: LoadOptions
) -> Iterator[None]:
    """Write down what the block failed at and why, or that it succeeded, if there is a ledger.

    All that the block did is committed or undone by then. Ctrl-C is no failure of the tables, nor
    are options that make no sense.
    """
    write = partial(_write, connection, sources, options)
    try:
        yield
    except ConfigurationError:
        raise
    except (SpecprodCopyError, psycopg.Error) as error:
        try_to_write(connection, partial(write, error))
        raise
    try_to_write(connection, write)


def _write(
    connection: psycopg.Connection,
    sources: Sequence[TableSource],
    options: LoadOptions,
    error: SpecprodCopyError | psycopg.Error | None = None,
) -> None:
    if not require_format(connection, options.schema):
        return
    if error is None and not failures(connection, options.schema):
        return
    refuse_foreign_code(connection, options.schema, [ledger.TABLE])
    part = ", part {} of {}".format(*options.part) if options.part else ""
    concerned, now = sources, []
    if error is not None:
        table = error.concerns if isinstance(error, SpecprodCopyError) else None
        concerned = [source for source in sources if source.table == table] or sources
        why = one_line(error)
        now = [Failure(s.table, s.stage, f"stage {s.stage}{part}", why) for s in concerned]
    # Of a whole load: the parts as well.
    condition = """(table_name, stage) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
                   AND right(entry, length(%s)) = %s"""
    values = ([s.table for s in concerned], [s.stage for s in concerned], part, part)
    replace_failures(connection, options.schema, now, condition, values)
