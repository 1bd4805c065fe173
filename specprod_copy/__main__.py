"""Run the command line as ``python -m specprod_copy``."""

from specprod_copy.cli import main

main()
