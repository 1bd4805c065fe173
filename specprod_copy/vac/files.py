"""Where the files of a catalogue lie: patterns with names in braces, and what these stand for."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from specprod_copy.desi.configuration import Production
from specprod_copy.desi.members import alike_clause, matching, names_in, natural
from specprod_copy.desi.production import ProductionFiles
from specprod_copy.errors import ConfigurationError, InputError
from specprod_copy.tables import Inputs
from specprod_copy.vac.description import Description

OTHER_FORMATS: Mapping[str, str] = {
    ".h5": "astropy.table.Table.read(NAME, path=...)",
    ".hdf5": "astropy.table.Table.read(NAME, path=...)",
    ".parquet": "polars.read_parquet(NAME), astropy.table.Table",
    ".asdf": "asdf.open(NAME), astropy.table.Table",
    ".npy": "numpy.load(NAME), astropy.table.Table",
    ".csv": "astropy.table.Table.read(NAME)",
    ".ecsv": "astropy.table.Table.read(NAME)",
    ".txt": 'astropy.table.Table.read(NAME, format="ascii")',
    ".dat": 'astropy.table.Table.read(NAME, format="ascii")',
}
"""Suffixes of tables that are no FITS files, and what reads them."""

_BRACES = re.compile(r"\{(\w*)\}")
_WILD = re.compile(r"[*?\[]")


def refuse_other_formats(name: str) -> None:
    """Check that a name is that of a FITS file.

    Raises
    ------
    InputError
        If it is not; says how such a file becomes one.
    """
    plain = name.lower().removesuffix(".gz")
    if plain.endswith((".fits", ".fit", ".fz")):
        return
    way = OTHER_FORMATS.get(Path(plain).suffix)
    how = f"convert it, for example by {way.replace('NAME', repr(name))}" if way else "convert it"
    raise InputError(f"no FITS file: {how} and .write({Path(name).stem + '.fits'!r})", path=name)


def filled(pattern: str, parameters: Mapping[str, str]) -> str:
    """Return a pattern with what is known in place of its names in braces."""
    return _BRACES.sub(lambda m: parameters.get(m[1], m[0]), pattern)


def captured(pattern: str, parameters: Mapping[str, str]) -> list[str]:
    """Return the names in braces of a pattern that stand for what a path has there."""
    return [name for name in _BRACES.findall(pattern) if name not in parameters]


def find(patterns: Sequence[str], parameters: Mapping[str, str], inputs: Inputs) -> list[Path]:
    """Return the files of the first pattern that any file matches, numbers in names by value.

    Parameters
    ----------
    patterns : sequence of str
        See `TableRule.files`.
    parameters : mapping of str to str
        What names in braces stand for, where that is known.
    inputs : Inputs
        Their root is where the patterns begin.

    Raises
    ------
    InputError
        If there is no such file, or a folder that may have some cannot be looked into.
    """
    looked_for = []
    for pattern in patterns:
        wild = _BRACES.sub("*", filled(pattern, parameters))
        refuse_other_formats(wild)
        place = inputs.files.root / wild.removesuffix(".gz")
        looked_for.append(place)
        folders = dict.fromkeys(_folders(inputs.files.root, Path(wild).parent.parts))
        found = [path for one in folders for path in matching(one, place.name, every=True)]
        if found:
            return sorted(found, key=lambda path: (str(path.parent), natural(path)))
    raise InputError(
        f"not found: {', '.join(map(str, looked_for))}{alike_clause(looked_for)}; check --root, "
        "--version, --release and --specprod"
    )


def _folders(folder: Path, parts: Sequence[str]) -> Iterator[Path]:
    """Yield the folders of a pattern below another one.

    `Path.glob` would take a folder that it may not look into for an empty one.
    """
    if not parts:
        yield folder
        return
    part, *rest = parts
    if not _WILD.search(part):
        yield from _folders(folder / part, rest)
        return
    deep = part == "**"
    if deep:
        yield from _folders(folder, rest)
    for name in sorted(fnmatch.filter(names_in(folder), part)):
        if not (deep and (folder / name).is_symlink()):
            yield from _folders(folder / name, parts if deep else rest)


def said_by_path(
    path: Path, patterns: Sequence[str], parameters: Mapping[str, str], root: Path | None = None
) -> dict[str, str]:
    """Return what names in braces stand for in the path of a file.

    Below the root it is the same pattern as the one of `find`: the first that is like all of it.
    """
    regexes = [_regex(filled(pattern.removesuffix(".gz"), parameters)) for pattern in patterns]
    if root is not None and path.is_relative_to(root):
        inside = path.relative_to(root).as_posix()
        if match := next(filter(None, (re.fullmatch(one, inside) for one in regexes)), None):
            return match.groupdict()
    ends = (re.search(f"(?:^|/){one}$", str(path)) for one in regexes)
    match = next(filter(None, ends), None)
    return match.groupdict() if match else {}


def _regex(pattern: str) -> str:
    names: set[str] = set()
    regex = ""
    for n, part in enumerate(_BRACES.split(pattern)):
        if n % 2 == 0:
            plain = re.escape(part).replace(r"\[\[\]", r"\[")
            regex += plain.replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
        elif part in names:
            regex += f"(?P={part})"
        else:
            regex += f"(?P<{part}>[^/]*?)"
            names.add(part)
    return rf"{regex}(?:\.gz)?"


def inputs_of(description: Description, root: Path) -> Inputs:
    """Return the inputs of a catalogue.

    Raises
    ------
    InputError
        If the root is not a folder.
    """
    name = description.specprod or description.name
    release = description.release or description.version
    production = Production(name, release, "none", False, "base", "none")
    return Inputs(ProductionFiles(production, root))


def check_patterns(description: Description) -> None:
    """Check the names in braces of patterns.

    Raises
    ------
    ConfigurationError
        If one is no name, or one that a column is made of is not in all patterns.
    """
    for table in description.tables:
        said = [captured(pattern, description.parameters) for pattern in table.files]
        for pattern, names in zip(table.files, said, strict=True):
            if bad := [name for name in names if not name.isidentifier()]:
                raise ConfigurationError(
                    f"table {table.name}: {{{bad[0]}}} in {pattern} is no name of letters, digits "
                    "and _"
                )
        for column, rule in table.columns.items():
            for pattern, names in zip(table.files, said, strict=True):
                if rule.path and rule.path not in names:
                    raise ConfigurationError(
                        f"table {table.name}, column {column}: {pattern} has no {{{rule.path}}}"
                    )
