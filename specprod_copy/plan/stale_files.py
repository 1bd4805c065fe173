"""Which files have to be loaded anew when some are replaced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from specprod_copy.errors import ConfigurationError
from specprod_copy.plan.ledger import Ledger
from specprod_copy.rows.units import identity, ledger_name
from specprod_copy.tables import Catalogue, Inputs, TableSource

Stale = Mapping[str, Sequence[str]]
"""Name of a source to files, by their names in the ledger, whose rows are loaded anew."""


def find_stale(
    catalogue: Catalogue,
    files: Sequence[Path],
    sources: Sequence[TableSource],
    inputs: Inputs,
    ledger: Ledger,
) -> Stale:
    """Find out which files have to be loaded anew when some are replaced.

    Where only the first row per value counts, these are also the files that come later: their rows
    may count now, or do so no more.

    Parameters
    ----------
    catalogue : Catalogue
    files : sequence of pathlib.Path
        The files to be replaced, as they are or relative to the root of the production; a bare name
        that is no file there stands for the file of the production that is called so.
    sources : sequence of TableSource
        What they are replaced in.
    inputs : Inputs
    ledger : Ledger

    Returns
    -------
    mapping
        See `Stale`.

    Raises
    ------
    ConfigurationError
        If a file is no input, or none of its rows are in the tables.
    """
    paths = {source.name: [*source.files(inputs)] for source in sources}
    stale: dict[str, list[str]] = {}
    for file in files:
        is_input = is_loaded = False
        for source in sources:
            position = _position(source, file, paths[source.name], inputs.files.root)
            if position is None:
                continue
            is_input = True
            name = ledger_name(paths[source.name][position], inputs.files.root)
            if name not in ledger.files(source.table, source.stage):
                continue
            is_loaded = True
            stale.setdefault(source.name, []).append(name)
            later = paths[source.name][position + 1 :]
            for other, names in _followers(catalogue, source, later, inputs, ledger):
                stale.setdefault(other.name, []).extend(names)
        stages = " and ".join(dict.fromkeys(source.stage for source in sources))
        if not is_input:
            raise ConfigurationError(f"{file} is not among the files of stage {stages}")
        if not is_loaded:
            raise ConfigurationError(
                f"no rows of {file} are in the tables of stage {stages}: there is nothing to "
                "replace; a load without --replace loads it"
            )
    return {source: [*dict.fromkeys(names)] for source, names in stale.items()}


def _position(source: TableSource, file: Path, paths: Sequence[Path], root: Path) -> int | None:
    """Return which of the files of a source it is, or is joined to."""
    wanted = {identity(file), identity(root / file)}
    name = file.name if file == Path(file.name) and not file.exists() else None
    for n, path in enumerate(paths):
        for place, _ in source.places(path):
            if identity(place) in wanted or place.name == name:
                return n
    return None


def _followers(
    catalogue: Catalogue,
    source: TableSource,
    later: Sequence[Path],
    inputs: Inputs,
    ledger: Ledger,
) -> Iterator[tuple[TableSource, list[str]]]:
    """Yield sources and those of their loaded files whose rows depend on an earlier file."""
    paths = [(source, later)] if source.first_per(inputs) is not None else []
    paths += [(s, s.files(inputs)) for s in catalogue.sources.values() if s.unless_in is source]
    for other, files in paths:
        loaded = ledger.files(other.table, other.stage)
        names = [ledger_name(path, inputs.files.root) for path in files]
        yield other, [name for name in names if name in loaded]


def forget(catalogue: Catalogue, stale: Stale, ledger: Ledger) -> None:
    """Remove what the ledger says of files, so that a plan has them as not loaded."""
    for name, files in stale.items():
        source = catalogue.sources[name]
        ledger.forget(source.table, source.stage, files)
