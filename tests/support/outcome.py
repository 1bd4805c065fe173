"""Commands of the program, run as a shell would: how they end, and what people read then."""

from __future__ import annotations

from click.testing import CliRunner

from specprod_copy.cli import cli
from specprod_copy.errors import SpecprodCopyError


def outcome(*command: object) -> tuple[int, str]:
    """Run a command; return its exit code, and what it has printed or the error that ended it."""
    done = CliRunner().invoke(cli, [*map(str, command)])
    if isinstance(done.exception, SpecprodCopyError):
        return done.exit_code, f"Error: {done.exception}"
    return done.exit_code, done.output
