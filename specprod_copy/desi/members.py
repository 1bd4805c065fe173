"""Which names in a folder are input files, and which only look like it.

One rule for single files and for lists of them: ``X.fits`` may lie there as ``X.fits.gz`` instead;
of both the plain one is taken. ``X.fits.fz`` alone is an error. Nothing else is taken, and nothing
that looks like an input is left out without a note.
"""

from __future__ import annotations

import fnmatch
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from specprod_copy.errors import UNPACK_FIRST, InputError

_PACKED: Final = ".fz"
_ZIP: Final = ("", ".gz")
_SUFFIX: Final = re.compile(
    r"\.(?:fits?|fts|e?csv|parquet|feather|arrow|hdf5)(?:[._~-]|$)", re.IGNORECASE
)
"""What a table's name has somewhere, whatever was put behind it."""

_CUT: Final = re.compile(r"[._~ -]")

_FAMILIES: Final = re.compile(
    r"(?:zall-pix|zpix|zall-tilecumulative|ztile|tractorphot|targetphot-potential|redrock|zbest)"
    r"(?=[._~ -])",
    re.IGNORECASE,
)
"""Beginnings of names of which a folder holds one list: all with that beginning are members."""

_INSTEAD: Final = {"zpix": "zall-pix", "ztile": "zall-tilecumulative"}
"""Where files stand in for another one, what looks like that one is named too."""

_ORDINARY: Final = re.compile(
    # Summary files come in both formats, and catalogs of other groups of spectra lie beside the
    # cumulative ones.
    r"(?:tiles|exposures)-[a-z0-9]+\.(?:fits|csv)"
    r"|ztile-[a-z0-9]+-[a-z0-9]+-(?:1x_depth|4x_depth|lowspeed|perexp|pernight)\.fits(?:\.gz)?"
    # Of a catalog with several files not all are needed for each table.
    r"|(?:zall-pix|zpix|zall-tilecumulative|ztile)-[a-z0-9-]+-(?:extra|imaging)\.fits(?:\.gz)?"
)

_OF_SURVEY: Final = re.compile(r"(targetphot-potential-)[a-z0-9]+-([a-z0-9]+\.fits)(?:\.gz)?")
"""The stack of such files holds their rows again, and has the name without the survey."""

_SHOWN: Final = 5

_TOPS: Final = ("spectro", "vac", "target")
"""What lies in a data root."""


def names_in(folder: Path) -> frozenset[str]:
    """Return the names in a folder, none if it does not exist."""
    try:
        names = frozenset(path.name for path in folder.iterdir())
        (folder / "..").stat()  # A folder may show its names, and let nobody at the files.
        return names
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()
    except OSError as error:
        raise InputError(f"cannot be listed: {error.strerror}", path=folder) from error


def plain_or_gzipped(path: Path) -> Path | None:
    """Return the file itself or, if it does not exist, the one with (or without) ``.gz``.

    Raises
    ------
    InputError
        If there is neither, but one that was compressed by fpack.
    """
    other = path.with_suffix("") if path.suffix == ".gz" else path.with_name(f"{path.name}.gz")
    found = next((candidate for candidate in (path, other) if candidate.is_file()), None)
    packed = path.with_name(path.name.removesuffix(".gz") + _PACKED)
    if found is None and packed.is_file():
        raise InputError(UNPACK_FIRST, path=packed)
    return found


def listed(folder: Path, names: Collection[str], name: str) -> Path | None:
    """Return what `plain_or_gzipped` would, by the names of the folder."""
    for form in (name, f"{name}.gz"):
        if form in names:
            return folder / form
    if name + _PACKED in names:
        raise InputError(UNPACK_FIRST, path=folder / (name + _PACKED))
    return None


def matching(folder: Path, pattern: str, *, every: bool = False) -> list[Path]:
    """Return the files of a pattern that ends in ``.fits``, sorted by name, numbers by value.

    A name that is that of another one with something behind it (``X-old.fits``, ``X (copy).fits``
    beside ``X.fits``) is another version of that one, and no member, unless every one is wanted.

    Raises
    ------
    InputError
        If the folder cannot be listed, or one of them is there only as fpack compressed it.
    """
    names = names_in(folder)
    plain = {name.removesuffix(".gz").removesuffix(_PACKED) for name in names}
    members = fnmatch.filter(plain, pattern)
    stems = set() if every else {name.removesuffix(".fits") for name in members}
    paths = (listed(folder, names, name) for name in members if not _version(name, stems))
    return sorted((path for path in paths if path and path.is_file()), key=natural)


def left_out(paths: Iterable[Path], *, lists: bool = True) -> list[str]:
    """Return a note on each folder that has more than the inputs that are taken from it.

    Such are other suffixes (``zpix-main-dark.fits.gz`` beside the plain file), names in another
    case, other versions (``tiles-iron-v2.fits``), and links to nothing.

    Parameters
    ----------
    paths : iterable of pathlib.Path
        The files that are taken.
    lists : bool
        Whether all files of a kind that a folder has are wanted, and not these alone.
    """
    taken: dict[Path, set[str]] = defaultdict(set)
    for path in paths:
        taken[path.parent].add(path.name)
    notes = []
    for folder, chosen in taken.items():
        own = _beginnings if lists else _own_beginning
        beginnings = {beginning for name in chosen for beginning in own(name)}
        stacks = {f"{m[1]}{m[2]}{z}" for m in map(_OF_SURVEY.fullmatch, chosen) if m for z in _ZIP}
        twice, others = [], []
        for name in sorted(names_in(folder) - chosen - stacks):
            if name.removesuffix(".gz") in chosen:
                twice.append(name)
            elif looks_like(name, beginnings):
                others.append(name)
        if twice:
            notes.append(f"{folder}: the files without .gz are taken, not {_some(twice)}")
        if others:
            notes.append(f"{folder}: not taken, though the name looks like it: {_some(others)}")
    return notes


def look_alikes(candidates: Iterable[Path]) -> str:
    """Return what lies where files were looked for and looks like them, or an empty text."""
    found = dict.fromkeys(
        str(path.parent / name)
        for path in candidates
        for name in sorted(names_in(path.parent))
        if looks_like(name, {*_beginnings(path.name)})
    )
    return _some([*found])


def alike_clause(candidates: Iterable[Path]) -> str:
    """Return `look_alikes` as the end of a sentence that says what is not there."""
    alike = look_alikes(candidates)
    return f"; what looks like it is {alike}" if alike else ""


def root_above(candidates: Iterable[Path]) -> Path | None:
    """Return the folder above a data root that has the files' folder, if the root is too deep.

    Parameters
    ----------
    candidates : iterable of pathlib.Path
        Places in ``spectro``, ``vac`` or ``target`` of the data root.
    """
    for path in candidates:
        tops = [n for n, name in enumerate(path.parts[:-1]) if name in _TOPS]
        if tops:
            root, folder = Path(*path.parts[: tops[-1]]), Path(*path.parts[tops[-1] : -1])
            if _is_folder(root / folder):
                return None
            for above in root.absolute().parents:
                if _is_folder(above / folder):
                    return above
    return None


def _is_folder(path: Path) -> bool:
    """Say whether a path is that of a folder that we may see."""
    try:
        return path.is_dir()
    except PermissionError:
        return False


def looks_like(name: str, beginnings: Collection[str]) -> bool:
    """Say whether a name is that of a table and begins, up to a cut, like one that is taken."""
    if _ORDINARY.fullmatch(name) or not _SUFFIX.search(name):
        return False
    folded = name.casefold()
    return any(folded[: cut.start()] in beginnings for cut in _CUT.finditer(folded))


def _version(name: str, stems: Collection[str]) -> bool:
    """Say whether a name is a member's with something behind it."""
    stem = name.removesuffix(".fits")
    return any(stem[: cut.start()] in stems for cut in _CUT.finditer(stem))


def _beginnings(name: str) -> Iterator[str]:
    family = _FAMILIES.match(name)
    if family is None:
        yield from _own_beginning(name)
        return
    yield family[0].casefold()
    if family[0] in _INSTEAD:
        yield _INSTEAD[family[0]]


def _own_beginning(name: str) -> Iterator[str]:
    found = _SUFFIX.search(name)
    yield (name[: found.start()] if found else name).casefold()


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def natural(path: Path) -> tuple[list[str | int], str]:
    """Return what sorts paths by name, numbers in names by value."""
    pieces = re.split(r"(\d+)", path.name)
    return [int(piece) if piece.isdecimal() else piece for piece in pieces], path.name
