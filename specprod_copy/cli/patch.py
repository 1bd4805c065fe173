"""``specprod-copy patch``: repair summary files and coefficients."""

from __future__ import annotations

import click

from specprod_copy.cli.patch_coeff import coeff
from specprod_copy.cli.patch_summary import summary


@click.group()
def patch() -> None:
    """Repair what a production got wrong: its summary files, or coefficients in the database."""


patch.add_command(summary)
patch.add_command(coeff)
