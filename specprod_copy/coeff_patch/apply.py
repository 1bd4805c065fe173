"""Put the coefficients of a patch into its table, and take them back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final, Literal

import psycopg

from specprod_copy.coeff_patch.patches import Patch
from specprod_copy.coeff_patch.results import Applied, Comparison, Counts, Reverted, SampleRow
from specprod_copy.errors import DatabaseError
from specprod_copy.plan import ledger, ledger_format, procedures
from specprod_copy.postgres import counted, statements
from specprod_copy.postgres.connection import SESSION_SETTINGS, connect, translated_errors
from specprod_copy.postgres.foreign_code import keep_foreign_code_out, refuse_foreign_code
from specprod_copy.postgres.patience import Patience, with_patience
from specprod_copy.postgres.schema_from_server import read_schema
from specprod_copy.postgres.waits import watched
from specprod_copy.progress import ProgressListener

# What is reported as done has to survive a crash of the server.
_SETTINGS: Final = {
    name: value for name, value in SESSION_SETTINGS.items() if name != "synchronous_commit"
}


def check(
    conninfo: str, patches: Sequence[Patch], listener: ProgressListener | None = None
) -> list[Comparison]:
    """Compare tables with their patches; nothing is changed.

    Raises
    ------
    DatabaseError
        If a table or a patch does not exist.
    """
    with _transaction(conninfo, patches, "check", listener) as connection:
        return [_compare(connection, patch) for patch in patches]


def apply(
    conninfo: str, patches: Sequence[Patch], listener: ProgressListener | None = None
) -> list[Applied]:
    """Put the coefficients of patches into their tables, all in one transaction.

    Rows that differ are changed, and no others. Their old coefficients are saved before; what was
    saved earlier stays. Done again, it changes nothing.

    Raises
    ------
    DatabaseError
        If a table or a patch does not exist, their rows do not match, rows have neither their
        saved coefficients nor those of the patch, or the server refuses. Nothing is changed then.
    """
    with _transaction(conninfo, patches, "apply", listener) as connection:
        return [_apply(connection, patch) for patch in patches]


def revert(
    conninfo: str, patches: Sequence[Patch], listener: ProgressListener | None = None
) -> list[Reverted]:
    """Put the saved coefficients back into their tables, all in one transaction.

    They stay saved. Done again, it changes nothing.

    Raises
    ------
    DatabaseError
        If nothing was saved, rows of the table are gone, or are not those that the patch was
        applied to, or the server refuses. Nothing is changed then.
    """
    with _transaction(conninfo, patches, "revert", listener) as connection:
        return [_revert(connection, patch) for patch in patches]


def vacuum(
    conninfo: str,
    patches: Iterable[Patch],
    listener: ProgressListener | None = None,
    *,
    full: bool = False,
) -> list[str]:
    """Clean up after an update, and renew the statistics.

    Parameters
    ----------
    full : bool
        Give the space of old rows back to the disk; nobody can read the tables meanwhile.

    Returns
    -------
    list of str
        Warnings of the server, which leaves out tables of other owners.

    Raises
    ------
    DatabaseError
        If the server refuses.
    """
    warnings: list[str] = []

    def note(diagnostic: psycopg.errors.Diagnostic) -> None:
        if diagnostic.severity_nonlocalized == "WARNING":
            warnings.append(diagnostic.message_primary or "")

    listener = listener or ProgressListener()
    with (
        watched(conninfo, listener) as conninfo,
        connect(conninfo) as connection,
        translated_errors("cannot vacuum"),
    ):
        connection.add_notice_handler(note)
        for patch in patches:
            work = partial(
                statements.run, connection, patch.render("vacuum_full" if full else "vacuum")
            )
            if full:
                with_patience(connection, work, [(patch.schema, patch.table)], Patience(listener))
            else:
                work()
    return warnings


def _compare(connection: psycopg.Connection, patch: Patch) -> Comparison:
    samples = statements.rows(connection, patch.render("sample"))
    return Comparison(
        patch,
        _counts(connection, patch, patch.patch),
        _number(connection, patch, "differences", values=patch.patch),
        [SampleRow(int(id), tuple(before), tuple(after)) for id, before, after in samples],
    )


def _apply(connection: psycopg.Connection, patch: Patch) -> Applied:
    table, values, _ = _names(patch)
    counts = _counts(connection, patch, patch.patch)
    if not counts.match:
        raise DatabaseError(
            f"counts do not match: {counts.table} rows in {table}, {counts.values} in {values}, "
            f"{counts.joined} in both. Nothing was changed; load the patch made from the catalog "
            "that the table was loaded from"
        )
    statements.run(connection, patch.render("create_backup"))
    _refuse_unmatched(connection, patch, "revert that first")
    unsaved = _number(connection, patch, "unsaved")
    [saved] = statements.run(connection, patch.render("save"))
    counted.compare(patch.patch_schema, patch.backup, saved, unsaved)
    changed = _update(connection, patch, patch.patch)
    procedures.record(
        connection,
        patch.schema,
        patch.table,
        "coeff",
        patch_schema=patch.patch_schema,
        patch=patch.patch,
    )
    return Applied(patch, counts.table, changed, saved)


def _revert(connection: psycopg.Connection, patch: Patch) -> Reverted:
    table, _, backup = _names(patch)
    counts = _counts(connection, patch, patch.backup)
    if counts.joined != counts.values:
        raise DatabaseError(
            f"of {counts.values} rows saved in {backup} only {counts.joined} are in {table}: it is "
            "not the table that was patched. Nothing was changed"
        )
    _refuse_unpatched(connection, patch)
    changed = _update(connection, patch, patch.backup)
    procedures.forget(connection, patch.schema, patch.table, "coeff")
    return Reverted(patch, counts.values, changed)


def _refuse_unmatched(connection: psycopg.Connection, patch: Patch, advice: str) -> None:
    table, values, backup = _names(patch)
    if strange := _number(connection, patch, "unmatched_rows"):
        raise DatabaseError(
            f"{strange} rows of {table} have neither the coefficients saved in {backup} nor those "
            f"of {values}. Nothing was changed; if another patch was applied before, {advice}, if "
            f"{table} was loaded anew, drop {backup}"
        )


def _refuse_unpatched(connection: psycopg.Connection, patch: Patch) -> None:
    """Refuse to take a patch out of rows that are not those that it was applied to.

    The ledger tells; without one, the values do where the patch is still there.
    """
    if ledger_format.ledger_format(connection, patch.schema) != ledger_format.FORMAT:
        if patch.patch in read_schema(connection, patch.patch_schema).tables:
            _refuse_unmatched(connection, patch, "load that one again, and revert it")
        return
    if any(
        one.name == "coeff" and one.table == patch.table and not one.rows_since
        for one in procedures.recorded(connection, patch.schema)
    ):
        return
    if differing := _number(connection, patch, "differences", values=patch.backup):
        table, _, backup = _names(patch)
        raise DatabaseError(
            f"{differing} rows of {table} do not have the coefficients saved in {backup}, and by "
            f"the ledger no patch was applied since rows were loaded. Nothing was changed; if "
            f"{table} was loaded anew, drop {backup}, if the patch is in it, apply it again first"
        )


def _lock(connection: psycopg.Connection, patches: Sequence[Patch], patience: Patience) -> None:
    """Keep others from changing the tables, as soon as nobody does; refuse what they left there.

    All locks at once: whoever writes to one table does not wait for those who write to another.
    """
    places = [
        place
        for patch in patches
        for place in (
            (patch.schema, [patch.table, ledger.TABLE]),
            (patch.patch_schema, [patch.patch, patch.backup]),
        )
    ]
    for place in places:
        refuse_foreign_code(connection, *place)

    def lock() -> None:
        for patch in patches:
            statements.run(connection, patch.render("lock"))

    tables = [(patch.schema, patch.table) for patch in patches]
    with_patience(connection, lock, tables, patience, readers=False)
    for place in places:
        keep_foreign_code_out(connection, *place)


def _counts(connection: psycopg.Connection, patch: Patch, values: str) -> Counts:
    [counts] = statements.rows(connection, patch.render("counts", values=values))
    return Counts(*counts)


def _number(connection: psycopg.Connection, patch: Patch, template: str, **names: str) -> int:
    [(count,)] = statements.rows(connection, patch.render(template, **names))
    return int(count)


def _update(connection: psycopg.Connection, patch: Patch, values: str) -> int:
    """Give rows the values that they do not have yet; return how many."""
    differing = _number(connection, patch, "differences", values=values)
    [changed] = statements.run(connection, patch.render("update", values=values))
    counted.compare(patch.schema, patch.table, changed, differing)
    # A trigger may let the row be written, but with other values.
    if differing := _number(connection, patch, "differences", values=values):
        raise DatabaseError(
            f"{differing} rows of {patch.schema}.{patch.table} differ from "
            f"{patch.patch_schema}.{values} even after the update: does the table have a trigger? "
            "Nothing was changed"
        )
    return changed


@contextmanager
def _transaction(
    conninfo: str,
    patches: Sequence[Patch],
    doing: Literal["check", "apply", "revert"],
    listener: ProgressListener | None,
) -> Iterator[psycopg.Connection]:
    """Open a transaction in which the tables exist, and are locked if they are to be changed."""
    listener = listener or ProgressListener()
    with (
        watched(conninfo, listener) as conninfo,
        connect(conninfo, settings=_SETTINGS) as connection,
        translated_errors(f"cannot {doing}"),
        connection.transaction(),
    ):
        for patch in patches:
            _require(connection, patch.schema, patch.table, "name the --schema of the tables")
            if doing == "revert":
                advice = f"no patch was applied to {patch.schema}.{patch.table}"
                _require(connection, patch.patch_schema, patch.backup, advice)
            else:
                advice = "load it first, or name only the table that has a patch"
                _require(connection, patch.patch_schema, patch.patch, advice)
        if doing != "check":
            _lock(connection, patches, Patience(listener))
        yield connection


def _require(connection: psycopg.Connection, schema: str, table: str, advice: str) -> None:
    if table not in read_schema(connection, schema).tables:
        raise DatabaseError(f"table {schema}.{table} does not exist; {advice}")


def _names(patch: Patch) -> tuple[str, str, str]:
    """Return the table, its patch and its saved coefficients, for people."""
    return (
        f"{patch.schema}.{patch.table}",
        f"{patch.patch_schema}.{patch.patch}",
        f"{patch.patch_schema}.{patch.backup}",
    )
