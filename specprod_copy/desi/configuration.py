"""The configuration of spectroscopic productions, packaged and of one's own."""

from __future__ import annotations

import configparser
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from specprod_copy.errors import ConfigurationError
from specprod_copy.words import did_you_mean

_PACKAGED: Final = Path(__file__).with_name("productions.toml")
_KEYS: Final = ("release", "photometry", "target_summary", "redshift", "tiles")
_OPTIONAL: Final = ("repeated_keys",)
REPEATED_KEYS: Final = ("refuse", "best")
"""What may become of spectra that the catalogs have twice."""

# Every text becomes one component of a path, so it holds no separator and no leading dot.
_COMPONENT: Final = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_WORD: Final = (_COMPONENT, "text (in quotes) of letters, digits, '.', '_' and '-'")
_FORMS: Final[Mapping[str, tuple[str, str]]] = {
    "name": _WORD,
    "release": _WORD,
    "photometry": _WORD,
    "redshift": (
        rf"base|daily|(?:patch|zcat)/{_COMPONENT}",
        "base, patch/VERSION, zcat/VERSION or daily (in quotes)",
    ),
    "tiles": _WORD,
    "repeated_keys": ("|".join(REPEATED_KEYS), f"{' or '.join(REPEATED_KEYS)} (in quotes)"),
}
_UNDECIDED: Final[Mapping[str, str]] = {
    "matterhorn": 'release = "dr3", target_summary = false, redshift = "patch/v2"',
}
"""Productions of which some versions are not known, and what is."""

# What DESI's own configuration file says about its connection; here that is given by options.
_CONNECTION_KEYS: Final = frozenset({"username", "hostname", "chunksize", "maxrows"})


@dataclass(frozen=True)
class Production:
    """The configuration of a production.

    Raises
    ------
    ConfigurationError
        If a value has the wrong type, or cannot be part of a path.
    """

    name: str  # of the production (SPECPROD)
    release: str  # data release, for example ``dr1``
    photometry: str  # version of the lsdr9-photometry catalog, or ``computed``: one file per tile
    target_summary: bool  # whether all targets are in one targetphot file
    redshift: str  # ``base``, ``patch/VERSION``, ``zcat/VERSION`` or ``daily``
    tiles: str  # version of the fiberassign files
    # What becomes of spectra that redshift catalogs have twice: ``refuse``; or ``best``, the one
    # that ranks first is kept, and the others go into quarantine.
    repeated_keys: str = "refuse"

    def __post_init__(self) -> None:
        if not isinstance(self.target_summary, bool):
            raise ConfigurationError(
                f"key target_summary must be true or false, not {self.target_summary!r}"
            )
        for key, (form, allowed) in _FORMS.items():
            value: Any = getattr(self, key)
            if not (isinstance(value, str) and re.fullmatch(form, value)):
                raise ConfigurationError(f"key {key} must be {allowed}, not {value!r}")

    @property
    def redshift_type(self) -> str:
        """``base``, ``patch``, ``zcat`` or ``daily``."""
        return self.redshift.partition("/")[0]

    @property
    def is_second_format(self) -> bool:
        """Whether redshift catalogs are to be of the second format (zcatalog v2), by their folder.

        What the files are counts: see `plan.production_catalogue`.
        """
        return names_second_format(self.redshift_version)

    @property
    def redshift_version(self) -> str:
        """Version of the redshift catalog; ``v0`` where none is given, as in the version table."""
        return self.redshift.partition("/")[2] or "v0"


def names_second_format(version: str) -> bool:
    """Whether a version of redshift catalogs promises the second format: 2, v2, v2.1, v2_new."""
    return re.match(r"v?2(?![0-9])", version) is not None


def load_configuration(path: Path | None = None) -> dict[str, Production]:
    """Return all known productions by name.

    Parameters
    ----------
    path : pathlib.Path, optional
        A file with further productions: TOML (``.toml``), or an INI file as DESI's loader has it
        (``.ini``, ``.cfg``, ``.conf``), whose keys about the connection are ignored. Each section
        is a production; one that is packaged too is replaced as a whole.

    Raises
    ------
    ConfigurationError
        If the file cannot be read, or a section lacks a key, has an unknown one or a wrong value.
    """
    return _read(_PACKAGED) | (_read(Path(path)) if path is not None else {})


def find_production(name: str, path: Path | None = None) -> Production:
    """Return the configuration of one production.

    Parameters
    ----------
    name : str
        Name of the production.
    path : pathlib.Path, optional
        A configuration file, see `load_configuration`.

    Raises
    ------
    ConfigurationError
        If there is none of that name, or the file is not right.
    """
    known = load_configuration(path)
    if name not in known and name in _UNDECIDED:
        raise ConfigurationError(
            f"production {name!r}: which photometry and which fiberassign files belong to it is "
            f"not settled, so it has no configuration yet. Add a section [{name}] with "
            f'{_UNDECIDED[name]} to a TOML file, with photometry (a version, or "zcatalog": from '
            "the redshift catalogs) and tiles as you know them, and name that file with --config"
        )
    if name not in known:
        meant = did_you_mean(name, known)
        raise ConfigurationError(
            f"unknown production {name!r}; {f'{meant} ' if meant else ''}known: "
            f"{', '.join(known)}. Add it as a section with the "
            f"keys {', '.join(_KEYS)} to a TOML file and name that file with --config"
        )
    return known[name]


def _read(path: Path) -> dict[str, Production]:
    parse = _PARSERS.get(path.suffix.lower())
    if parse is None:
        endings = ", ".join(_PARSERS)
        raise ConfigurationError(f"{path}: the name of a configuration file ends in {endings}")
    try:
        if path.exists() and not path.is_file():  # to read a pipe might never end
            raise ConfigurationError(f"{path}: no regular file")
        sections = parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, configparser.Error) as error:
        message = " ".join(str(error).split())
        raise ConfigurationError(f"{path}: not a valid configuration: {message}") from error
    return {name: _section(path, name, section) for name, section in sections.items()}


def _section(path: Path, name: str, section: Any) -> Production:
    if not isinstance(section, dict):
        raise ConfigurationError(f"{path}: key {name} stands outside of a section [PRODUCTION]")
    where = f"{path}, section [{name}]"
    for key in section:
        if key not in (*_KEYS, *_OPTIONAL):
            known = ", ".join((*_KEYS, *_OPTIONAL))
            raise ConfigurationError(f"{where}: unknown key {key}; known: {known}")
    for key in _KEYS:
        if key not in section:
            raise ConfigurationError(f"{where}: key {key} is missing")
    try:
        return Production(name, **section)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}") from None


def ignored_keys(path: Path, name: str) -> list[str]:
    """Return the keys of a section that mean something to DESI's own loader only.

    Parameters
    ----------
    path : pathlib.Path
        A configuration file that `load_configuration` accepts.
    name : str
        Name of the production.
    """
    if _PARSERS[path.suffix.lower()] is not _parse_ini:
        return []
    parser = _ini(path.read_text(encoding="utf-8"))
    return sorted(_CONNECTION_KEYS & parser[name].keys()) if name in parser else []


def _ini(text: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text)
    return parser


def _parse_ini(text: str) -> dict[str, dict[str, Any]]:
    parser = _ini(text)
    sections: dict[str, dict[str, Any]] = {}
    for name in parser.sections():
        section: dict[str, Any] = {
            key: value for key, value in parser[name].items() if key not in _CONNECTION_KEYS
        }
        summary = section.get("target_summary", "").lower()
        if summary in parser.BOOLEAN_STATES:
            section["target_summary"] = parser.BOOLEAN_STATES[summary]
        sections[name] = section
    return sections


_PARSERS: Final[Mapping[str, Callable[[str], dict[str, Any]]]] = {
    ".toml": tomllib.loads,
    ".ini": _parse_ini,
    ".cfg": _parse_ini,
    ".conf": _parse_ini,
}
