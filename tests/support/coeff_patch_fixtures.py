"""A production with wrong coefficients in a database, ready to be patched."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psycopg
import pytest
from astropy.io import fits

from specprod_copy.coeff_patch import load, patches_of
from specprod_copy.demo import write_production
from support.clusters import SHARED, fresh_database
from support.coeff_patch_tools import zall_files
from support.productions import load_production


@pytest.fixture(scope="session")
def right_root(tmp_path_factory) -> Path:
    """Return the root of iron with right coefficients: the reference's or one of our own."""
    if SHARED.is_dir():
        return SHARED / "reference" / "iron"
    root = tmp_path_factory.mktemp("right")
    write_production(root, "iron", tiles=4, targets=60)
    return root


@pytest.fixture(scope="session")
def zall(right_root) -> dict[str, Path]:
    return zall_files(right_root)


@pytest.fixture(scope="session")
def wrong_root(right_root, tmp_path_factory) -> Path:
    """Return a root whose catalogs have wrong coefficients in some rows, in various places."""
    root = tmp_path_factory.mktemp("wrong")
    for number, path in enumerate(zall_files(right_root).values()):
        wrong = root / path.relative_to(right_root)
        wrong.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, wrong)
        with fits.open(wrong, mode="update") as hdus:
            values = np.array(hdus["ZCATALOG"].data["COEFF"])
            values[number::3, 0] = 1.5
            values[1::4, 9] = np.nan
            values[::5] = values[::5, ::-1]
            hdus["ZCATALOG"].data["COEFF"] = values
    return root


@pytest.fixture(scope="session")
def template(cluster, right_root, wrong_root) -> Iterator[str]:
    """Return a database with iron as it was loaded, and as it ought to be."""
    with fresh_database(cluster) as conninfo:
        for schema, root in (("iron", wrong_root), ("right_iron", right_root)):
            load_production(conninfo, root, "iron", "redshift", schema=schema)
        yield conninfo


@pytest.fixture
def iron(cluster, template) -> Iterator[str]:
    """Return a database for one test: schema iron with wrong coefficients, right_iron."""
    with fresh_database(cluster, template) as conninfo:
        yield conninfo


@pytest.fixture
def connection(iron) -> Iterator[psycopg.Connection]:
    with psycopg.connect(iron, autocommit=True) as connection:
        yield connection


@pytest.fixture
def loaded(iron, zall) -> str:
    """Return the database with the right patch of iron in it."""
    load(iron, patches_of("iron"), list(zall.values()))
    return iron
