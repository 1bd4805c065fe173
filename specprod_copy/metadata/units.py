"""Units as they stand in comments, and as VOTable and TAP want them.

A comment has the powers of units with a blank between them, ``mas yr^-1``, as DESI's own files do.
FITS, felis and astropy read that as it is. Some catalogues have it in other ways,
``10**-17 erg/(s cm2)``, which astropy translates.
"""

from __future__ import annotations

import re
import warnings
from functools import cache
from typing import Final

_FACTOR: Final = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")
_POWER: Final = re.compile(r"([A-Za-z]+|%)(?:\^(-?\d+))?")

_OWN: Final = frozenset(
    {"Gyr", "Hz", "J", "Jy", "K", "W", "arcsec", "cm", "count", "d", "deg", "erg", "km", "m", "mag"}
    | {"mas", "mm", "nm", "pc", "pix", "s", "um", "yr"}
)
"""Names of the standard; about these astropy, which takes a while to be imported, is not asked."""

_NOT_OWN: Final = frozenset({"dex", "electron", "nanomaggy"})
"""Names that the standard has not; nor about these."""

_EPOCH: Final = re.compile(r"[A-Za-z]\d{4}")
"""As in ``J2000``, which is no unit, and no power of one."""

_PERCENT: Final = ("percent", "%")
"""Of the standard as well, but astropy writes no VOUnit for it."""


@cache
def vounit(unit: str) -> str:
    """Return a unit as the IVOA's standard VOUnit 1.1 writes it.

    Parameters
    ----------
    unit : str
        As in a comment: a factor, where it has one, and powers, whose order stays; or in another
        way that astropy reads. Names that the standard has not come in quotes, and so does the
        whole where it is nothing of that.

    Examples
    --------
    >>> vounit("mas yr^-1"), vounit("nanomaggy^-2"), vounit("Angstrom")
    ('mas.yr**-1', "'nanomaggy'**-2", '0.1nm')
    >>> vounit("1e-17 erg cm^-2 s^-1"), vounit("10**-17 erg/(s cm2)")
    ('1e-17erg.cm**-2.s**-1', '1e-17erg.s**-1.cm**-2')
    """
    if unit == "Angstrom":  # deprecated in the standard
        return "0.1nm"
    names = unit.split()
    factor = names.pop(0) if len(names) > 1 and _FACTOR.fullmatch(names[0]) else ""
    powers = [_POWER.fullmatch(name) for name in names]
    if not all(powers):
        read = "" if _EPOCH.search(unit) else _by_astropy(unit)
        return read or f"'{unit}'"
    return factor + ".".join(
        _named(power[1]) + (f"**{power[2]}" if power[2] else "")
        for power in powers
        if power is not None
    )


def _named(name: str) -> str:
    if name in _PERCENT:
        return "%"
    if name in _OWN:
        return name
    if name in _NOT_OWN:
        return f"'{name}'"
    found = _by_astropy(name)
    # A litre is 1000 cm^3 there, which could not get a power.
    return found if found.isalpha() else f"'{name}'"


def _by_astropy(unit: str) -> str:
    """Return a unit as astropy writes it by the standard; empty for what it cannot."""
    from astropy.units import Unit  # It takes a fifth of a second, and few commands write units.

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of units that are deprecated in the standard
            found = str(Unit(unit).to_string("vounit"))
            return found if Unit(found, format="vounit") == Unit(unit) else ""
    except ValueError:
        return ""
