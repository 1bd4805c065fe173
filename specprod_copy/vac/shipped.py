"""Descriptions of catalogues that come with this program."""

from __future__ import annotations

from pathlib import Path

from specprod_copy.errors import ConfigurationError
from specprod_copy.resources import resource_folder
from specprod_copy.words import did_you_mean


def shipped() -> dict[str, Path]:
    """Return the descriptions, by their names."""
    found = resource_folder("ddl").glob("vac/*/*.toml")
    return {path.stem: path for path in sorted(found, key=lambda path: path.name)}


def description_file(said: Path) -> Path:
    """Return the file of a description, given that or the name of one that comes with this program.

    Raises
    ------
    ConfigurationError
        If it is neither a file nor such a name.
    """
    if said.suffix == ".toml":
        return said
    ours = shipped()
    if str(said) not in ours:
        meant = did_you_mean(str(said), ours)
        raise ConfigurationError(
            f"{said}: no TOML file, and no description that comes with specprod-copy: "
            + ", ".join(ours)
            + (f"; {meant}" if meant else "")
        )
    return ours[str(said)]
