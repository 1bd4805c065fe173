"""The columns that a table was made with, against those that it has."""

from __future__ import annotations

from specprod_copy.postgres.schema import Table
from specprod_copy.postgres.schema_differences import own_columns, table_differences
from specprod_copy.verification.compare import counted
from specprod_copy.verification.results import Result


def check_columns(defined: Table, found: Table) -> Result:
    """Return whether a table has the columns of its definition; it may have others of its users.

    Where a type became narrower the files' values would become so as well, and be equal.
    """
    differences = table_differences(defined, found)
    problems = [str(d) for d in differences if d.kind == "column" and d.is_conflict]
    detail = ", ".join(problems) or counted(len(defined.columns), "column")
    own = own_columns(defined, found)
    note = f"columns of users, which no file gives: {', '.join(own)}" if own else ""
    return Result(not problems, "columns", defined.name, detail, note)
