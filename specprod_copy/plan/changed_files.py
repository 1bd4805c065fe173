"""Files that changed or vanished since their rows were loaded: they are refused."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from specprod_copy.errors import ChangedFileError
from specprod_copy.plan.ledger import Ledger, LoadedRange, LoadedRanges, Renewal
from specprod_copy.plan.looks import Looks, RowsOfPart
from specprod_copy.plan.moved_files import known_names
from specprod_copy.reader.look import Look
from specprod_copy.rows.units import (
    Change,
    Input,
    Part,
    Unit,
    change_since,
    entry_name,
    ledger_name,
)
from specprod_copy.tables import Inputs, TableSource


def refuse_vanished(
    source: TableSource, places: Collection[tuple[str, str]], loaded: LoadedRanges
) -> None:
    """Check that the files whose rows are in the table are still among the inputs.

    Raises
    ------
    ChangedFileError
        If one is not.
    """
    gone = sorted(loaded.keys() - places)
    if gone:
        file, hdu = gone[0]
        more = f" (and {len(gone) - 1} more)" if len(gone) > 1 else ""
        raise ChangedFileError(
            f"its rows are in table {source.table}, but it is not among the files of stage "
            f"{source.stage} now{more}; --overwrite loads the stage anew",
            path=file,
            hdu=hdu,
        )


@dataclass(frozen=True)
class Comparison:
    """What became of rows that are loaded, by a look at them."""

    change: Change
    renewals: tuple[Renewal, ...] = ()
    changed: LoadedRange | None = None
    """The first rows that changed, or may have."""
    part: Part | None = None
    """What of them did, if it is known."""
    before: Input | None = None
    """What that was."""


def compared(
    whole: Unit,
    loaded: Collection[LoadedRange],
    digest: Callable[[Part, int, int], str],
    *,
    check_content: bool,
) -> Comparison:
    """Find out whether rows changed since they were loaded.

    Parameters
    ----------
    whole : Unit
        All rows of the HDU.
    loaded : collection of LoadedRange
        What is loaded of them.
    digest : callable
        Returns the digest of rows of a part, given the first one and that after the last.
    check_content : bool
        See `change_since`.
    """
    renewals = []
    for before in loaded:
        if before.last > whole.last:
            return Comparison(Change.CONTENT, (), before)
        if len(before.inputs) != len(whole.parts):
            return Comparison(Change.CONTENT, (), before)
        now: list[Input] = []
        for part, old in zip(whole.parts, before.inputs, strict=True):
            change, new = change_since(
                old,
                part.stamp,
                partial(digest, part, before.first, before.last),
                check_content=check_content,
            )
            if change is not Change.NONE:
                return Comparison(change, (), before, part, old)
            # The first name is that of the entry; who renames the one renames the other.
            now.append(replace(new, file=part.file) if now else new)
        if tuple(now) != before.inputs:
            entry = entry_name(now[0].file, now[0].hdu)
            renewals.append(Renewal(whole.table, entry, before.first, tuple(now)))
    return Comparison(Change.NONE, tuple(renewals))


def rows_to_digest(
    wholes: Iterable[Unit], loaded: LoadedRanges, *, check_content: bool
) -> list[RowsOfPart]:
    """Return the rows whose digests `compared` wants, of HDUs and what is loaded of them."""
    wanted: list[RowsOfPart] = []

    def note(*rows: Any) -> str:
        wanted.append(rows)
        return ""

    for whole in wholes:
        for before in loaded.get(whole.place, ()):
            if before.last <= whole.last and len(before.inputs) == len(whole.parts):
                for part, old in zip(whole.parts, before.inputs, strict=True):
                    taken = partial(note, part, before.first, before.last)
                    change_since(old, part.stamp, taken, check_content=check_content)
    return wanted


def whole_unit(source: TableSource, look: Look, root: Path) -> Unit:
    """Return all rows of an HDU that was looked at."""
    return Unit(
        source=source.name,
        table=source.table,
        stage=source.stage,
        path=look.path,
        file=ledger_name(look.path, root),
        hdu=look.hdu,
        first=0,
        last=look.n_rows,
        row_bytes=look.row_bytes,
        stamp=look.stamp,
        packed=look.packed,
        beside=tuple(
            Part(one.path, ledger_name(one.path, root), one.hdu, one.stamp, bool(view.by))
            for one, view in zip(look.joined[1:], source.views[1:], strict=bool(look.joined))
        ),
    )


def refuse_changed_others(
    source: TableSource, inputs: Inputs, ledger: Ledger, looks: Looks
) -> None:
    """Check that files which decide about the rows of others are those that were loaded.

    Raises
    ------
    ChangedFileError
        If one changed since.
    """
    loaded = ledger.loaded(source.table, source.stage)
    known = {file for file, _ in loaded}
    for path, name in known_names(source.files(inputs), inputs.files.root, known).items():
        look = looks.now(source, path)
        whole = whole_unit(source, look, inputs.files.root)
        refuse_changed(source, inputs, whole, loaded.get((name, look.hdu), ()), ledger, looks)


def refuse_changed(
    source: TableSource,
    inputs: Inputs,
    whole: Unit,
    loaded: Sequence[LoadedRange],
    ledger: Ledger,
    looks: Looks,
) -> tuple[Renewal, ...]:
    """Raise ChangedFileError if an HDU changed since it was loaded, or may have.

    Returns
    -------
    tuple of Renewal
        What the ledger is to say of it, if it is the same but for its time.
    """
    found = compared(whole, loaded, looks.digest, check_content=ledger.check_content)
    if found.changed is None:
        return found.renewals
    part = found.part or whole.parts[0]
    path, hdu = part.path, part.hdu
    replaces = (
        f"{replace_command(source, inputs, ledger.schema, whole.path)} replaces them; if many "
        "files changed, --overwrite loads all of them"
    )
    if found.change is Change.CONTENT:
        message = f"the file changed since its rows were loaded into {source.table}; {replaces}"
    else:
        time = (found.before or found.changed.inputs[0]).stamp.mtime_ns
        message = (
            f"size or time of the file changed since its rows were loaded into {source.table} by "
            f"an earlier version, which did not record their digest; {replaces}; if it is the same "
            f"file, give it its time back: touch -d @{time // 10**9}.{time % 10**9:09} "
            f"{shlex.quote(str(path))}"
        )
    raise ChangedFileError(message, path=path, hdu=hdu)


def replace_command(source: TableSource, inputs: Inputs, schema: str, path: Path) -> str:
    """Return the command that replaces the rows of a file; the server is not known here."""
    name, root = inputs.files.production.name, str(inputs.files.root)
    command = source.command or f"load {source.stage} --specprod {shlex.quote(name)}"
    given = (("--tiles-file", inputs.tiles_file), ("--exposures-file", inputs.exposures_file))
    words = ["--schema", schema, "--root", root]
    words += [word for option, file in given if file for word in (option, str(file))]
    return f"specprod-copy {command} {shlex.join([*words, '--replace', str(path)])}"
