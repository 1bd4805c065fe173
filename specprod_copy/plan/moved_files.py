"""Files that the ledger has under another name: given by another path, or moved.

A name in the ledger is the path below the data root, or the real path of what lies elsewhere (see
`specprod_copy.rows.units.ledger_name`). The same file may have had another one: where folders of
the root are links, where a file system is mounted twice, or in ledgers of earlier versions, which
kept ``..`` and links. So it is the same file where the system says so, or where the content is the
same: that is looked at where the last part of the name is, gzipped or not, or else the size.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from specprod_copy.plan.ledger import Ledger, LoadedRange, LoadedRanges
from specprod_copy.rows.units import Part, Unit, identity, ledger_name
from specprod_copy.tables import Inputs, TableSource

RowDigest = Callable[[Part, int, int], str]
"""Returns the digest of rows of a part, given the first one and that after the last."""

Place = tuple[str, str]
"""File and HDU, as the ledger has them."""


def moved(
    opened: Sequence[Unit], loaded: LoadedRanges, root: Path, digest: RowDigest
) -> dict[Place, Place]:
    """Return where the ledger has files under other names than they have now.

    Parameters
    ----------
    opened : sequence of Unit
        The files as they are now.
    loaded : mapping
        What the ledger says of a source.
    root : pathlib.Path
        The data root.
    digest : callable
        See `RowDigest`.

    Returns
    -------
    dict
        Place in the ledger to the place now.
    """
    lost = loaded.keys() - {unit.place for unit in opened}
    new = [unit for unit in opened if unit.place not in loaded] if lost else []
    found: dict[Place, Place] = {}
    for unit in new:
        candidates = sorted(place for place in lost - found.keys() if place[1] == unit.hdu)
        same = [p for p in candidates if identity(root / p[0]) == identity(unit.path)]
        same = same or [
            place
            for place in candidates
            if _resembles(unit, place, loaded[place]) and _holds(unit, loaded[place], digest)
        ]
        if same:
            found[same[0]] = unit.place
    return found


def _resembles(unit: Unit, place: Place, loaded: Sequence[LoadedRange]) -> bool:
    """Say whether it is worth reading a file to find out whether it is one that was loaded."""
    before, now = (name.removesuffix(".gz") for name in (Path(place[0]).name, unit.path.name))
    return before == now or any(i.stamp.size == unit.stamp.size for r in loaded for i in r.inputs)


def _holds(unit: Unit, loaded: Sequence[LoadedRange], digest: RowDigest) -> bool:
    """Say whether a file holds the very rows that were loaded."""
    return all(
        rows.last <= unit.last
        and len(rows.inputs) == len(unit.parts)
        and all(
            before.digest == digest(part, rows.first, rows.last)
            for before, part in zip(rows.inputs, unit.parts, strict=True)
        )
        for rows in loaded
    )


def rename_moved(sources: Sequence[TableSource], inputs: Inputs, ledger: Ledger) -> None:
    """Give files that the ledger has by another path the names that they have now."""
    root = inputs.files.root
    for source in sources:
        known = ledger.files(source.table, source.stage)
        for path, before in known_names(source.files(inputs), root, known).items():
            now = ledger_name(path, root)
            if now != before:
                ledger.rename(source.table, source.stage, before, now)


def known_names(paths: Sequence[Path], root: Path, known: Collection[str]) -> dict[Path, str]:
    """Return the names that a ledger has some files under, for those that it knows."""
    names = {path: ledger_name(path, root) for path in paths}
    lost = {*known} - {*names.values()}
    places = {identity(root / name): name for name in lost}
    return {
        path: name if name in known else places[identity(path)]
        for path, name in names.items()
        if name in known or (places and identity(path) in places)
    }
