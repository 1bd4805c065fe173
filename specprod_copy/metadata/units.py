"""Units as they stand in comments, and as VOTable and TAP want them.

A comment has the powers of units with a blank between them, ``mas yr^-1``, as DESI's own files do.
FITS, felis and astropy read that as it is.
"""

from __future__ import annotations

import re
from typing import Final

_POWER: Final = re.compile(r"([A-Za-z]+)(?:\^(-?\d+))?")


def vounit(unit: str) -> str:
    """Return a unit as the IVOA's standard VOUnit 1.1 writes it.

    Parameters
    ----------
    unit : str
        As in a comment. What is no product of powers comes in quotes, as one unknown unit.

    Returns
    -------
    str

    Examples
    --------
    >>> vounit("mas yr^-1"), vounit("nanomaggy^-2"), vounit("Angstrom")
    ('mas.yr**-1', "'nanomaggy'**-2", '0.1nm')
    """
    if unit == "Angstrom":  # deprecated in the standard
        return "0.1nm"
    powers = [_POWER.fullmatch(factor) for factor in unit.split()]
    if None in powers:
        return f"'{unit}'"
    return ".".join(
        # Unknown names stand in quotes.
        ("'nanomaggy'" if power[1] == "nanomaggy" else power[1])
        + (f"**{power[2]}" if power[2] else "")
        for power in powers
        if power is not None
    )
