"""Arithmetic of ids: packing and unpacking them, and the codes inside.

Every function works on columns and on plain values alike::

    frame.with_columns(id=ids.zpixid(pl.col("PROGRAM"), pl.col("SURVEY"), pl.col("TARGETID")))
    ids.zpixid("dark", "main", 39627634575377250)

With expressions (at least one argument is a ``polars.Expr``) the result is an expression, to be
named by the caller; it is null in rows whose input is null, unknown or out of range. With plain
values the result is a plain value: an unknown survey, program, spectra group or camera raises
``KeyError``, a number out of range ``ValueError``, anything else ``TypeError``.

The ids of target, ztile, zpix, fiberassign and potential are 128-bit integers,
``upper << 96 | middle << 64 | TARGETID``: NUMERIC(39) in the database, ``Decimal(38, 0)`` in
Polars, ``int`` at a prompt. ``upper`` stays below 2**30, so an id has at most 38 digits.
A negative TARGETID (a stuck positioner) sets all upper bits, so the id is the negative TARGETID
itself, and decoding gives null (``None``) for the other fields, as it does for an unknown code.
``Int128`` is used inside and never handed out, because Arrow has no such type.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import polars as pl

from specprod_copy.desi.desiname import desiname
from specprod_copy.desi.domains import AnyInt64, Codes, Range, accepts

__all__ = [
    "CAMERAS",
    "EXPID",
    "LOCATION",
    "PROGRAMS",
    "SPECTRA_GROUPS",
    "SPGRPVAL",
    "SURVEYS",
    "TARGETID_FIELDS",
    "TILEID",
    "cameraid",
    "decode_fiberassignid",
    "decode_frameid",
    "decode_ls_id",
    "decode_targetid",
    "decode_targetphotid",
    "decode_zpixid",
    "decode_ztileid",
    "desiname",
    "fiberassignid",
    "frameid",
    "ls_id",
    "no_sky",
    "programid",
    "spgrpid",
    "surveyid",
    "targetphotid",
    "zpixid",
    "ztileid",
]

SURVEYS: Final[Mapping[str, int]] = MappingProxyType(
    {"cmx": 1, "special": 2, "sv1": 3, "sv2": 4, "sv3": 5, "main": 6}
)
# bright1b and dark1b came in 2025, after the ids of the first releases were made.
PROGRAMS: Final[Mapping[str, int]] = MappingProxyType(
    {"backup": 1, "bright": 2, "dark": 3, "other": 4, "bright1b": 5, "dark1b": 6}
)
SPECTRA_GROUPS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "1x_depth": 1,
        "4x_depth": 2,
        "cumulative": 3,
        "lowspeed": 4,
        "perexp": 5,
        "pernight": 6,
        "healpix": 7,
    }
)
CAMERAS: Final[Mapping[str, int]] = MappingProxyType(
    {
        f"{arm}{spectrograph}": 10 * i + spectrograph
        for i, arm in enumerate("brz")
        for spectrograph in range(10)
    }
)
# First bit and number of bits of the fields of a TARGETID (desitarget.targets).
TARGETID_FIELDS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {
        "objid": (0, 22),
        "brickid": (22, 20),
        "release": (42, 16),
        "mock": (58, 1),
        "sky": (59, 1),
        "gaiadr": (60, 2),
    }
)
SKY_BIT: Final = 1 << TARGETID_FIELDS["sky"][0]

_SURVEY = Codes(SURVEYS)
_PROGRAM = Codes(PROGRAMS)
_SPGRP = Codes(SPECTRA_GROUPS)
_CAMERA = Codes(CAMERAS)
_TARGETID = AnyInt64()
# What the parts of an id may be.
TILEID: Final = Range(0, 2**32 - 1)
LOCATION: Final = Range(0, 2**30 - 1)
SPGRPVAL: Final = Range(0, 2**27 - 1)
EXPID: Final = Range(0, (2**31 - 1) // 100)  # 100 * EXPID + camera fits a signed 32-bit integer
_INT32 = Range(-(2**31), 2**31 - 1)
_INT16 = Range(-(2**15), 2**15 - 1)
_ID = Range(-(2**63), 10**38 - 1, pl.Int128)


@accepts(survey=_SURVEY)
def surveyid(survey: pl.Expr) -> pl.Expr:
    """Return the code of a survey (``Int32``)."""
    return survey


@accepts(program=_PROGRAM)
def programid(program: pl.Expr) -> pl.Expr:
    """Return the code of a program (``Int32``)."""
    return program


@accepts(spgrp=_SPGRP)
def spgrpid(spgrp: pl.Expr) -> pl.Expr:
    """Return the code of a spectra group (``Int32``)."""
    return spgrp


@accepts(camera=_CAMERA)
def cameraid(camera: pl.Expr) -> pl.Expr:
    """Return 10 * (index of the arm in "brz") + spectrograph, 0-29, of a camera such as ``b0``."""
    return camera


@accepts(expid=EXPID, camera=_CAMERA)
def frameid(expid: pl.Expr, camera: pl.Expr) -> pl.Expr:
    """Return the id of a frame, 100 * EXPID + `cameraid` (``Int32``)."""
    return (100 * expid + camera).cast(pl.Int32)


@accepts(frameid=Range(0, 2**31 - 1))
def decode_frameid(frameid: pl.Expr) -> pl.Expr:
    """Return a struct of expid (``Int32``) and camera (null if there is no such camera)."""
    return pl.struct(
        (frameid // 100).cast(pl.Int32).alias("expid"), _CAMERA.names(frameid % 100).alias("camera")
    )


@accepts(survey=_SURVEY, tileid=TILEID, targetid=_TARGETID)
def targetphotid(survey: pl.Expr, tileid: pl.Expr, targetid: pl.Expr) -> pl.Expr:
    """Return target.id = ztile.targetphotid, surveyid << 96 | TILEID << 64 | TARGETID."""
    return _pack(survey, tileid, targetid)


@accepts(program=_PROGRAM, survey=_SURVEY, targetid=_TARGETID)
def zpixid(program: pl.Expr, survey: pl.Expr, targetid: pl.Expr) -> pl.Expr:
    """Return zpix.id, programid << 96 | surveyid << 64 | TARGETID."""
    return _pack(program, survey, targetid)


@accepts(spgrp=_SPGRP, spgrpval=SPGRPVAL, tileid=TILEID, targetid=_TARGETID)
def ztileid(spgrp: pl.Expr, spgrpval: pl.Expr, tileid: pl.Expr, targetid: pl.Expr) -> pl.Expr:
    """Return ztile.id, (spgrpid << 27 | SPGRPVAL) << 96 | TILEID << 64 | TARGETID.

    SPGRPVAL must be below 2**27, which nights (20210324) are.
    """
    return _pack(spgrp.cast(pl.Int64) * 2**27 + spgrpval, tileid, targetid)


@accepts(location=LOCATION, tileid=TILEID, targetid=_TARGETID)
def fiberassignid(location: pl.Expr, tileid: pl.Expr, targetid: pl.Expr) -> pl.Expr:
    """Return fiberassign.id and potential.id, LOCATION << 96 | TILEID << 64 | TARGETID."""
    return _pack(location, tileid, targetid)


@accepts(id=_ID)
def decode_targetphotid(id: pl.Expr) -> pl.Expr:
    """Return a struct of survey, tileid and targetid."""
    upper, middle, targetid = _unpack(id)
    return pl.struct(_SURVEY.names(upper).alias("survey"), middle.alias("tileid"), targetid)


@accepts(id=_ID)
def decode_zpixid(id: pl.Expr) -> pl.Expr:
    """Return a struct of program, survey and targetid."""
    upper, middle, targetid = _unpack(id)
    return pl.struct(
        _PROGRAM.names(upper).alias("program"), _SURVEY.names(middle).alias("survey"), targetid
    )


@accepts(id=_ID)
def decode_ztileid(id: pl.Expr) -> pl.Expr:
    """Return a struct of spgrp, spgrpval, tileid and targetid."""
    upper, middle, targetid = _unpack(id)
    return pl.struct(
        _SPGRP.names(upper // 2**27).alias("spgrp"),
        (upper % 2**27).alias("spgrpval"),
        middle.alias("tileid"),
        targetid,
    )


@accepts(id=_ID)
def decode_fiberassignid(id: pl.Expr) -> pl.Expr:
    """Return a struct of location, tileid and targetid."""
    upper, middle, targetid = _unpack(id)
    return pl.struct(upper.alias("location"), middle.alias("tileid"), targetid)


@accepts(release=_INT16, brickid=_INT32, objid=_INT32)
def ls_id(release: pl.Expr, brickid: pl.Expr, objid: pl.Expr) -> pl.Expr:
    """Return the Legacy Surveys id, RELEASE << 40 | BRICKID << 16 | OBJID (``Int64``).

    The packing is not that of TARGETID. RELEASE -1 occurs and makes a negative id; OBJID -1 makes
    the id -1.
    """
    return (release * 2**40) | (brickid * 2**16) | objid


@accepts(ls_id=AnyInt64())
def decode_ls_id(ls_id: pl.Expr) -> pl.Expr:
    """Return a struct of release, brickid and objid (``Int64``); OBJID -1 cannot be recovered."""
    return pl.struct(
        (ls_id // 2**40).alias("release"),
        (ls_id // 2**16 & (2**24 - 1)).alias("brickid"),
        (ls_id & (2**16 - 1)).alias("objid"),
    )


@accepts(targetid=_TARGETID)
def decode_targetid(targetid: pl.Expr) -> pl.Expr:
    """Return a struct of objid, brickid, release, mock, sky and gaiadr (``Int32``).

    The bits of a negative TARGETID mean other things (position of a stuck positioner).
    """
    return pl.struct(
        # Floor division shifts the bits of a negative integer as >> does.
        ((targetid // 2**first) & (2**bits - 1)).cast(pl.Int32).alias(name)
        for name, (first, bits) in TARGETID_FIELDS.items()
    )


@accepts(targetid=_TARGETID)
def no_sky(targetid: pl.Expr) -> pl.Expr:
    """Return whether a row is that of a target: TARGETID is positive and its SKY bit is clear."""
    return (targetid > 0) & ((targetid & SKY_BIT) == 0)


def _pack(upper: pl.Expr, middle: pl.Expr, targetid: pl.Expr) -> pl.Expr:
    """Return upper << 96 | middle << 64 | targetid as ``Decimal(38, 0)``."""
    high = upper.cast(pl.Int64) * 2**32 + middle
    # The OR is a sum, but for the sign bits of a negative TARGETID, which cover everything above.
    # A product, unlike a condition, evaluates `high` once and keeps its nulls.
    above = high * (targetid >= 0).cast(pl.Int64)
    return (above.cast(pl.Int128) * _power(64) + targetid.cast(pl.Int128)).cast(pl.Decimal(38, 0))


def _unpack(id: pl.Expr) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Return upper, middle (both null in a negative id) and TARGETID, all ``Int64``."""
    packed = pl.when(id >= 0).then(id)
    upper = packed // _power(96)
    middle = packed // _power(64) % _power(32)
    low = pl.when(id >= 0).then(id % _power(64)).otherwise(id)
    return (
        upper.cast(pl.Int64),
        middle.cast(pl.Int64),
        low.cast(pl.Int64, strict=False).alias("targetid"),
    )


def _power(exponent: int) -> pl.Expr:
    return pl.lit(2**exponent, dtype=pl.Int128)
