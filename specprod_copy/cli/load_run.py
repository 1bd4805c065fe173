"""What commands that load share: options that belong together, questions, and what is told."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import click

from specprod_copy.cli.builder import make
from specprod_copy.cli.load_text import plan_lines, plan_values, refused_lines, summary_lines
from specprod_copy.cli.options import STAGE, Readers
from specprod_copy.cli.text import line_width, put, say, to_json, warn
from specprod_copy.loading.options import LoadOptions
from specprod_copy.loading.summary import LoadSummary
from specprod_copy.plan.limits import Limits
from specprod_copy.plan.planning import Plan
from specprod_copy.postgres.ddl import Statement
from specprod_copy.words import escaped

ON_ERROR = click.option(
    "--on-error",
    type=click.Choice(["stop", "quarantine"]),
    default="stop",
    show_default=True,
    help="What to do when rows cannot be loaded: stop, or put them into quarantine, load the "
    "others, and end with code 3.",
)
DRY_RUN = click.option(
    "-n", "--dry-run", is_flag=True, help="Print what would be done; do nothing."
)
OVERWRITTEN = click.option(
    "--overwritten",
    multiple=True,
    metavar="STAGE",
    type=STAGE,
    help="With --dry-run: plan for the time after a load of STAGE with --overwrite; may be given "
    "several times.",
)
YES = click.option(
    "-y",
    "--yes",
    is_flag=True,
    help="Do not ask before replacing tables or rows; where standard input is no terminal, nobody "
    "is asked anyway.",
)


def load_options(
    context: click.Context,
    values: Mapping[str, Any],
    stages: Sequence[str],
    schema: str,
    on_error: str,
) -> LoadOptions:
    """Return how to load, by what was given on the command line."""
    options = make(
        LoadOptions,
        values,
        stages=tuple(stages),
        schema=schema,
        roles=make(Readers, values).all,
        limits=context.ensure_object(Limits),
    )
    if not options.verify and not options.overwrite:
        raise click.UsageError("--no-verify belongs to --overwrite")
    if on_error != "quarantine":
        return replace(options, max_quarantined=None, quarantine_folder=None)
    if options.replace:
        raise click.UsageError(
            "--replace stops at rows that cannot be loaded: leave out --on-error quarantine"
        )
    return options


def ask(options: LoadOptions, tables: str, *, yes: bool) -> None:
    """Ask whether tables or rows are to be replaced, where somebody can answer."""
    if (options.overwrite or options.replace) and not yes:
        rows = f"the rows of {', '.join(map(str, options.replace))} in " if options.replace else ""
        confirm(f"Replace {rows}{tables} in schema {options.schema}?")


def confirm(question: str) -> None:
    """Ask before something is replaced, where somebody can answer; end with code 1 after a no."""
    if sys.stdin.isatty() and not click.confirm(escaped(question)):
        warn("Nothing was replaced.")
        raise click.exceptions.Exit(1)


def tell_plan(
    plan: Plan, statements: Sequence[Statement], options: LoadOptions, *, as_json: bool
) -> None:
    """Print what a load would do."""
    if as_json:
        put(to_json(plan_values(plan, statements)))
        return
    for line in plan_lines(plan, statements, options.jobs, width=line_width()):
        say(line)


def tell(context: click.Context, summary: LoadSummary, verbosity: int, *, as_json: bool) -> None:
    """Print what was loaded; end with code 3 if rows are in quarantine."""
    if as_json:
        put(to_json(summary), only_result=False)
    elif verbosity >= 0:
        for line in summary_lines(summary, width=line_width(err=True)):
            say(line, err=True)
    for line in refused_lines(summary):
        say(line, err=True)
    if summary.rows_refused:
        context.exit(3)
