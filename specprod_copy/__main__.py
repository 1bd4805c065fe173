"""``python -m specprod_copy``."""

from specprod_copy.cli import run

run()
