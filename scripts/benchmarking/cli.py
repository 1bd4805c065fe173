"""The command line of the benchmark."""

from __future__ import annotations

from pathlib import Path

import click

from benchmarking.bench import BEFORE
from benchmarking.chart import write_chart
from benchmarking.comparison import compare
from benchmarking.processes import FailedError
from benchmarking.productions import Size, demo_production
from benchmarking.report import Result
from specprod_copy.errors import SpecprodCopyError
from specprod_copy.production import ProductionFiles, find_production


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--table", type=click.Choice(list(BEFORE)), default="zpix", show_default=True)
@click.option("--production", "whole", is_flag=True, help="Load everything instead of one table.")
@click.option(
    "--rows",
    type=click.IntRange(100),
    default=1_000_000,
    show_default=True,
    help="About so many rows of zpix in the demo production.",
)
@click.option("--runs", type=click.IntRange(1), default=5, show_default=True)
@click.option("--specprod", default="iron", show_default=True, help="Production to imitate.")
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Data root of a production that exists, instead of a demo.",
)
@click.option(
    "--work",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("benchmark.work"),
    show_default=True,
    help="Folder for the demo productions, which are kept for the next time, and for the server, "
    "which is not.",
)
@click.option(
    "--dsn",
    help="Another server, on this machine, whose role may read its files (pg_read_server_files); "
    "otherwise the limit is missing.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("benchmark"),
    show_default=True,
    help="Begin of the names of the results: .md, .json, .png.",
)
def main(
    table: str,
    whole: bool,
    rows: int,
    runs: int,
    specprod: str,
    root: Path | None,
    work: Path,
    dsn: str | None,
    out: Path,
) -> None:
    """Measure how fast specprod-copy loads, beside the server's own limit and other ways.

    \b
      python scripts/benchmark.py                          1,000,000 rows of zpix
      python scripts/benchmark.py --table potential
      python scripts/benchmark.py --production --rows 150000
    """
    work = work.absolute()
    work.mkdir(parents=True, exist_ok=True)
    try:
        if root is not None:
            files = ProductionFiles(find_production(specprod), root)
        else:
            files = demo_production(work, specprod, Size.of_rows(rows))
        stages = ("all",) if whole else (table,)
        write(compare(work, files, stages, runs=runs, dsn=dsn), out)
    except (FailedError, SpecprodCopyError) as error:
        raise click.ClickException(str(error)) from error


def write(result: Result, out: Path) -> None:
    """Print a result and write it as Markdown, JSON and PNG."""
    missing = write_chart(result, out.with_suffix(".png"))
    if missing:
        result.notes.append(missing)
    result.write_json(out.with_suffix(".json"))
    text = result.text()
    out.with_suffix(".md").write_text(f"{text}\n", "utf-8")
    click.echo(text)
