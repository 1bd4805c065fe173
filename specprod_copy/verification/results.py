"""What a verification found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

CHECKS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "inputs": "the files that the table is made of can be found and read",
        "columns": "the table has the columns that it was made with",
        "file-unchanged": "a file of the ledger is an input, and unchanged since it was loaded",
        "file-rows": "all rows of a file are in the ledger, with the same numbers of rows",
        "table-rows": "the table has as many rows as the ledger says",
        "rows": "every row of the files is in the table once, and no other row",
        "values": "a column has the same values in files and table: fingerprints over all rows",
        "nulls": "there are no NULLs, in files and table",
        "not-finite": "-9999, which stands for NaN and infinities, is as frequent in both",
        "primary-key": "no two rows have the same primary key",
        "foreign-key": "every value of a foreign key exists in the other table",
        "reference": "values that may be missing in the other table are counted: no foreign key",
        "id-parts": "an id decodes to the other columns of its row",
        "sample": "rows drawn at random, fetched by their key, are those of the files",
        "quarantine": "rows that the ledger has in quarantine could still not be loaded",
        "finish": "primary key, indexes and foreign keys exist, or wait for another stage",
    }
)
"""The checks: name to what holds when one has passed."""


@dataclass(frozen=True)
class Result:
    """The outcome of one check.

    Parameters
    ----------
    passed : bool
    name : str
        One of `CHECKS`.
    table : str
    detail : str
        What was compared; if it failed, what is wrong and where. One line.
    note : str
        What was left out; empty if nothing was.
    """

    passed: bool
    name: str
    table: str
    detail: str
    note: str = ""

    def __post_init__(self) -> None:
        if self.name not in CHECKS:
            raise ValueError(f"no check is called {self.name!r}")
        # Names of files may have line breaks.
        object.__setattr__(self, "detail", self.detail.replace("\n", "\\n"))


@dataclass(frozen=True)
class CheckGroup:
    """Results of one check of one table."""

    table: str
    name: str
    passed: list[Result]
    failed: list[Result]

    @property
    def detail(self) -> str:
        """What was found, in few words: the only result's own, or how many there are."""
        if len(self.passed) + len(self.failed) == 1:
            return (self.passed + self.failed)[0].detail
        return f"{len(self.passed):,} of {len(self.passed) + len(self.failed):,} passed"


def grouped(results: Iterable[Result]) -> list[CheckGroup]:
    """Return results by table and check, in the order in which these come first."""
    groups: dict[tuple[str, str], CheckGroup] = {}
    for result in results:
        group = groups.setdefault(
            (result.table, result.name), CheckGroup(result.table, result.name, [], [])
        )
        (group.passed if result.passed else group.failed).append(result)
    return list(groups.values())
