"""Units as they stand in comments, and as VOTable and TAP want them.

A comment has the powers of units with a blank between them, ``mas yr^-1``, as DESI's own files do.
FITS, felis and astropy read that as it is.
"""

from __future__ import annotations

import re
from typing import Final

_FACTOR: Final = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")
_POWER: Final = re.compile(r"([A-Za-z]+)(?:\^(-?\d+))?")

_NAMES: Final = {
    "Msun": "solMass",
    "Lsun": "solLum",
    "nanomaggy": "'nanomaggy'",
    "dex": "'dex'",
    "electron": "'electron'",
}
"""Names that the standard has not: its own in their place, or quotes around them."""


def vounit(unit: str) -> str:
    """Return a unit as the IVOA's standard VOUnit 1.1 writes it.

    Parameters
    ----------
    unit : str
        As in a comment: a factor, where it has one, and powers. What is something else comes in
        quotes, as one unknown unit.

    Examples
    --------
    >>> vounit("mas yr^-1"), vounit("nanomaggy^-2"), vounit("Angstrom")
    ('mas.yr**-1', "'nanomaggy'**-2", '0.1nm')
    >>> vounit("1e-17 erg cm^-2 s^-1")
    '1e-17erg.cm**-2.s**-1'
    """
    if unit == "Angstrom":  # deprecated in the standard
        return "0.1nm"
    names = unit.split()
    factor = names.pop(0) if len(names) > 1 and _FACTOR.fullmatch(names[0]) else ""
    powers = [_POWER.fullmatch(name) for name in names]
    if not all(powers):
        return f"'{unit}'"
    return factor + ".".join(
        _NAMES.get(power[1], power[1]) + (f"**{power[2]}" if power[2] else "")
        for power in powers
        if power is not None
    )
