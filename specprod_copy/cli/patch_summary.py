"""``specprod-copy patch summary``: repair tiles and exposures files with those of another."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import click

from specprod_copy.cli.options import complete_production
from specprod_copy.cli.text import say
from specprod_copy.patch_summary import Folders, patch_summary


@click.command("summary")
@click.option(
    "-s",
    "--source",
    default="jura",
    show_default=True,
    metavar="SPECPROD",
    shell_complete=complete_production,
    help="Production that is trusted.",
)
@click.option(
    "-d",
    "--destination",
    default="daily",
    show_default=True,
    metavar="SPECPROD",
    shell_complete=complete_production,
    help="Production to be patched; its own files stay as they are.",
)
@click.option(
    "-r",
    "--root",
    type=click.Path(path_type=Path),
    help="Folder that holds spectro/redux/ and spectro/data/.  [env vars: DESI_SPECTRO_REDUX and "
    "DESI_SPECTRO_DATA for the two, DESI_ROOT for the folder above them]",
)
@click.option("--overwrite", is_flag=True, help="Replace existing output files.")
@click.argument("output", metavar="OUT_DIR", type=click.Path(path_type=Path, file_okay=False))
def summary(
    source: str, destination: str, root: Path | None, overwrite: bool, output: Path
) -> None:
    """Patch the tiles and exposures files of a production with the values of another.

    Written to OUT_DIR: the patched files, copies of the originals, and a record of every change.
    Nothing is written if anything is wrong.

    \b
      specprod-copy patch summary --source jura --destination daily patched
    """
    result = patch_summary(
        source,
        destination,
        output,
        folders=Folders(
            _folder(root, "DESI_SPECTRO_REDUX", "redux"), _folder(root, "DESI_SPECTRO_DATA", "data")
        ),
        now=datetime.now(tz=UTC),
        overwrite=overwrite,
    )
    for line in (*result.lines(), *(f"wrote {path}" for path in result.files)):
        say(line)


def _folder(root: Path | None, variable: str, name: str) -> Path:
    """Return a folder below spectro/: of the root given, else that of its variable."""
    if root is None and (folder := os.environ.get(variable)):
        return Path(folder)
    above = root or os.environ.get("DESI_ROOT")
    if not above:
        raise click.UsageError(
            f"name the folder of the data: --root DIR, or set {variable} or DESI_ROOT"
        )
    return Path(above) / "spectro" / name
