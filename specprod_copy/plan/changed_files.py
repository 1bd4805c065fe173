"""Files that changed or vanished since their rows were loaded: they are refused."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from specprod_copy.errors import ChangedFileError
from specprod_copy.plan.ledger import Ledger, LoadedRanges
from specprod_copy.plan.looks import Looks
from specprod_copy.plan.moved_files import known_names
from specprod_copy.rows.units import Change, Fingerprint, Unit
from specprod_copy.tables import Inputs, TableSource


def refuse_vanished(source: TableSource, opened: Sequence[Unit], loaded: LoadedRanges) -> None:
    """Check that the files whose rows are in the table are still among the inputs.

    Raises
    ------
    ChangedFileError
        If one is not.
    """
    gone = sorted(loaded.keys() - {unit.place for unit in opened})
    if gone:
        file, hdu = gone[0]
        more = f" (and {len(gone) - 1} more)" if len(gone) > 1 else ""
        raise ChangedFileError(
            f"its rows are in table {source.table}, but it is not among the files of stage "
            f"{source.stage} now{more}; --overwrite loads the stage anew",
            path=file,
            hdu=hdu,
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
        before = loaded.get((name, look.hdu))
        if before is not None:
            now = Fingerprint(look.stamp, look.digest)
            refuse_changed(source, path, look.hdu, now, before[0])


def refuse_changed(
    source: TableSource, path: Path, hdu: str, now: Fingerprint, before: Fingerprint
) -> None:
    """Raise ChangedFileError if an HDU changed since it was loaded, or may have."""
    change = now.change_since(before)
    if change is Change.NONE:
        return
    replaces = f"{replace_command(source, path)} replaces them"
    if change is Change.CONTENT:
        message = f"the file changed since its rows were loaded into {source.table}; {replaces}"
    else:
        time = before.stamp.mtime_ns
        message = (
            f"size or time of the file changed since its rows were loaded into {source.table}, and "
            f"it is too large to tell quickly whether its rows did; {replaces}; if it is the same "
            f"file, give it its time back: touch -d @{time // 10**9}.{time % 10**9:09} "
            f"{shlex.quote(str(path))}"
        )
    raise ChangedFileError(message, path=path, hdu=hdu)


def replace_command(source: TableSource, path: Path) -> str:
    """Return the command that replaces the rows of a file."""
    return f"specprod-copy load {source.stage} --replace {shlex.quote(str(path))}"


def loaded_ranges(source: TableSource, whole: Unit, loaded: LoadedRanges) -> list[tuple[int, int]]:
    """Return the row ranges of a file that are in the table.

    Raises
    ------
    ChangedFileError
        If the file changed since.
    """
    if whole.place not in loaded:
        return []
    before, ranges = loaded[whole.place]
    refuse_changed(source, whole.path, whole.hdu, whole.fingerprint, before)
    return ranges
