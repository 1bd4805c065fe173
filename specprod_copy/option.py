"""What a field of an options' dataclass is on the command line, as data beside the field.

    jobs: Annotated[int, Option("-j --jobs", "How many files to read at a time.", low=1)] = 1

Type, default, help and environment variable are stated here once; `cli` makes the options of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

AS_FIELD: Final = object()
"""The default of the command line is that of the field."""


@dataclass(frozen=True)
class Option:
    """An option of the command line."""

    names: str
    """What users write, e.g. ``-j --jobs``. A flag ``--no-...`` turns its field off."""

    help: str

    metavar: str | None = None
    """Stands for the value in the help text."""

    default: Any = AS_FIELD
    """Where the command line has another default than the field: a value, or a function."""

    default_text: str | None = None
    """The default for the help text, where it is no constant."""

    required: bool = False

    variable: str | None = None
    """Environment variable that gives the value where the option is absent."""

    low: int | None = None
    high: int | None = None
    choices: tuple[str, ...] = ()

    parse: Callable[[str], Any] | None = None
    """Makes the value of a text; raises ValueError, with a message for people."""

    several: bool = False
    """Whether such a value may be given several times; the field is a tuple of them."""

    names_known: Callable[[], Iterable[str]] | None = None
    """Returns names that a shell may complete the value to; others are possible."""

    path: Literal["any", "file", "folder"] = "any"
    """What a path must not contradict if it exists."""

    exists: bool = False
    """Whether a path must exist."""

    absolute: bool = False
    """Whether a path is made absolute, and ``~`` the home folder."""


Schema = Annotated[
    str,
    Option("-s --schema", "Schema of the tables.  [default: name of the production]", default=None),
]
"""The type of a field with the schema."""

PatienceSeconds = Annotated[
    int,
    Option(
        "--patience",
        "Give up after so many seconds if others use tables that have to be locked.",
        metavar="SECONDS",
        low=0,
    ),
]
"""The type of a field with the patience to lock tables; see ``postgres.patience``."""


CheckContent = Annotated[
    bool,
    Option(
        "--check-content",
        "Look at the content of loaded files even where size and time are as they were.",
    ),
]
"""The type of a field that says whether no file is trusted for its size and time."""


PartitionNumber = Annotated[
    int | None,
    Option(
        "--partitions",
        "Make photometry, target, ztile, zpix, fiberassign and potential with so many hash "
        "partitions by targetid.  [default: as the tables are; new ones have none]",
        metavar="N",
        low=1,
        high=64,
    ),
]
"""The type of a field with the number of partitions of the large tables; 1 is a whole table."""


def jobs_option(help_text: str, *, most: int = 8) -> Option:
    """Return the option for the number of things done at a time."""
    return Option(
        "-j --jobs",
        help_text,
        low=1,
        high=64,
        default=lambda: min(os.cpu_count() or 1, most),
        default_text=f"number of processors, at most {most}",
    )
