"""HEALPix pixels and bricks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from specprod_copy.demo import sky


def test_healpix_pixels_are_those_of_healpy():
    # from healpy 1.18: ang2pix(64, ra, dec, nest=True, lonlat=True)
    ra = np.array([10.0, 200.0, 359.9, 83.0, 250.0])
    dec = np.array([0.5, -60.0, 75.0, 89.0, 41.9])
    assert sky.healpix(ra, dec, 64).tolist() == [18071, 41707, 15839, 4093, 9641]


@given(st.lists(st.tuples(st.floats(0, 360, exclude_max=True), st.floats(-90, 90)), min_size=1))
def test_healpix_pixels_are_nested(positions):
    ra, dec = np.array(positions).T
    pixels = [sky.healpix(ra, dec, nside) for nside in (1, 2, 4, 8, 64, 1024)]
    assert ((pixels[-1] >= 0) & (pixels[-1] < 12 * 1024**2)).all()
    for (coarse, fine), factor in zip(pairwise(pixels), (4, 4, 4, 64, 256), strict=True):
        assert (fine // factor == coarse).all()


def test_bricks_are_those_of_the_legacy_surveys():
    number, name = sky.bricks(np.array([105.4898, 0.0, 0.0]), np.array([56.6693, -90.0, 90.0]))
    assert number.tolist() == [607466, 1, 662174]
    assert name.tolist() == [b"1054p567", b"1800m900", b"1800p900"]
