"""Units as they stand in comments, and as VOTable and TAP want them.

A comment has the powers of units with a blank between them, ``mas yr^-1``, as DESI's own files do.
FITS, felis and astropy read that as it is. Files of the zcatalog v2 have them in another way,
``10**-17 erg/(s cm2)``. Much that stands in the place of a unit is none, such as ``S/N`` and
``Mpc/h``, and is not to be taken for one.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

_FACTOR: Final = re.compile(r"(?:(\d+(?:\.\d+)?(?:e[+-]?\d+)?)|10\*\*(-?\d+)) +(?=\S)")
_POWER: Final = re.compile(r"([A-Za-z]+|%)(?:\^(-?\d+))?")

# One digit: an epoch, J2000, is no power.
_SHORT_POWER: Final = re.compile(r"([A-Za-z]+)(-?[1-9])?")
_RATIO: Final = re.compile(r"([^/()]+?)(?: ?/ ?(?:\(([^/()]+)\)|([^/() ]+)))?")

NAMES: Final = {
    name: name
    for name in (
        *("Angstrom", "AU", "J", "K", "W", "adu", "arcmin", "arcsec", "bit", "byte", "count", "d"),
        *("deg", "erg", "kg", "mag", "min", "mmag", "mol", "ph", "photon", "pix", "pixel", "rad"),
        *("solLum", "solMass", "solRad", "sr"),
        *("mas", "s", "ms", "us", "ns", "yr", "kyr", "Myr", "Gyr"),
        *("m", "nm", "um", "mm", "cm", "km", "pc", "kpc", "Mpc", "Gpc", "lyr"),
        *("Hz", "kHz", "MHz", "GHz", "THz", "eV", "keV", "MeV", "GeV", "Jy", "mJy", "uJy", "nJy"),
    )
} | {"Lsun": "solLum", "Msun": "solMass", "Rsun": "solRad", "percent": "%", "%": "%"}
"""Names of units, and those of the standard for them. Of one letter are those of DESI's files
only: h is seldom an hour, nor A an ampere."""


@cache
def vounit(unit: str) -> str:
    """Return a unit as the IVOA's standard VOUnit 1.1 writes it.

    Parameters
    ----------
    unit : str
        As in a comment: a factor, where it has one, and powers, whose order stays; names that are
        not known come in quotes. What is written in another way comes in quotes as a whole, as one
        unknown unit, unless it is a unit of known names without doubt.

    Examples
    --------
    >>> vounit("mas yr^-1"), vounit("nanomaggy^-2"), vounit("Angstrom")
    ('mas.yr**-1', "'nanomaggy'**-2", '0.1nm')
    >>> vounit("1e-17 erg cm^-2 s^-1"), vounit("10**-17 erg/(s cm2)"), vounit("S/N")
    ('1e-17erg.cm**-2.s**-1', '1e-17erg.s**-1.cm**-2', "'S/N'")
    """
    if unit == "Angstrom":  # deprecated in the standard
        return "0.1nm"
    found = _FACTOR.match(unit)
    factor = "" if found is None else found[1] or f"1e{found[2]}"
    rest = unit if found is None else unit[found.end() :]
    powers = [_POWER.fullmatch(word) for word in rest.split()]
    if all(powers):
        terms = [(p[1], p[2]) for p in powers if p is not None]
        return factor + ".".join(_written(NAMES.get(n, f"'{n}'"), power) for n, power in terms)
    ratio = _ratio(rest)
    # J/K and K2 may be something else.
    if ratio is None or not (factor or any(len(name) > 1 for name, _ in ratio)):
        return f"'{unit}'"
    return factor + ".".join(_written(*term) for term in ratio)


def _written(name: str, power: str | None) -> str:
    return name if power in (None, "1") else f"{name}**{power}"


def _ratio(text: str) -> list[tuple[str, str]] | None:
    """Return the names and powers of a text such as ``erg/(s cm2)``; None if there are others."""
    ratio = _RATIO.fullmatch(text)
    if ratio is None:
        return None
    above, *below = ratio.groups(default="")
    terms = []
    for sign, words in ((1, above), (-1, " ".join(below))):
        for word in words.split():
            power = _SHORT_POWER.fullmatch(word)
            if power is None or power[1] not in NAMES:
                return None
            terms.append((NAMES[power[1]], str(sign * int(power[2] or 1))))
    return terms
