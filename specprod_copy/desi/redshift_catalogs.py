"""Where redshift catalogs lie: one of everything (zall), else one for each survey and program.

A catalog is a single file, or several of the same rows: a core, and beside it files whose names
have ``-extra`` and ``-imaging``. Of these the core is what is found here. A copy that is not
complete must not look like a production with fewer catalogs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from specprod_copy.desi.configuration import Production
from specprod_copy.desi.members import (
    alike_clause,
    listed,
    look_alikes,
    matching,
    names_in,
    plain_or_gzipped,
    root_above,
)
from specprod_copy.errors import InputError

SURVEYS: Final = ("cmx", "special", "sv1", "sv2", "sv3", "main")
"""Folders that catalogs of one survey may lie in."""

_SURVEY_PROGRAM: Final = re.compile(
    r"(?:zpix-([a-z0-9]+)-([a-z0-9]+)|ztile-([a-z0-9]+)-([a-z0-9]+)-cumulative)\.fits(?:\.gz)?"
)

_OF_A_CATALOG: Final = re.compile(
    r"(?:zpix-([a-z0-9]+)-([a-z0-9]+)|ztile-([a-z0-9]+)-([a-z0-9]+)-cumulative)"
    r"(?:-extra|-imaging)?\.fits(?:\.gz)?"
)
"""Any file that shows that there is a catalog of a survey and program."""


@dataclass(frozen=True)
class Kind:
    """A kind of catalog."""

    zall: str
    """How that of everything is called: ``zall-{zall}-…``."""
    each: str
    """Names of those of a survey and program, for `matching`."""
    name: str
    """The name of one of those."""


PIX: Final = Kind("pix", "zpix-*-*.fits", "zpix-{survey}-{program}.fits")
TILE: Final = Kind(
    "tilecumulative", "ztile-*-*-cumulative.fits", "ztile-{survey}-{program}-cumulative.fits"
)
KINDS: Final = (PIX, TILE)


class RedshiftCatalogs:
    """The redshift catalogs of a production.

    Parameters
    ----------
    production : Production
    root : pathlib.Path
        The data root.
    """

    def __init__(self, production: Production, root: Path) -> None:
        self._production, self._root = production, root

    @property
    def _redux(self) -> Path:
        return self._root / "spectro" / "redux" / self._production.name / "zcatalog"

    def zall_places(self, kind: Kind) -> list[Path]:
        """Return where a catalog of everything is looked for; none where there is no such one."""
        name, release = self._production.name, self._production.release
        version = self._production.redshift_version
        places = {
            "base": self._redux / f"zall-{kind.zall}-{name}.fits",
            "patch": self._redux / version / f"zall-{kind.zall}-{name}.fits",
            "zcat": self._root
            / "vac"
            / release
            / "zcat"
            / name
            / version
            / f"zall-{kind.zall}-{release}-vac.fits",
        }
        kind_of_place = self._production.redshift_type
        place = places.get(kind_of_place)
        if place is None:
            return []
        return [place, *([place.parent / "zall" / place.name] if kind_of_place == "patch" else [])]

    def zall(self, kind: Kind) -> Path | None:
        """Return the catalog of everything, None if there is none.

        Raises
        ------
        InputError
            If files that belong to it are there and it is not.
        """
        places = self.zall_places(kind)
        for place in places:
            found = plain_or_gzipped(place)
            if found is not None:
                return found
        for place in places:
            beginning = place.name.removesuffix(".fits")
            names = names_in(place.parent)
            for suffix in ("-extra", "-imaging"):
                beside = listed(place.parent, names, f"{beginning}{suffix}.fits")
                if beside is not None:
                    raise InputError(
                        f"not there, and {beside.name} is, which belongs to it. The copy is not "
                        "complete",
                        path=place,
                    )
        return None

    def of_surveys(self, kind: Kind) -> list[Path]:
        """Return the catalogs per survey and program, the substitute for that of everything.

        They lie where that one is looked for, or in a folder of their survey there. A catalog of
        type ``zcat`` lies apart from them; then those of ``zcatalog/v1`` are taken, else the first
        ones, of ``zcatalog`` itself. A daily production has none.

        Raises
        ------
        InputError
            If there are none; or one is not there though files of its survey and program are.
        """
        places = self.zall_places(kind)
        if not places:
            return []
        redux = self._redux
        apart = self._production.redshift_type == "zcat"
        folders = [redux / "v1", redux] if apart else [places[0].parent]
        for folder in folders:
            files = [f for f in matching(folder, kind.each) if is_of_survey(f)]
            if files:
                return files
            files = self._in_folders(folder, kind)
            if files:
                return files
        raise self._missing([*places, *(folder / kind.each for folder in folders)])

    def _in_folders(self, folder: Path, kind: Kind) -> list[Path]:
        """Return the catalogs in the folders of their surveys, all that should be there."""
        there = {
            match_groups(match)
            for survey in SURVEYS
            for match in map(_OF_A_CATALOG.fullmatch, names_in(folder / survey))
            if match
        }
        files, absent = [], []
        for survey, program in sorted(there, key=lambda pair: (SURVEYS.index(pair[0]), pair[1])):
            place = folder / survey / kind.name.format(survey=survey, program=program)
            found = plain_or_gzipped(place)
            if found is None:
                absent.append(str(place))
            else:
                files.append(found)
        if files and absent:
            raise InputError(
                f"{', '.join(absent)}: not there, and other catalogs of that survey and program "
                "are. The copy is not complete"
            )
        return files

    def left_out(self, paths: Sequence[Path]) -> Iterator[str]:
        """Yield notes on what looks like a catalog of everything that others stand in for."""
        for kind in KINDS:
            beginning = kind.each.partition("*")[0]
            if any(path.name.startswith(beginning) for path in paths):
                for zall in self.zall_places(kind)[:1]:
                    alike = look_alikes([zall])
                    if alike and zall.parent not in {path.parent for path in paths}:
                        yield f"{zall}: not there; what looks like it is {alike}"

    def _missing(self, candidates: Sequence[Path]) -> InputError:
        return missing(candidates, self._production)


def missing(candidates: Sequence[Path], production: Production) -> InputError:
    """Return the error for files of a production that are not there."""
    looked_for = ", ".join(str(path) for path in candidates)
    root = root_above(candidates)
    way_out = (
        f"check the data root and the configuration of production {production.name}"
        if root is None
        else f"the data root seems to be {root}, where such a folder is"
    )
    return InputError(f"not found: {looked_for}{alike_clause(candidates)}; {way_out}")


def match_groups(match: re.Match[str]) -> tuple[str, str]:
    """Return survey and program of a name that matched."""
    survey, program = (group for group in match.groups() if group is not None)
    return survey, program


def is_of_survey(path: Path) -> bool:
    """Say whether the name is that of a catalog of one survey and program."""
    return _SURVEY_PROGRAM.fullmatch(path.name) is not None


def survey_program_from_name(path: Path) -> tuple[str, str]:
    """Return survey and program of a redshift catalog per survey and program, from its name.

    Parameters
    ----------
    path : pathlib.Path
        ``zpix-SURVEY-PROGRAM.fits`` or ``ztile-SURVEY-PROGRAM-cumulative.fits``.

    Raises
    ------
    InputError
        If the name is not of that form.
    """
    match = _SURVEY_PROGRAM.fullmatch(path.name)
    if match is None:
        forms = "zpix-SURVEY-PROGRAM.fits or ztile-SURVEY-PROGRAM-cumulative.fits"
        raise InputError(
            f"survey and program are taken from the name, but it is not {forms}", path=path
        )
    return match_groups(match)
