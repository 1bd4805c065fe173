"""Imaging files of redshift catalogs that photometry is made of: damaged, changed, of others."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from astropy.io import fits
from support.catalogs_v2 import Catalog, inputs_of, make_catalog, zall

from specprod_copy.errors import ChangedFileError, InputError
from specprod_copy.loading.api import LoadOptions, load
from specprod_copy.status import schema_status
from specprod_copy.verification import VerifyOptions, verify

OPTIONS = LoadOptions(("photometry",), "loa", roles=())


@pytest.fixture
def root(tmp_path) -> Path:
    for kind in ("pix", "tile"):
        make_catalog(kind).write(zall(tmp_path, kind))
    return tmp_path


def imaging_of(core: Path) -> Path:
    return core.with_stem(f"{core.stem}-imaging")


def flip_bit(path: Path, column: str, row: int) -> None:
    """Change one bit of a value, and nothing else."""
    with fits.open(path) as file:
        place = file[1].data.dtype.fields[column][1]
        at = file[1].fileinfo()["datLoc"] + row * file[1].header["NAXIS1"] + place + 1
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def photometry(conninfo: str) -> dict[int, float]:
    with psycopg.connect(conninfo) as connection:
        return dict(
            connection.execute(
                "SELECT targetid, flux_r FROM loa.photometry", binary=True
            ).fetchall()
        )


def changed(conninfo: str, root: Path) -> list[str]:
    options = VerifyOptions(("photometry",), "loa", alone=True)
    results = verify(conninfo, inputs_of(root), options)
    return [result.detail for result in results if result.name == "file-unchanged"]


def test_one_bit_of_a_value_and_of_a_key(root, database):
    inputs, path = inputs_of(root), imaging_of(zall(root, "tile"))
    load(database, inputs, OPTIONS)
    before = photometry(database)
    name = path.relative_to(root)
    for column in ("FLUX_R", "TARGETID"):
        flip_bit(path, column, 3)
        message = rf"{path}\[ZCATALOG_IMAGING\]: the file changed since"
        with pytest.raises(ChangedFileError, match=message):
            load(database, inputs, OPTIONS)
        with psycopg.connect(database) as connection:
            (told,) = schema_status(connection, "loa", inputs).changed
        assert re.search(message, told)
        assert any(f"{name}[ZCATALOG_IMAGING] changed since" in d for d in changed(database, root))
        replacing = replace(OPTIONS, replace=(path,))
        if column == "FLUX_R":
            load(database, inputs, replacing)
            after = photometry(database)
            assert before.keys() == after.keys()
            assert sum(after[targetid] != flux for targetid, flux in before.items()) == 1
        else:
            with pytest.raises(InputError, match="column TARGETID: row 3 is about"):
                load(database, inputs, replacing)
            assert photometry(database) == after


def other_order(catalog: Catalog) -> None:
    catalog.imaging = {name: values[::-1] for name, values in catalog.imaging.items()}


def last_row(catalog: Catalog) -> None:
    catalog.imaging["TARGETID"] = catalog.imaging["TARGETID"].copy()
    catalog.imaging["TARGETID"][-2] += 1


def fewer_rows(catalog: Catalog) -> None:
    catalog.imaging = {name: values[:-1] for name, values in catalog.imaging.items()}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (other_order, "-imaging.fits.*column TARGETID: row 0 is about"),
        (last_row, r"-imaging.fits.*column TARGETID: row 38 is about .*\(1 of these"),
        (fewer_rows, "-imaging.fits.*has 39 rows, and .* has 40"),
        (9000, "-imaging.fits.*truncated: the data of 40 rows go to byte"),
        (0, "-imaging.fits: not a FITS file: it is empty"),
    ],
    ids=["other order", "last row", "fewer rows", "truncated", "empty"],
)
def test_what_does_not_belong_to_the_core(
    root, module_database, spoil: Callable[[Catalog], None] | int, message
):
    core = zall(root, "tile")
    if isinstance(spoil, int):
        imaging_of(core).write_bytes(imaging_of(core).read_bytes()[:spoil])
    else:
        catalog = make_catalog("tile")
        spoil(catalog)
        catalog.write(core)
    with pytest.raises(InputError, match=message):
        load(module_database, inputs_of(root), OPTIONS)
    with psycopg.connect(module_database) as connection:
        assert connection.execute("SELECT to_regclass('loa.photometry')").fetchone() == (None,)
