"""A synthetic production in the public file formats, to try, test and measure the loader with."""

from __future__ import annotations

from specprod_copy.demo.fitsfile import Written
from specprod_copy.demo.writing import write_production

__all__ = ["Written", "write_production"]
