"""Tables that are seen in another way than they are."""

from __future__ import annotations

import numpy as np
from astropy.io import fits

from specprod_copy.reader import open_table
from specprod_copy.reader.view import View


def test_rows_of_which_only_the_number_is_wanted(tmp_path):
    """The first column cannot be read."""
    columns = [fits.Column("C", "M", array=np.arange(3) * 1j), fits.Column("X", "D")]
    path = tmp_path / "a.fits"
    fits.BinTableHDU.from_columns(columns).writeto(path)
    with View(row_number="N").of_table(open_table(path)) as table:
        (frame,) = table.frames(["N"])
    assert frame.rows() == [(0,), (1,), (2,)]
