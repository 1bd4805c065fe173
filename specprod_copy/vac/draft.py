"""A first version of SQL files and description, from the FITS files of a catalogue."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from glob import escape
from itertools import takewhile
from pathlib import Path
from typing import Annotated

from specprod_copy.desi.configuration import load_configuration
from specprod_copy.errors import ConfigurationError, InputError
from specprod_copy.option import Option
from specprod_copy.postgres.identifiers import quote_identifier
from specprod_copy.postgres.row_size import MOST_COLUMNS, refuse_too_wide
from specprod_copy.reader.fits_hdus import tables_in
from specprod_copy.vac.draft_columns import Drafted, DraftedHdu, columns_of, draft_hdu, sql_name
from specprod_copy.vac.draft_keys import candidates, equal_columns, position, unique_key
from specprod_copy.vac.draft_text import Draft, DraftTable, Repeated
from specprod_copy.vac.files import refuse_other_formats
from specprod_copy.vac.sources import HOUSE
from specprod_copy.words import did_you_mean

_VERSION = re.compile(r"v\d+(\.\d+)*")
_RELEASE = re.compile(r"edr|dr\d+")
_WORD = re.compile(r"[A-Za-z0-9]+")


@dataclass(frozen=True)
class DraftOptions:
    """What to draft."""

    hdus: Annotated[
        tuple[str, ...],
        Option(
            "--hdu", "HDU; may be given several times.  [default: all tables of the first file]"
        ),
    ] = ()
    table: Annotated[
        str | None,
        Option(
            "--table",
            "Name of the table. Several HDUs become this one, row by row; without it each becomes "
            "a table with the name of the HDU.",
        ),
    ] = None
    drop: Annotated[
        tuple[str, ...],
        Option("--drop", "FITS column that is left out; may be given several times."),
    ] = ()
    descriptions: Annotated[
        Path | None,
        Option(
            "--descriptions",
            "CSV file with columns name, unit, description, for what the files do not say.",
            path="file",
            exists=True,
        ),
    ] = None
    check: Annotated[
        bool,
        Option(
            "--headers-only",
            "Read no rows: keys, and which repeated columns are equal, are guesses then.",
        ),
    ] = True
    root: Annotated[
        Path | None,
        Option("-r --root", "Folder that paths begin in.", variable="DESI_ROOT", path="folder"),
    ] = None


def draft(files: Sequence[Path], options: DraftOptions) -> Draft:
    """Read FITS files and draft the tables that they could become.

    Parameters
    ----------
    files : sequence of pathlib.Path
        Files of one kind: parts of a catalogue.
    options : DraftOptions

    Raises
    ------
    InputError
        If a file cannot be read, or columns cannot become those of a table.
    ConfigurationError
        If the server could not store such rows, or options contradict each other.
    """
    for file in files:
        refuse_other_formats(str(file))
    hdus = options.hdus or tables_in(files[0])
    if not hdus:
        raise InputError("has no binary table", path=files[0])
    said = _descriptions(options.descriptions) if options.descriptions else {}
    dropped = {name.upper() for name in options.drop}
    drafted = [draft_hdu(files, hdu, dropped, said) for hdu in hdus]
    names = frozenset[str]().union(*(hdu.names for hdu in drafted))
    for name in sorted(dropped - names):
        meant = did_you_mean(name, [known.lower() for known in sorted(names)])
        raise ConfigurationError(f"--drop {name}: no column is called so; {meant}".rstrip("; "))
    groups = [drafted] if options.table else [[hdu] for hdu in drafted]
    path, parameters = _pattern(files, options.root)
    words = re.sub(r"\{\w+\}|\*.*|\.fits.*", "", Path(path).name.lower())
    name = re.sub(r"[^a-z0-9_]+", "-", words).strip("-_")
    tables = [
        _table(
            options.table or _table_name(group[0].name, len(groups), name), group, files, options
        )
        for group in groups
    ]
    if len({table.name for table in tables}) < len(tables):
        raise ConfigurationError("two HDUs would become tables of one name: choose them by --hdu")
    return Draft(name or tables[0].name, parameters, path, tables)


def _table(
    name: str, hdus: Sequence[DraftedHdu], files: Sequence[Path], options: DraftOptions
) -> DraftTable:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name) or quote_identifier(name) != name:
        raise ConfigurationError(f"{name!r} is no name for a table here: name it by --table")
    columns, repeated = _joined(hdus, files, options)
    _refuse_too_wide(name, columns)
    first = {column.fits for column in hdus[0].columns}
    keys = candidates(column for column in columns if column.fits in first)
    key: tuple[str, ...] | None = keys[0] if keys else None
    if options.check:
        key = unique_key(files, hdus[0].name, keys)
    names = {column.fits: column.name for column in columns}
    return DraftTable(
        name,
        hdus,
        columns,
        repeated,
        tuple(names[fits] for fits in key or ()),
        options.check,
        tuple(names[fits] for fits in position(columns)),
        len(files),
    )


def _joined(
    hdus: Sequence[DraftedHdu], files: Sequence[Path], options: DraftOptions
) -> tuple[list[Drafted], list[Repeated]]:
    """Return the columns of HDUs that are joined, and what becomes of those that are repeated."""
    columns = [*hdus[0].columns]
    owners = {column.fits: hdus[0].name for column in columns}
    repeated = []
    for hdu in hdus[1:]:
        if hdu.rows != hdus[0].rows:
            raise InputError(
                f"has {sum(hdu.rows):,} rows, and {hdus[0].name} has {sum(hdus[0].rows):,}: they "
                "cannot be joined row by row; draft them apart, without --table",
                path=files[0],
                hdu=hdu.name,
            )
        double = [column.fits for column in hdu.columns if column.fits in owners]
        equal = dict.fromkeys(double, True)
        if options.check:
            equal = {}
            for fits in double:
                equal |= equal_columns(files, (owners[fits], hdu.name), [fits])
        same = tuple(fits for fits in double if equal[fits])
        rename = {fits: sql_name(f"{hdu.name}_{fits}") for fits in double if not equal[fits]}
        repeated.append(Repeated(same, rename))
        for column in hdu.columns:
            if column.fits not in same:
                columns.append(replace(column, name=rename.get(column.fits, column.name)))
                owners.setdefault(column.fits, hdu.name)
    names = [column.name for column in columns]
    for column in columns:
        if names.count(column.name) > 1:
            raise InputError(
                f"becomes column {column.name}, and so does another one: leave it out by --drop",
                path=files[0],
                column=column.fits,
            )
    return columns, repeated


def _refuse_too_wide(name: str, columns: Sequence[Drafted]) -> None:
    if len(columns) <= MOST_COLUMNS:
        refuse_too_wide(name, columns_of(columns))
        return
    raise ConfigurationError(
        f"table {name} would have {len(columns):,} columns, and the server takes {MOST_COLUMNS:,}: "
        "draft several tables with the same key, an HDU or some of its columns (--drop) each"
    )


def _table_name(hdu: str, n_hdus: int, catalogue: str) -> str:
    """Return the name of the HDU; that of the catalogue for one without a name that is alone."""
    alone = hdu.isdecimal() and n_hdus == 1 and catalogue
    name = sql_name(catalogue if alone else hdu)[:40]
    if not name[:1].isalpha():
        name = f"table_{name}"[:40]
    taken = name in HOUSE or quote_identifier(name) != name
    return f"{name[:39]}_" if taken else name


def _descriptions(path: Path) -> dict[str, tuple[str, str]]:
    """Read units and descriptions of columns."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [
                {(k or "").strip().lower(): v or "" for k, v in r.items()}
                for r in csv.DictReader(file)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot be read: {error}", path=path) from error
    if rows and not {"name", "description"} <= rows[0].keys():
        raise InputError("must have columns name, unit, description", path=path)
    return {
        row["name"].strip().upper(): (
            (row.get("unit") or row.get("units") or "").strip(),
            row["description"].strip(),
        )
        for row in rows
    }


def _pattern(files: Sequence[Path], root: Path | None) -> tuple[str, Mapping[str, str]]:
    """Return a pattern for files, and what its names in braces stand for."""
    places = []
    for file in files:
        place = file.absolute()
        if root is not None and place.is_relative_to(root.absolute()):
            places.append(place.relative_to(root.absolute()).parts)
        else:
            places.append((place.name,))
    if len({len(parts) for parts in places}) > 1:
        raise ConfigurationError("files of several depths of folders: draft from those of one")
    if root is None and len({file.absolute().parent for file in files}) > 1:
        raise ConfigurationError(
            "files of several folders: name the folder that their paths begin in by --root"
        )
    parts = [_common(several) for several in zip(*places, strict=True)]
    said: dict[str, str] = {}
    productions = [*load_configuration()]
    for n, part in enumerate(parts[:-1]):
        for key, known in (
            ("version", _VERSION.fullmatch(part) is not None),
            ("release", _RELEASE.fullmatch(part) is not None),
            ("specprod", part in productions),
        ):
            if known and key not in said:
                said[key], parts[n] = part, f"{{{key}}}"
    named = [word for word in _WORD.findall(parts[-1]) if word in productions]
    if len({*named}) == 1:
        said.setdefault("specprod", named[0])
    for key, value in said.items():
        words = rf"(?<![A-Za-z0-9]){re.escape(value)}(?![A-Za-z0-9])"
        parts[-1] = re.sub(words, f"{{{key}}}", parts[-1])
    return "/".join(parts), said


def _common(words: Sequence[str]) -> str:
    """Return a pattern for some words: what they begin and end with, and ``*`` between."""
    if len({*words}) == 1:
        return escape(words[0])
    before = _beginning(words)
    after = _beginning([word[len(before) :][::-1] for word in words])[::-1]
    return f"{escape(before)}*{escape(after)}"


def _beginning(words: Sequence[str]) -> str:
    """Return what all words begin with."""
    same = takewhile(lambda letters: len({*letters}) == 1, zip(*words, strict=False))
    return "".join(letters[0] for letters in same)
