"""Coefficient patches of catalogs of the second format, and on tables that were made of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import psycopg
import pytest
from astropy.table import Table
from support.catalogs_v2 import PRODUCTION, inputs_of, make_catalog, zall

from specprod_copy.coeff_patch.extract import extract
from specprod_copy.errors import InputError
from specprod_copy.loading.api import LoadOptions, load

PLAIN = replace(PRODUCTION, photometry="v1.0")


def test_coefficients_come_from_the_extra_file(tmp_path, database):
    for kind in ("pix", "tile"):
        make_catalog(kind).write(zall(tmp_path, kind))
    catalogs = [zall(tmp_path, kind) for kind in ("pix", "tile")]
    (tmp_path / "patches").mkdir()
    made = extract(catalogs, tmp_path / "patches")
    load(database, inputs_of(tmp_path, PLAIN), LoadOptions(("redshift",), "loa", roles=()))
    with psycopg.connect(database) as connection:
        for one in made:
            patch = Table.read(one.path, hdu=1)
            names = ["TARGETID", *(f"COEFF_{n}" for n in range(10))]
            query = f"SELECT {', '.join(names)} FROM loa.{one.table} ORDER BY targetid"
            found = connection.execute(query.encode(), binary=True).fetchall()
            patch.sort("TARGETID")
            assert len(patch) == 36
            assert found == [tuple(np.asarray(row[name]).item() for name in names) for row in patch]


def test_the_extra_file_is_missing(tmp_path):
    path = make_catalog().write(zall(tmp_path, "pix"), leave_out="-extra")
    (tmp_path / "patches").mkdir()
    with pytest.raises(InputError, match=r"pix-loa-extra\.fits: not there, and zall-pix"):
        extract([path], tmp_path / "patches")
