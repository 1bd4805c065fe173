"""Files against the ledger, and the ledger against the table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from specprod_copy.errors import InputError
from specprod_copy.plan.changed_files import Comparison, compared
from specprod_copy.reader import open_table
from specprod_copy.reader.look import Stamp
from specprod_copy.rows.units import Change, Part, Unit, entry_name
from specprod_copy.verification.compare import counted
from specprod_copy.verification.file_side import FileScan
from specprod_copy.verification.planning import TablePlan
from specprod_copy.verification.recorded import Entry
from specprod_copy.verification.results import Result


def check_files(plan: TablePlan, scan: FileScan, root: Path) -> Iterator[Result]:
    """Yield whether files are there, unchanged, and in the ledger with all their rows.

    Parameters
    ----------
    plan : TablePlan
    scan : FileScan
        What was found in the files.
    root : pathlib.Path
        The folder that names in the ledger are relative to.
    """
    table = plan.job.table
    for stage, reason in plan.unplanned.items():
        yield Result(False, "inputs", table, f"stage {stage}: {reason}")
    files = {unit.place: unit for unit in plan.files}
    for name, entry in plan.entries.items():
        if entry.stage not in plan.unplanned:
            problem = _change(entry, files.get(name), root / name[0], scan)
            size = sum(one.stamp.size for one in entry.ranges[0].inputs)
            detail = problem or f"{size:,} bytes"
            yield Result(not problem, "file-unchanged", table, f"{entry_name(*name)}: {detail}")
    for name, unit in files.items():
        if name in scan.errors:
            yield Result(False, "file-rows", table, f"{entry_name(*name)}: {scan.errors[name]}")
            continue
        recorded = plan.entries.get(name)
        refused = len(recorded.refused) if recorded else 0
        found = (scan.read[name] + refused, scan.kept[name], scan.changed[name])
        problem = _lack(recorded, unit, found)
        detail = problem or _numbers(*found) + (f", {refused:,} in quarantine" if refused else "")
        yield Result(not problem, "file-rows", table, f"{entry_name(*name)}: {detail}")


def check_total(plan: TablePlan, rows: int) -> Result:
    """Return whether a table has as many rows as the ledger says.

    Parameters
    ----------
    plan : TablePlan
    rows : int
        Rows of the table.
    """
    total = sum(entry.kept for entry in plan.entries.values())
    detail = f"{counted(rows, 'row')}, {total:,} in the ledger"
    return Result(rows == total, "table-rows", plan.job.table, detail)


def _numbers(read: int, kept: int, changed: int) -> str:
    return f"{counted(read, 'row')} read, {kept:,} kept, {counted(changed, 'value')} not finite"


def _change(entry: Entry, unit: Unit | None, path: Path, scan: FileScan) -> str:
    """Say what became of a file since it was loaded; nothing if it is the same."""
    if unit is None:
        gone = "no input of the production any more" if path.exists() else "the file vanished"
        return f"{gone}; {counted(entry.kept, 'row')} of it were loaded by stage {entry.stage}"
    try:
        found = _look(entry, unit, scan)
    except InputError as error:
        return str(error)
    if found.changed is None:
        return ""
    part = found.part or unit.parts[0]
    # The line begins with the first of several files that are joined.
    name = "" if part.path == unit.path else f"{entry_name(part.file, part.hdu)} "
    before, now = (found.before or found.changed.inputs[0]).stamp, part.stamp
    if before == now:
        same = f"though it is of the same size and time: {_shape(now)}"
        return f"{name}changed since it was loaded, {same}"
    changed = "changed" if found.change is Change.CONTENT else "may have changed"
    return f"{name}{changed} since it was loaded: it was {_shape(before)}, it is {_shape(now)}"


def _look(entry: Entry, unit: Unit, scan: FileScan) -> Comparison:
    """Look at a file's content, by the digests that were taken when it was read."""

    def digest(part: Part, first: int, last: int) -> str:
        rows = part.digested(first, last)
        if known := scan.digests.get((part.file, part.hdu, *rows)):
            return known
        with open_table(part.path, (part.hdu,) if part.hdu else ()) as table:
            return table.digest(*rows).hexdigest()

    return compared(unit, entry.ranges, digest, check_content=True)


def _shape(stamp: Stamp) -> str:
    seconds, nanoseconds = divmod(stamp.mtime_ns, 10**9)
    time = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"{stamp.size:,} bytes of {time}.{nanoseconds:09}"


def _lack(entry: Entry | None, unit: Unit, found: tuple[int, int, int]) -> str:
    """Say what of a file is not in the ledger; nothing if all is."""
    if entry is None:
        return f"not in the ledger: {counted(unit.n_rows, 'row')} were never loaded"
    ranges = [(part.first, part.last) for part in entry.ranges]
    gaps = [f"{first} to {last - 1}" for first, last in _gaps(ranges, unit.last)]
    if gaps:
        return f"rows not in the ledger: {', '.join(gaps)}"
    recorded = (entry.read, entry.kept, entry.changed)
    if recorded != found:
        return f"{_numbers(*found)}; in the ledger {_numbers(*recorded)}"
    return ""


def _gaps(ranges: list[tuple[int, int]], n_rows: int) -> Iterator[tuple[int, int]]:
    position = 0
    for first, last in [*ranges, (n_rows, n_rows)]:
        if position < first:
            yield position, first
        position = max(position, last)
