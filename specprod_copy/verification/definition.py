"""The columns that a table was made with, against those that it has."""

from __future__ import annotations

from specprod_copy.postgres.schema import Table
from specprod_copy.postgres.schema_differences import table_differences
from specprod_copy.verification.compare import counted
from specprod_copy.verification.results import Result


def check_columns(defined: Table, found: Table) -> Result:
    """Return whether a table has the columns of its definition.

    Where a type became narrower the files' values would become so as well, and be equal.
    """
    problems = [str(d) for d in table_differences(defined, found) if d.kind == "column"]
    detail = ", ".join(problems) or counted(len(defined.columns), "column")
    return Result(not problems, "columns", defined.name, detail)
