"""``specprod-copy draft-ddl``: a first version of the files that describe a catalogue."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from specprod_copy.atomic_files import staged
from specprod_copy.cli.builder import make, options_of
from specprod_copy.cli.text import put, say
from specprod_copy.vac.draft import DraftOptions, draft

_PATH = click.Path(path_type=Path)


@click.command("draft-ddl")
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path)
)
@options_of(DraftOptions)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write the files into this folder.  [default: print them]",
)
@click.option("--overwrite", is_flag=True, help="Replace such files there.")
def draft_ddl(files: tuple[Path, ...], output: Path | None, overwrite: bool, **values: Any) -> None:
    """Draft the tables of a catalogue from its FITS files: SQL files and a description in TOML.

    Headers are read, and the columns that could be a key. Edit both, keep them, and load with
    them: "specprod-copy load-vac". Several FILEs are parts of one catalogue.

    \b
      specprod-copy draft-ddl fastspec-iron-main-*.fits --output fastspecfit
      specprod-copy draft-ddl mwsall-pix-iron.fits --table mws
    """
    options = make(DraftOptions, values)
    found = draft(files, options)
    texts = found.texts()
    if output is None:
        for name, text in texts.items():
            put(f"-- {name}\n{text}" if name.endswith(".sql") else f"# {name}\n{text}")
        return
    with staged(output, [*texts], overwrite=overwrite, inputs=files) as folder:
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    for table in found.tables:
        say(f"{table.name}: {len(table.columns):,} columns, {table.size}")
    say(f"wrote {', '.join(str(output / name) for name in texts)}")
    root = options.root or files[0].parent
    command = shlex.join(["load-vac", str(output / [*texts][-1]), "--root", str(root)])
    say(f"edit these, then load: specprod-copy {command}")
