"""The errors that a user meets: one clear line each, saying what, where and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

UNPACK_FIRST = "is compressed by fpack, which is not read here; unpack the file by funpack"
"""What is said of such a file, by whoever finds it first."""

_SHOWN = 3
"""How many bad values a message shows."""


class SpecprodCopyError(Exception):
    r"""Base of all expected errors; the command line prints the message and exits with code 1.

    Parameters
    ----------
    message : str
        One line; a newline, as part of some name, is shown as ``\n``.
    """

    concerns: str | None = None
    """The table that could not be filled or completed, if that is known; see `concerning`."""

    def __init__(self, message: str) -> None:
        super().__init__(message.replace("\n", "\\n"))


@contextmanager
def concerning(table: str) -> Iterator[None]:
    """Let errors within the block tell which table they concern."""
    try:
        yield
    except SpecprodCopyError as error:
        error.concerns = error.concerns or table
        raise


class ConfigurationError(SpecprodCopyError):
    """A production, option or environment that makes no sense."""


class InputError(SpecprodCopyError):
    """A problem with an input file.

    Parameters
    ----------
    message : str
        What is wrong and, where it helps, what to do.
    path : path-like, optional
        The file.
    hdu : str, optional
        Name of the HDU.
    column : str, optional
        Name of the column, as in the file.
    """

    def __init__(
        self,
        message: str,
        *,
        path: Path | str | None = None,
        hdu: str | None = None,
        column: str | None = None,
    ) -> None:
        where = []
        if path is not None:
            where.append(f"{path}" + (f"[{hdu}]" if hdu else ""))
        if column is not None:
            where.append(f"column {column}")
        super().__init__(f"{', '.join(where)}: {message}" if where else message)
        self.message = message
        self.path = path
        self.hdu = hdu
        self.column = column


class BadRows(NamedTuple):
    """Rows with values of a column that cannot be loaded."""

    reason: str = ""
    """What is wrong with the values."""
    rows: Sequence[int] = ()
    """All such rows of those that were looked at, counted from 0."""
    values: Sequence[object] = ()
    """The column's value in each of them."""


class BadRowsError(InputError):
    """Rows of a file hold values that cannot be loaded; its other rows are not concerned.

    Parameters
    ----------
    message, path, hdu, column
        As for `InputError`.
    bad : BadRows
        The rows.
    """

    def __init__(
        self,
        message: str,
        bad: BadRows | None = None,
        *,
        path: Path | str | None = None,
        hdu: str | None = None,
        column: str | None = None,
    ) -> None:
        super().__init__(message, path=path, hdu=hdu, column=column)
        self.reason, self.rows, self.values = bad or BadRows()

    @classmethod
    def of(
        cls,
        bad: BadRows,
        *,
        path: Path,
        hdu: str,
        column: str,
        table: str = "",
    ) -> BadRowsError:
        """Return the error whose message shows the first of the rows and values.

        `table` says whose rows they are, if not those of the HDU.
        """
        shown = zip(bad.rows[:_SHOWN], bad.values[:_SHOWN], strict=True)
        listed = ", ".join(f"row {row}: {value!r}" for row, value in shown)
        more = f" and {len(bad.rows) - _SHOWN} more nearby" if len(bad.rows) > _SHOWN else ""
        of = f", those of {table}" if table else ""
        return cls(
            f"{bad.reason} ({listed}{more}; rows counted from 0{of})",
            bad,
            path=path,
            hdu=hdu,
            column=column,
        )


class ChangedFileError(InputError):
    """An input file is not any more what it was when its rows were loaded."""


class DatabaseError(SpecprodCopyError):
    """A problem with the connection, the server or the state of the schema."""


class NoConnectionError(DatabaseError):
    """No connection to the server that connection string and environment name."""


class OtherRowsError(DatabaseError):
    """Tables hold other rows than the ledger says, or than what is to be loaded into them."""


class WorkerDiedError(DatabaseError):
    """A process that did part of the work ended before it was done."""

    def __init__(
        self,
        message: str = "a worker process died (killed, or out of memory); run the command again",
    ) -> None:
        super().__init__(message)


class InUseError(DatabaseError):
    """Others have used tables for as long as there was patience to wait for them."""


class ServerError(SpecprodCopyError):
    """The embedded server cannot be made, started or stopped.

    Parameters
    ----------
    message : str
        One line.
    log : str, optional
        What the server or its programs said, shown below the message line by line.
    """

    def __init__(self, message: str, *, log: str = "") -> None:
        lines = ["".join(c if c.isprintable() else " " for c in line) for line in log.splitlines()]
        super().__init__(f"{message}; its log ends with" if lines else message)
        self.args = ("\n    ".join([*self.args, *lines]),)
