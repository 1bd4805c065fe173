"""Redshift catalogs of the second format, by astropy: core, extra and imaging of made-up rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from astropy.table import Table

from specprod_copy.desi.configuration import Production
from specprod_copy.desi.production import ProductionFiles
from specprod_copy.tables import Inputs

PRODUCTION = Production("loa", "dr2", "zcatalog", False, "patch/v2", "2.0")
TSNR2 = [
    f"TSNR2_{kind}{camera}"
    for camera in ("_B", "_R", "_Z", "")
    for kind in ("GPBDARK", "ELG", "GPBBRIGHT", "LYA", "BGS", "GPBBACKUP", "QSO", "LRG")
]
FIT = {
    "Z": "f8",
    "ZERR": "f4",
    "ZWARN": "i4",
    "CHI2": "f4",
    "SPECTYPE": "S6",
    "SUBTYPE": "S3",
    "DELTACHI2": "f4",
}
WIDE = {"ZERR": "f8", "ZWARN": "i8", "CHI2": "f8", "SUBTYPE": "S20", "DELTACHI2": "f8"}
TARGETID = 39_627_000_000_000_000

Columns = dict[str, np.ndarray]


@dataclass
class Catalog:
    """Core, extra and imaging of one catalog; what is in the dictionaries is written."""

    core: Columns
    extra: Columns
    imaging: Columns
    header: dict[str, object] = field(default_factory=dict)

    def write(self, path: Path, *, leave_out: str = "") -> Path:
        """Write the three files, the core as `path`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        for suffix, name, columns in (
            ("", "ZCATALOG", self.core),
            ("-extra", "ZCATALOG_EXTRA", self.extra),
            ("-imaging", "ZCATALOG_IMAGING", self.imaging),
        ):
            if suffix != (leave_out or None):
                place = path.with_name(path.name.replace(".fits", f"{suffix}.fits"))
                meta = {"EXTNAME": name, **self.header}
                Table(columns, meta=meta).write(place, overwrite=True)
        return path


def make_catalog(
    kind: str = "pix",
    n: int = 40,
    *,
    uniqpix: bool = False,
    wide: bool = False,
    old_qn: bool = False,
    zall: bool = True,
    seed: int = 1,
    surveys: tuple[str, ...] = ("main", "sv3"),
) -> Catalog:
    """Return a catalog.

    Parameters
    ----------
    kind : str
        ``pix`` or ``tile``.
    n : int
        Rows; every tenth is sky.
    uniqpix, wide, old_qn, zall
        Variants of the format.
    surveys : tuple of str
        By turns; of a catalog that is not ``zall`` the first one is that of all rows.
    """
    random = np.random.default_rng(seed)
    number = np.arange(n)
    targetid = TARGETID + number + ((number % 10 == 9).astype("i8") << 59)
    core: Columns = {"TARGETID": targetid}
    extra: Columns = {"TARGETID": targetid}
    imaging: Columns = {"TARGETID": targetid}
    header: dict[str, object] = {"SPECPROD": PRODUCTION.name, "ZCATVER": "v2"}
    program = np.array(["dark", "bright"])[number % 2]
    if zall:
        core["SURVEY"] = np.array(surveys, "S7")[number % len(surveys)]
        core["PROGRAM"] = program.astype("S6")
    else:
        header |= {"SURVEY": surveys[0], "PROGRAM": "dark"}
    pixel = (number % 7).astype("i4")
    if kind == "tile":
        tiles = (1000 + number % 3).astype("i4")
        for part in (core, extra, imaging):
            part["TILEID"] = tiles
        core["LASTNIGHT"] = np.full(n, 20210517, "i4")
        extra["SPGRPVAL"] = core["LASTNIGHT"]
        extra["FIRSTNIGHT"] = np.full(n, 20210515, "i4")
        header["SPGRP"] = "cumulative"
    elif uniqpix:
        nside = np.where(number % 2, 64, 32).astype("i4")
        extra |= {"HEALPIX": pixel, "NSIDE": nside, "SPGRPVAL": pixel + 4 * nside**2}
        core["UNIQPIX"] = extra["SPGRPVAL"]
        header["SPGRP"] = "uniqpix"
    else:
        core["HEALPIX"] = pixel
        extra["SPGRPVAL"] = pixel
        header["SPGRP"] = "healpix"
    types = FIT | (WIDE if wide else {})
    for name, dtype in types.items():
        for part, column in ((core, f"{name}_BEST"), (extra, name)):
            if part is core and old_qn and name in ("ZWARN", "CHI2", "DELTACHI2"):
                continue
            part[column] = _values(random, n, dtype, name)
    extra["COEFF"] = random.normal(size=(n, 10)).astype("f8" if wide else "f4")
    extra["COEFF_BEST"] = random.normal(size=(n, 10)).astype("f4")
    extra["COEFF_NEW"] = random.normal(size=(n, 10))
    extra["NPIXELS"] = random.integers(0, 9000, n).astype("i8" if wide else "i4")
    extra["NCOEFF"] = np.full(n, 10, "i8" if wide else "i2")
    core["COADD_FIBERSTATUS"] = np.where(number % 4, 8, 0).astype("i4")
    core["TARGET_RA"] = random.uniform(0, 360, n)
    core["TARGET_DEC"] = random.uniform(-90, 90, n)
    core["DESINAME"] = np.full(n, "-" * 22, "S22")
    for name in ("COADD_NUMEXP", "COADD_NUMNIGHT", "COADD_NUMTILE"):
        core[name] = np.ones(n, "i2")
    core["COADD_EXPTIME"] = random.uniform(100, 900, n).astype("f4")
    for name in ("MIN_MJD", "MEAN_MJD", "MAX_MJD"):
        core[name] = random.uniform(59000, 60000, n)
    core["Z_CONF"] = (number % 4).astype("u1")
    core["GOOD_SPEC"] = number % 3 == 0
    core["EFFTIME_SPEC"] = random.uniform(1, 2000, n).astype("f4")
    core["ZCAT_NSPEC"] = np.ones(n, "i2")
    core["ZCAT_PRIMARY"] = np.ones(n, bool)
    for name in ("DESI_TARGET", "BGS_TARGET", "MWS_TARGET", "SCND_TARGET"):
        core[name] = random.integers(0, 2**40, n)
    plain = ("MEAN_DELTA_X", "RMS_DELTA_X", "MEAN_DELTA_Y", "RMS_DELTA_Y")
    for name in (*plain, "MEAN_PSF_TO_FIBER_SPECFLUX", "STD_FIBER_RA", "STD_FIBER_DEC", *TSNR2):
        extra[name] = random.normal(size=n).astype("f4")
    extra["MEAN_FIBER_RA"], extra["MEAN_FIBER_DEC"] = core["TARGET_RA"], core["TARGET_DEC"]
    extra |= _assigned(random, number)
    if kind == "tile":
        core |= {
            "PETAL_LOC": (number % 10).astype("i2"),
            "FIBER": number.astype("i4"),
            "FIBERASSIGN_X": random.normal(size=n).astype("f4"),
            "FIBERASSIGN_Y": random.normal(size=n).astype("f4"),
            "PRIORITY": np.full(n, 3400, "i4"),
        }
        extra |= {
            "MEAN_FIBER_X": core["FIBERASSIGN_X"],
            "MEAN_FIBER_Y": core["FIBERASSIGN_Y"],
            "DEVICE_LOC": number.astype("i2"),
            "LOCATION": (1000 * core["PETAL_LOC"] + number).astype("i2"),
            "LAMBDA_REF": np.full(n, 5400, "f4"),
        }
    imaging |= _photometry(random, number)
    return Catalog(core, extra, imaging, header)


def _values(random: np.random.Generator, n: int, dtype: str, name: str) -> np.ndarray:
    if name == "SPECTYPE":
        return random.choice([b"GALAXY", b"QSO", b"STAR"], n).astype(dtype)
    if name == "SUBTYPE":
        return random.choice([b"", b"LRG", b"M"], n).astype(dtype)
    if dtype.startswith("i"):
        return random.integers(0, 5, n).astype(dtype)
    return random.uniform(0.001, 3, n).astype(dtype)


def _assigned(random: np.random.Generator, number: np.ndarray) -> Columns:
    n = len(number)
    return {
        "FA_TARGET": random.integers(0, 2**40, n),
        "FA_TYPE": np.full(n, 1, "u1"),
        "SUBPRIORITY": random.uniform(size=n),
        "OBSCONDITIONS": np.full(n, 3, "i2"),
        "PRIORITY_INIT": np.full(n, 3400, "i8"),
        "NUMOBS_INIT": np.full(n, 4, "i8"),
    }


def _photometry(random: np.random.Generator, number: np.ndarray) -> Columns:
    n = len(number)
    reals = ("EBV", "FLUX_G", "FLUX_R", "FLUX_Z", "PMRA", "PMDEC", "REF_EPOCH", "PARALLAX")
    return {
        "RELEASE": np.full(n, 9010, "i2"),
        "BRICKNAME": np.full(n, "0001p000", "S8"),
        "BRICKID": np.full(n, 330000, "i4"),
        "BRICK_OBJID": number.astype("i4"),
        "MORPHTYPE": np.full(n, "PSF", "S4"),
        **{name: random.normal(size=n).astype("f4") for name in reals},
        "MASKBITS": np.full(n, 2, "i2"),
        "REF_ID": number.astype("i8"),
        "REF_CAT": np.full(n, "G2", "S2"),
        "PHOTSYS": np.full(n, "S", "S1"),
    }


def inputs_of(root: Path, production: Production = PRODUCTION, **more: object) -> Inputs:
    """Return the inputs of a production below a root."""
    return Inputs(ProductionFiles(production, root), **more)  # type: ignore[arg-type]


def zall(root: Path, kind: str, production: Production = PRODUCTION) -> Path:
    """Return where the catalog of everything lies."""
    name = {"pix": "pix", "tile": "tilecumulative"}[kind]
    folder = root / "spectro/redux" / production.name / "zcatalog/v2/zall"
    return folder / f"zall-{name}-{production.name}.fits"


def below(root: Path, kind: str, survey: str, program: str) -> Path:
    """Return where the catalog of a survey and program lies."""
    folder = root / "spectro/redux" / PRODUCTION.name / "zcatalog/v2" / survey
    tail = {"pix": "", "tile": "-cumulative"}[kind]
    return folder / f"z{kind}-{survey}-{program}{tail}.fits"


Parts = Mapping[str, Columns]
