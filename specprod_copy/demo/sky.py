"""Geometry on the sphere: fields, positions, HEALPix pixels, bricks, names. All in degrees."""

from __future__ import annotations

import numpy as np

from specprod_copy.demo.layouts import Array

#: Radius of the focal plane on the sky.
TILE_RADIUS = 1.6
#: How far a tile may lie from the centre of its field.
DITHER = 0.35
#: Distance of neighbouring fields: their targets share no brick (0.25 deg wide).
FIELD_SPACING = 4.5
BRICK_SIZE = 0.25
#: Two boxes inside the footprint of DESI, north and south of the Galactic plane:
#: smallest and largest right ascension, smallest and largest declination.
FOOTPRINT = ((110.0, 270.0, -8.0, 74.0), (-50.0, 50.0, -14.0, 30.0))


def fields(rng: np.random.Generator) -> Array:
    """Return centres of fields that do not overlap, in the order in which they are to be used.

    The first field lies around right ascension 0 and declination 0; the others are shuffled.
    """
    centres = []
    for ra_low, ra_high, dec_low, dec_high in FOOTPRINT:
        rows = np.arange(np.ceil(dec_low / FIELD_SPACING), dec_high / FIELD_SPACING)
        for dec in rows * FIELD_SPACING:
            step = FIELD_SPACING / np.cos(np.radians(dec))
            columns = np.arange(np.ceil(ra_low / step), ra_high / step)
            centres += [(ra % 360, dec) for ra in columns * step]
    found = np.array(centres)
    at_zero = np.flatnonzero((found == 0).all(axis=1))
    others = rng.permutation(np.setdiff1d(np.arange(len(found)), at_zero))
    return found[np.concatenate([at_zero, others])]


def around(
    rng: np.random.Generator, ra: float, dec: float, radius: float, n: int
) -> tuple[Array, Array]:
    """Draw n positions uniformly from the cap around a centre: right ascension, declination."""
    cosine = 1 - rng.random(n) * (1 - np.cos(np.radians(radius)))
    sine = np.sqrt(1 - cosine**2)
    angle = 2 * np.pi * rng.random(n)
    centre = np.radians(dec)
    z = np.sin(centre) * cosine + np.cos(centre) * sine * np.cos(angle)
    offset = np.arctan2(np.sin(angle) * sine * np.cos(centre), cosine - np.sin(centre) * z)
    return wrap(ra + np.degrees(offset)), np.degrees(np.arcsin(z))


def wrap(ra: Array) -> Array:
    """Bring right ascension into [0, 360)."""
    ra = np.mod(ra, 360.0)
    return np.where(ra >= 360.0, 0.0, ra)  # the remainder of -1e-17 is rounded to 360


def separation(ra1: Array, dec1: Array, ra2: Array | float, dec2: Array | float) -> Array:
    """Return the angular distance of two positions (haversine formula)."""
    d1, d2 = np.radians(dec1), np.radians(dec2)
    half = np.sin((d1 - d2) / 2) ** 2
    half += np.cos(d1) * np.cos(d2) * np.sin(np.radians(ra1 - ra2) / 2) ** 2
    return 2 * np.degrees(np.arcsin(np.sqrt(half)))


def _interleave(x: Array, y: Array) -> Array:
    """Merge the lower 16 bits of two coordinates: even bits from x, odd bits from y."""

    def spread(v: Array) -> Array:
        for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
            v = (v | v << shift) & mask
        return v

    return spread(x) | spread(y) << 1


def healpix(ra: Array, dec: Array, nside: int) -> Array:
    """Return the HEALPix pixel of positions, in nested order.

    The projection of Górski et al. 2005, ApJ 622, 759: twelve faces; in the equatorial region the
    pixel borders are lines of constant phi +- z, in the polar caps phi is stretched with the
    distance to the pole.
    """
    z = np.sin(np.radians(dec))
    quarter = np.mod(ra, 360.0) / 90.0
    # Equatorial region: count the ascending and the descending borders west of the point.
    up = np.floor(nside * (0.5 + quarter - 0.75 * z)).astype(np.int64)
    down = np.floor(nside * (0.5 + quarter + 0.75 * z)).astype(np.int64)
    face_up, face_down = up // nside, down // nside
    face = np.where(
        face_up == face_down,
        4 + face_up % 4,
        np.where(face_up < face_down, face_up % 4, 8 + face_down % 4),
    )
    x, y = down % nside, nside - 1 - up % nside
    # Polar caps.
    cap = np.abs(z) > 2 / 3
    sector = np.minimum(quarter.astype(np.int64), 3)
    reach = nside * np.sqrt(3 * (1 - np.abs(z)))
    east = np.minimum(((quarter - sector) * reach).astype(np.int64), nside - 1)
    west = np.minimum(((1 - quarter + sector) * reach).astype(np.int64), nside - 1)
    north = z > 0
    face = np.where(cap, np.where(north, sector, 8 + sector), face)
    x = np.where(cap, np.where(north, nside - 1 - west, east), x)
    y = np.where(cap, np.where(north, nside - 1 - east, west), y)
    return face * nside**2 + _interleave(x, y)


def bricks(ra: Array, dec: Array) -> tuple[Array, Array]:
    """Return number and name of the Legacy Survey brick of positions.

    The sky is cut into 721 rows of declination, each of an even number of bricks that are at most
    0.25 deg wide; the two poles are one brick each. Bricks count from 1 at the south pole.
    """
    row_dec = np.arange(-90, 90 + BRICK_SIZE, BRICK_SIZE)
    widest = np.cos(np.radians(np.abs(row_dec) - BRICK_SIZE / 2))
    per_row = 2 * np.ceil(360 / BRICK_SIZE * widest / 2).astype(np.int64)
    per_row[[0, -1]] = 1
    before = np.concatenate([[0], np.cumsum(per_row)])
    row = np.floor((dec + 90 + BRICK_SIZE / 2) / BRICK_SIZE).astype(np.int64)
    column = np.floor(ra / 360 * per_row[row]).astype(np.int64)
    number = (before[row] + column + 1).astype(np.int32)
    unique, inverse = np.unique(number, return_inverse=True)
    rows = np.searchsorted(before, unique - 1, side="right") - 1
    centre_ra = (unique - 1 - before[rows] + 0.5) * 360 / per_row[rows]
    names = np.array(
        [
            f"{int(a * 10):04d}{'p' if d >= 0 else 'm'}{int(abs(d) * 10):03d}"
            for a, d in zip(centre_ra.tolist(), row_dec[rows].tolist(), strict=True)
        ],
        dtype="S8",
    )
    return number, names[inverse]


def desiname(ra: Array, dec: Array) -> Array:
    """Return the IAU name of positions, ``DESI JRRR.RRRR+DD.DDDD`` with truncated digits.

    Positions that are not finite get a blank name.
    """
    known = np.isfinite(ra) & np.isfinite(dec)
    a = np.trunc(10000.0 * np.where(known, ra, 0)).astype(np.int64)
    d = np.trunc(10000.0 * np.where(known, dec, 0)).astype(np.int64)
    text = np.full((len(a), 22), ord("."), np.uint8)
    text[:, :6] = np.frombuffer(b"DESI J", np.uint8)
    text[:, 14] = np.where(d < 0, ord("-"), ord("+"))
    for value, places in ((a, (13, 12, 11, 10, 8, 7, 6)), (np.abs(d), (21, 20, 19, 18, 16, 15))):
        for place in places:  # from the last digit on
            value, digit = np.divmod(value, 10)
            text[:, place] = ord("0") + digit
    text[~known] = ord(" ")
    return text.view("S22").ravel()
