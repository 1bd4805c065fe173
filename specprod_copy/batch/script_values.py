"""Values on their way into batch scripts: which are let in, and how shells quote them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from specprod_copy.errors import ConfigurationError
from specprod_copy.postgres.conninfo import SECRETS, conninfo_parameters, resolved

_WORD: Final = r"[A-Za-z0-9_][A-Za-z0-9_.+-]*"
_LETTERS: Final = "letters, digits, '_', '.', '+' and '-'"

# What stands in #SBATCH lines and in names of files and modules. Slurm has rules of its own for
# quotes there, and a meaning for "%", so nothing is let in that would need them.
_FORMS: Final[Mapping[str, tuple[str, str, str]]] = {
    "email": (
        "EMAIL",
        r"[A-Za-z0-9_][A-Za-z0-9_.+-]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*",
        "an address such as name@example.org",
    ),
    "account": ("--account", _WORD, _LETTERS),
    "qos": ("--qos", _WORD, _LETTERS),
    "constraint": (
        "--constraint",
        rf"{_WORD}(?:[&|]{_WORD})*",
        f"names of {_LETTERS}, joined by '&' or '|'",
    ),
    "schema": ("--schema", rf"(?=.{{1,63}}\Z){_WORD}", f"at most 63 {_LETTERS}"),
    "version": ("--specprod-version", _WORD, _LETTERS),
    "job_dir": (
        "--job-dir",
        r"/[A-Za-z0-9_./+@=,:~-]*",
        "an absolute path of letters, digits and _./+@=,:~- (it stands in lines for Slurm)",
    ),
    # Slurm's highest index is 1000 unless its administrators say otherwise.
    "array": ("--array", r"[2-9]|[1-9][0-9]{1,2}|1000", "a number from 2 to 1000"),
    "time": ("--time", r"(?:[0-9]+-)?[0-9]{1,2}:[0-9]{2}:[0-9]{2}", "[days-]hours:min:s"),
}
CHECKED: Final = frozenset(_FORMS)
"""The kinds of value that `check` knows."""


def check(kind: str, value: object) -> None:
    """Refuse a value whose form is not that of its kind (one of `CHECKED`)."""
    label, form, allowed = _FORMS[kind]
    if not re.fullmatch(form, str(value)):
        raise ConfigurationError(f"{label} must be {allowed}, not {str(value)!r}")


def csh_quote(value: str) -> str:
    """Return a text as one word of csh, as `shlex.quote` does for sh.

    Each special character gets a backslash. Quotes would not do: ``!`` is special within them, and
    a backslash within them is or is not, by the user's setting of ``backslash_quote``. The value
    has no line breaks: behind a backslash they would become blanks.
    """
    return re.sub(r"([^\w./:,+@-])", r"\\\1", value) or "''"


_QUOTE: Final[Mapping[str, Callable[[str], str]]] = {"sh": shlex.quote, "csh": csh_quote}

_LOOPBACK: Final = ("localhost", "::1")

SHELLS: Final = tuple(_QUOTE)
"""Shells that scripts can be written for; also the suffixes of scripts."""


def quote(value: object, shell: str) -> str:
    """Return a value as one word of a shell (`SHELLS`); refuse line breaks and the like."""
    text = str(value)
    if not text.isprintable():
        raise ConfigurationError(
            f"{text!r} holds line breaks or other characters that cannot be printed; they are not "
            "put into scripts"
        )
    return _QUOTE[shell](text)


def connection_arguments(
    dsn: str | None = None,
    hostname: str | None = None,
    username: str | None = None,
    dbname: str | None = None,
) -> tuple[str, ...]:
    """Return the options that tell the loader its server.

    Parameters
    ----------
    dsn : str, optional
        URI or key=value string.

    Returns
    -------
    tuple of str
        ``--dsn=...`` with host, port, database and user as they are meant here and now, whatever
        the environment says where jobs are submitted and where they run.

    Raises
    ------
    ConfigurationError
        If there is a password in them: others can read the scripts. If no host is named.
    """
    given = conninfo_parameters(dsn or "")
    secrets = [name for name in given if name in SECRETS]
    if secrets:
        raise ConfigurationError(
            f"--dsn holds a {secrets[0]}, and others can read the scripts; leave it out and keep "
            "passwords in ~/.pgpass"
        )
    if dbname and ("=" in dbname or "://" in dbname):
        raise ConfigurationError(
            "--dbname is the name of a database; a URI or key=value string goes to --dsn"
        )
    options = {"host": hostname, "user": username, "dbname": dbname}
    meant = resolved(given | {name: value for name, value in options.items() if value})
    if not meant.get("host") and not meant.get("hostaddr"):
        raise ConfigurationError(
            "name the host of the server, by --hostname, --dsn or PGHOST: jobs run on other "
            "machines"
        )
    return (f"--dsn={make_conninfo(**meant)}",)


def is_local(connection: Sequence[str]) -> bool:
    """Say whether `connection_arguments` mean a server that only this machine reaches."""
    parameters = conninfo_to_dict(connection[0].partition("=")[2])
    hosts = str(parameters.get("hostaddr") or parameters.get("host")).split(",")
    return all(host[:1] in "/@" or host in _LOOPBACK or host[:4] == "127." for host in hosts)
