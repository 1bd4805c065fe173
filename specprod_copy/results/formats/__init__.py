"""The formats of files with results."""

from __future__ import annotations

from pathlib import Path

from specprod_copy.errors import ConfigurationError
from specprod_copy.results.formats.fits import FITS
from specprod_copy.results.formats.parquet import PARQUET
from specprod_copy.results.formats.text import CSV, ECSV
from specprod_copy.results.formats.votable import VOTABLE
from specprod_copy.results.formats.writer import Contents, Format, Writer

FORMATS = {form.name: form for form in (PARQUET, FITS, ECSV, VOTABLE, CSV)}
"""By name."""

_ALIASES = {".votable": VOTABLE, ".fit": FITS}


def format_of(path: Path | None, name: str | None) -> Format:
    """Return the format of a name, or else of the suffix of a file.

    Raises
    ------
    ConfigurationError
        If neither tells.
    """
    if name is not None:
        if name not in FORMATS:
            raise ConfigurationError(f"no format is called {name!r}; known: {', '.join(FORMATS)}")
        return FORMATS[name]
    suffixes = {form.suffix: form for form in FORMATS.values()} | _ALIASES
    if path is None or path.suffix.lower() not in suffixes:
        known = ", ".join(form.suffix for form in FORMATS.values())
        raise ConfigurationError(
            f"which format? name it (--format), or end the name of the file in one of {known}"
        )
    return suffixes[path.suffix.lower()]


__all__ = ["FORMATS", "Contents", "Format", "Writer", "format_of"]
