"""The objects on the sky: who they are, where they lie, and on which tiles they are targets.

Objects of a field are drawn in blocks. A block has its own random stream and knows all tiles of the
field, so that all that concerns its objects, on whatever tile, is known without any other block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from specprod_copy.demo import sky
from specprod_copy.demo.kinds import load_kinds
from specprod_copy.demo.layouts import MASKS, SV_SURVEYS, Array, mask_names
from specprod_copy.demo.plan import Field, PlannedTile

#: Gives an independent random generator for each sequence of numbers.
Stream = Callable[..., np.random.Generator]

#: Part of the targets that may be targets of another program of the field, too.
SHARED = 0.25
#: Where objects come from, and the part of the first ones: the Tractor catalogue; secondary
#: targets; targets of opportunity; Gaia only, or a Tractor source that could not be matched again.
TRACTOR, SECONDARY, OPPORTUNITY, GAIA, UNMATCHED = range(5)
ORIGINS = (0.90, 0.95, 0.96)
#: Declination north of which the northern imaging is used.
RESOLVE_DEC = 32.375
RELEASE_SOUTH, RELEASE_NORTH, RELEASE_OPPORTUNITY = 9010, 9011, 9999
SECONDARY_BITS = 40
#: First bits of the fields of a TARGETID.
BRICK_SHIFT, RELEASE_SHIFT, SKY_SHIFT, GAIA_SHIFT = 22, 42, 59, 60
GAIA_RELEASE = 2
SCND_ANY = 1 << 62
EVERY_MASK = ("CMX_TARGET", *MASKS, *(f"{s.upper()}_{m}" for s in SV_SURVEYS for m in MASKS))


@dataclass(frozen=True)
class Objects:
    """Some objects of a field."""

    tiles: Sequence[PlannedTile]
    """The T tiles of the field."""
    kind: Array
    origin: Array
    """Class and origin, shape (n,)."""
    ra: Array
    dec: Array
    """Position in degrees, shape (n,)."""
    member: Array
    """Whether the object is a target of the tile, shape (n, T)."""
    targetid: Array
    release: Array
    brickid: Array
    brickname: Array
    objid: Array
    """Identity, shape (n,)."""

    def __len__(self) -> int:
        return len(self.targetid)

    def masks(self, survey: str) -> dict[str, Any]:
        """Return all 17 bitmask columns as they are in rows of a survey."""
        kinds = load_kinds()
        masks = kinds.masks[self.kind]
        secondary = self.origin == SECONDARY
        masks[secondary, 0] |= SCND_ANY
        masks[secondary, 3] = 1 << (self.objid[secondary] % SECONDARY_BITS).astype(np.int64)
        if survey == "cmx":
            return dict.fromkeys(EVERY_MASK, 0) | {"CMX_TARGET": kinds.cmx[self.kind]}
        names = mask_names(survey)
        return dict.fromkeys(EVERY_MASK, 0) | {names[m]: masks[:, i] for i, m in enumerate(MASKS)}


class BrickCounter:
    """Counts the objects in each brick, to number them."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}

    def number(self, brickid: Array) -> Array:
        """Return the next free OBJID in the brick of each object, shape (n,)."""
        order = np.argsort(brickid, kind="stable")
        unique, first, counts = np.unique(brickid[order], return_index=True, return_counts=True)
        objid = np.empty(len(brickid), np.int32)
        base = np.array([self._counts.get(b, 0) for b in unique.tolist()], np.int64)
        objid[order] = np.arange(len(order)) + np.repeat(base - first, counts)
        self._counts.update(zip(unique.tolist(), (base + counts).tolist(), strict=True))
        return objid


def field_blocks(
    field: Field, targets: int, rows: int, counter: BrickCounter, stream: Stream
) -> Iterator[tuple[Objects, np.random.Generator]]:
    """Draw the objects of a field, in blocks of `rows` positions.

    Yields those that are targets of a tile, ordered along the sky, and the generator for all that
    is still to be drawn about them.
    """
    programs = sorted({tile.catalog_program for tile in field.tiles})
    cap = sky.TILE_RADIUS + sky.DITHER
    area = (1 - np.cos(np.radians(cap))) / (1 - np.cos(np.radians(sky.TILE_RADIUS)))
    per_program = (1 + SHARED * (1 - 1 / len(programs))) / len(programs)
    wanted = round(targets * area / per_program)
    for block, start in enumerate(range(0, wanted, rows)):
        rng = stream(block)
        objects = _draw(field, programs, min(rows, wanted - start), counter, rng)
        if len(objects):
            yield objects, rng


class _Drawn(NamedTuple):
    """Objects without origin and identity; see `Objects`."""

    kind: Array
    ra: Array
    dec: Array
    member: Array


def _draw(
    field: Field, programs: Sequence[str], n: int, counter: BrickCounter, rng: np.random.Generator
) -> Objects:
    ra, dec = sky.around(rng, field.ra, field.dec, sky.TILE_RADIUS + sky.DITHER, n)
    first = rng.integers(len(programs), size=n)
    second = np.where(rng.random(n) < SHARED, rng.integers(len(programs), size=n), first)
    member = np.stack([_on_tile(ra, dec, tile, programs, first, second) for tile in field.tiles], 1)
    kind = np.empty(n, np.int64)
    for number, program in enumerate(programs):
        candidates, chances = load_kinds().of_program(program)
        own = first == number
        kind[own] = rng.choice(candidates, own.sum(), p=chances)
    rows = np.flatnonzero(member.any(axis=1))
    rows = rows[np.argsort(sky.healpix(ra[rows], dec[rows], 1024), kind="stable")]
    drawn = _Drawn(kind[rows], ra[rows], dec[rows], member[rows])
    return _identified(field.tiles, drawn, counter, rng)


def _on_tile(
    ra: Array, dec: Array, tile: PlannedTile, programs: Sequence[str], first: Array, second: Array
) -> Array:
    program = programs.index(tile.catalog_program)
    near = sky.separation(ra, dec, tile.ra, tile.dec) < sky.TILE_RADIUS
    return near & ((first == program) | (second == program))


def _identified(
    tiles: Sequence[PlannedTile],
    drawn: _Drawn,
    counter: BrickCounter,
    rng: np.random.Generator,
) -> Objects:
    """Give origins and numbers to objects."""
    kind, ra, dec, member = drawn
    star = load_kinds().spectype[kind] == b"STAR"
    origin = np.searchsorted(ORIGINS, rng.random(len(kind)), side="right")
    origin = np.where((origin == GAIA) & ~star, UNMATCHED, origin)
    brickid, brickname = sky.bricks(ra, dec)
    objid = counter.number(brickid)
    release = np.where(dec > RESOLVE_DEC, RELEASE_NORTH, RELEASE_SOUTH)
    in_id = np.select(
        [origin == SECONDARY, origin == OPPORTUNITY, origin == GAIA],
        [objid % SECONDARY_BITS, RELEASE_OPPORTUNITY, 0],
        release,
    )
    gaia = np.where(origin == GAIA, GAIA_RELEASE, 0)
    targetid = _targetid(objid, brickid, in_id) | gaia << GAIA_SHIFT
    imaged = (origin == TRACTOR) | (origin == UNMATCHED)
    opportunity = origin == OPPORTUNITY
    return Objects(
        tiles=tiles,
        kind=kind,
        origin=origin,
        ra=ra,
        dec=dec,
        member=member,
        targetid=targetid,
        release=np.where(imaged, release, np.where(opportunity, -1, 0)),
        brickid=brickid,
        brickname=np.where(imaged, brickname, b""),
        objid=np.where(opportunity, -1, objid),
    )


def _targetid(objid: Array, brickid: Array, release: Array) -> Array:
    return (
        objid.astype(np.int64)
        | brickid.astype(np.int64) << BRICK_SHIFT
        | release.astype(np.int64) << RELEASE_SHIFT
    )


def blank_objects(
    field: Field, tile: int, stuck: int, n: int, counter: BrickCounter, rng: np.random.Generator
) -> Objects:
    """Draw n positions without an object for one tile of a field.

    The first ones are those of stuck fibres: their TARGETID is negative and encodes the position.
    The others are sky positions, with bit SKY set in TARGETID.
    """
    ra, dec = sky.around(rng, field.tiles[tile].ra, field.tiles[tile].dec, sky.TILE_RADIUS, n)
    brickid, brickname = sky.bricks(ra, dec)
    objid = counter.number(brickid)
    release = np.where(dec > RESOLVE_DEC, RELEASE_NORTH, RELEASE_SOUTH)
    member = np.zeros((n, len(field.tiles)), bool)
    member[:, tile] = True
    names = load_kinds().names
    moves = np.arange(n) >= stuck
    on_sky = _targetid(objid, brickid, release) | 1 << SKY_SHIFT
    return Objects(
        tiles=field.tiles,
        kind=np.where(moves, names.index("SKY"), names.index("STUCK")),
        origin=np.full(n, UNMATCHED),
        ra=ra,
        dec=dec,
        member=member,
        targetid=np.where(moves, on_sky, _stuck_targetid(field, ra, dec)),
        release=np.where(moves, release, 0),
        brickid=np.where(moves, brickid, 0),
        brickname=np.where(moves, brickname, b""),
        objid=np.where(moves, objid, 0),
    )


def _stuck_targetid(field: Field, ra: Array, dec: Array) -> Array:
    ra_bits = np.trunc((2**30 - 1) * ra / 360).astype(np.int64)
    dec_bits = np.trunc((2**29 - 1) * (dec + 90) / 180).astype(np.int64)
    group = 1 + field.number % 15
    return -((group << 59) + (ra_bits << 29) + dec_bits)
