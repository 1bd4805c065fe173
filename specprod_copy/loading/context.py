"""What the steps of a load share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import psycopg

from specprod_copy.executors.executor import Workers
from specprod_copy.loading.options import LoadOptions
from specprod_copy.plan.ledger import Ledger
from specprod_copy.plan.planning import Planner
from specprod_copy.postgres.columns import Column
from specprod_copy.postgres.patience import Patience
from specprod_copy.postgres.schema import Schema
from specprod_copy.progress import ProgressListener
from specprod_copy.tables import Catalogue, Inputs, TableSource


@dataclass(frozen=True)
class LoadContext:
    """What the steps of a load share, and none of them changes."""

    catalogue: Catalogue
    connection: psycopg.Connection
    """In autocommit mode, or inside a transaction."""
    conninfo: str
    """For further connections."""
    planner: Planner
    options: LoadOptions
    listener: ProgressListener
    sources: Sequence[TableSource]
    """What is loaded."""
    workers: Workers | None = None
    """Who sends the rows of a load of several transactions; without them this thread does."""

    @property
    def at_once(self) -> int:
        """How many batches are sent at a time."""
        return self.workers.at_once if self.workers else 1

    @property
    def schema(self) -> str:
        """Name of the schema."""
        return self.options.schema

    @property
    def defined(self) -> Schema:
        """The tables as their files define them."""
        return self.catalogue.definition

    @property
    def inputs(self) -> Inputs:
        """The production's files."""
        return self.planner.inputs

    @property
    def tables(self) -> list[str]:
        """The tables that get rows, in the order of their sources."""
        return list(dict.fromkeys(source.table for source in self.sources))

    @cached_property
    def columns(self) -> Mapping[str, Sequence[Column]]:
        """Columns of each table that any source gives rows."""
        tables = {source.table for source in self.catalogue.sources.values()}
        return {table: self.defined.columns_of(table) for table in tables}

    @property
    def ledger(self) -> Ledger:
        """What is loaded already."""
        content = self.options.check_content
        return Ledger(self.connection, self.schema, check_content=content)

    @property
    def patience(self) -> Patience:
        """How to wait for tables that others use."""
        return Patience(self.listener, self.options.patience)
