"""The command line: one thin module per command."""

from __future__ import annotations

import gc
import io
import logging
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click
from click.shell_completion import CompletionItem

import specprod_copy
from specprod_copy.cli.streams import open_streams
from specprod_copy.cli.text import warn
from specprod_copy.errors import ConfigurationError, NoConnectionError, SpecprodCopyError
from specprod_copy.plan.limits import LIMITS, Limits
from specprod_copy.words import did_you_mean

_SECONDS_BETWEEN_CANCELS = 1.0

_SECONDS_TO_END = 10.0
"""So long a command may take to end after Ctrl-C, which is enough unless the network is silent."""

_TOO_LITTLE_MEMORY = (
    "Error: {}: let this process have more memory (ulimit -v), or set MALLOC_ARENA_MAX=2, so that "
    "each thread reserves less; then run the command again"
)

_OTHER_SERVER = (
    ". The connection string is that of --dsn, --hostname, --username and --dbname; without all of "
    "them and of the PG* variables the embedded server is used"
)

COMMANDS = {
    "doctor": "Find out whether a load is possible, and what would make it faster.",
    "load": (
        'Load stages of a production; "all" loads every stage, a table\'s name its part of a stage.'
    ),
    "load-vac": "Load a value-added catalogue that DESCRIPTION describes.",
    "draft-ddl": (
        "Draft the tables of a catalogue from its FITS files: SQL files and a description in TOML."
    ),
    "status": "Show what of a production is loaded, what is missing, and who loads at the moment.",
    "query": "Run a query, and write its result to a file, or show its first rows.",
    "describe": "Tell what tables and columns mean: unit, UCD, source in the files, position.",
    "files": "Print the coadd, redrock and fiberassign files of targets.",
    "views": "Make views over the redshifts of several productions, the oldest first.",
    "report": (
        "Make a page about a loaded schema: sky, redshifts, nights, how the load went, versions."
    ),
    "tap-schema": "Describe schemas in TAP_SCHEMA, where TAP services look up what they publish.",
    "export": "Write tables as other systems keep them.",
    "verify": "Read the files again and compare them with the database; nothing is written there.",
    "tile": "Load tiles of a production, one transaction each, while others read.",
    "sync": "Bring the tables into step with the tiles file: load what is new or changed.",
    "primary": "Count the spectra of each target and choose the best one, over whole tables.",
    "patch": (
        "Repair what a production got wrong: its summary files, or coefficients in the database."
    ),
    "grant": "Let roles read the tables of a schema.",
    "diff": "Print the SQL that makes a schema as it is defined, or like another schema.",
    "upgrade": "Bring a schema that an earlier version has made to today's definition.",
    "adopt": "Take over tables that specprod-db has loaded, or that lost their ledger.",
    "batch": "Write Slurm scripts that load production SPECPROD from ROOT, and submit them.",
    "render-ddl": (
        "Print the SQL that makes the tables: all twelve, or those named (photometry_lc too)."
    ),
    "demo": "Write a synthetic production into DIR, in the public file formats.",
    "server": "Run a private PostgreSQL server, for when you have no other.",
}
"""The commands in the order of the help text, each in the module of its name; and the first
sentence of its help, since a list of the commands must not import them all."""

# NumPy's linear algebra, which nobody here needs, would start a thread for each core that waits by
# running: 0.1 s of processor time in each process. Those that we start inherit this.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Frames have a few thousand rows, which two threads share with gain; by default Polars starts one
# for each core of the machine, in each process.
os.environ.setdefault("POLARS_MAX_THREADS", "2")


class Commands(click.Group):
    """A group of `COMMANDS` of which only the one that is called is imported."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """Return a command; if there is none of that name, ask which one is meant."""
        if cmd_name not in COMMANDS:
            meant = did_you_mean(cmd_name, COMMANDS)
            ctx.fail(f"No such command {cmd_name!r}.{f' {meant.capitalize()}' if meant else ''}")
        name = cmd_name.replace("-", "_")
        # What a module defines is not garbage; to look through it again and again takes 0.05 s.
        gc.disable()
        command: click.Command = getattr(import_module(f"specprod_copy.cli.{name}"), name)
        gc.freeze()
        gc.enable()
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what each command does."""
        with formatter.section("Commands"):
            formatter.write_dl([*COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands, or the options, that begin so."""
        found = [
            CompletionItem(name, help=text)
            for name, text in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return found + click.Command.shell_complete(self, ctx, incomplete)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(specprod_copy.__version__, "-V", "--version", prog_name="specprod-copy")
def cli() -> None:
    """Load DESI spectroscopic productions from FITS files into PostgreSQL.

    \b
    A small production to try, in an embedded server:
      specprod-copy demo demo
      specprod-copy load all --specprod fuji --root demo
      specprod-copy server psql

    \b
    Your own production, in your own server:
      export DESI_ROOT=/path/to/desi SPECPROD=iron PGHOST=... PGDATABASE=...
      specprod-copy load all
    """
    try:
        Path.cwd()
    except FileNotFoundError as error:
        raise ConfigurationError("the working folder was removed; change to another one") from error


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Interrupt the command in an orderly way; the next Ctrl-C ends it at once.

    An orderly end asks the server to cancel, which takes a while where the network is silent.
    """
    signal.signal(signal.SIGINT, _end_at_once)
    for work in (_cancel, _end_in_time):
        threading.Thread(target=work, daemon=True).start()
    raise KeyboardInterrupt


def _cancel() -> None:
    """Have the server give up what it does for us, for as long as this process lives."""
    # Takes a while, and few runs need it.
    from psycopg import Error

    from specprod_copy.postgres.waits import cancel_sessions

    while True:
        with suppress(SpecprodCopyError, Error):
            cancel_sessions()
        time.sleep(_SECONDS_BETWEEN_CANCELS)


def _end_in_time() -> None:
    """End the process if it does not end by itself: its workers and sessions end with it."""
    time.sleep(_SECONDS_TO_END)
    os.write(2, b"Interrupted.\n")
    os._exit(130)


def _end_at_once(number: int, frame: FrameType | None) -> NoReturn:
    os.write(2, b"Interrupted again: ended at once. The server undoes what was not committed.\n")
    os._exit(130)


def main(limits: Limits = LIMITS) -> None:
    """Run the command line; expected errors end with one line and exit code 1."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    # What psycopg notices while a connection breaks is in our own message.
    logging.getLogger("psycopg").addHandler(logging.NullHandler())
    try:
        code = cli.main(standalone_mode=False, obj=limits)
    except SpecprodCopyError as error:
        # Of several lines is only what shows the log of a server.
        advice = _OTHER_SERVER if isinstance(error, NoConnectionError) else ""
        for line in f"Error: {error}{advice}".split("\n"):
            warn(line)
        code = 1
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        for line in shown.getvalue().splitlines():
            warn(line)
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):  # before RuntimeError, which an Abort is
        warn("Interrupted.")
        code = 130
    except UnicodeEncodeError as error:
        # File systems and shells hand over any bytes.
        warn(f"Error: {error.object!r} is no UTF-8; a database has no such names")
        code = 1
    except MemoryError as error:
        warn(_TOO_LITTLE_MEMORY.format(f"{error}" or "out of memory"))
        code = 1
    except OSError as error:
        # To ask whether a file exists may be refused as well.
        if error.filename is None:
            raise
        warn(f"Error: {error.filename}: {error.strerror}")
        code = 1
    except RuntimeError as error:
        if str(error) != "can't start new thread":
            raise
        warn(_TOO_LITTLE_MEMORY.format(error))
        code = 1
    except Exception as error:
        refused = _of_server(error)
        if refused is None:
            raise
        warn(f"Error: {refused}")
        code = 1
    sys.exit(code)


def _of_server(error: Exception) -> SpecprodCopyError | None:
    """Return what no command has put into words: that the server may not, or cannot, do something.

    None if it is a mistake of this program, which has to show where that is.
    """
    from psycopg import OperationalError
    from psycopg.errors import InsufficientPrivilege

    from specprod_copy.postgres.connection import failure

    if isinstance(error, OperationalError | InsufficientPrivilege):
        return failure("the server has not done this", error)
    return None


def run() -> NoReturn:
    """Run the command line and end the process at once: Python takes 0.1 s to take itself apart.

    Output that cannot be written does not change what the command did, nor its exit code.
    """
    out, err = open_streams()
    code = 0
    try:
        main()
    except SystemExit as end:
        code = int(end.code or 0)
    out.flush()
    if out.lost is not None and not isinstance(out.lost, BrokenPipeError) and code == 0:
        warn(f"Error: standard output: {out.lost.strerror}")
    err.flush()
    os._exit(code)
