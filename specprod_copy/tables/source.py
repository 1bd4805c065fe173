"""What a table is made of: which files, which HDU, which rows, and how a column comes from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from specprod_copy.desi.members import plain_or_gzipped
from specprod_copy.errors import InputError
from specprod_copy.reader.view import AS_IT_IS, View

if TYPE_CHECKING:
    from specprod_copy.reader import Described
    from specprod_copy.tables.inputs import Inputs


NOT_FINITE = -9999.0
"""What NaN and infinities become in the database: a number that is not known."""


ROW = "ROW?"
"""The number of a row, among input columns."""


def in_words(name: str) -> str:
    """Return what people call an input column, or what is none, as ``N OF HEADER?``."""
    if name == ROW:
        return "number of the row"
    for end, words in (" OF HEADER?", " of the header"), (" OF PATH?", " of the path"):
        if name.endswith(end):
            return name.removesuffix(end) + words
    return name


def blamed(names: Iterable[str]) -> str:
    """Return what people call several of them, of which one value is made."""
    return "+".join(map(in_words, names))


@dataclass(frozen=True)
class Check:
    """A rule for the values of an input column, beyond what the table's column accepts.

    Parameters
    ----------
    column : str
        Input column that is blamed.
    bad : polars.Expr
        True where a value breaks the rule.
    reason : str
        What is wrong with such a value.
    """

    column: str
    bad: pl.Expr
    reason: str


@dataclass(frozen=True)
class Joined:
    """What is matched row by row with each file of a source: another file, or another HDU of it."""

    hdus: tuple[str, ...]
    """Accepted names of the HDU, the preferred one first."""
    suffix: str = ""
    """What the name of the other file has before ``.fits``; empty for the same file."""
    file: str = ""
    """Instead of `suffix` its path from the folder of the file, ``{stem}`` for the name of that."""
    view: View = AS_IT_IS
    """Under which names its columns are seen."""

    def beside(self, path: Path) -> Path:
        """Return the file that belongs to a file of the source.

        Raises
        ------
        InputError
            If there is none.
        """
        if not self.suffix and not self.file:
            return path
        name, dot, ending = path.name.partition(".fits")
        own = self.file.replace("{stem}", name) or f"{name}{self.suffix}{dot}{ending}"
        wanted = path.parent / own
        found = plain_or_gzipped(wanted)
        if found is None:
            raise InputError(
                f"not there, and {path.name} is: its rows are joined to those of that file. The "
                "copy is not complete",
                path=wanted,
            )
        return found


@dataclass(frozen=True, eq=False)
class TableSource:
    """Rows of one table from one kind of file.

    A source equals only itself: expressions cannot be compared, and recipes are kept by source.

    Expressions name input columns in upper case, as the reader does. Element *n* of a vector column
    ``X`` is column ``X_n``.

    Parameters
    ----------
    table : str
        The table.
    stage : str
        The load stage.
    files : callable
        Takes the `Inputs` of a load, returns the files in the order in which they are loaded.
    hdus : tuple of str
        Accepted names of the HDU, the preferred one first.
    joined : tuple of Joined
        Other files or HDUs with the same rows, whose columns count as those of the file as well.
    match : tuple of str
        With `joined`: input columns that have to agree in every row, as far as both tables have
        them; the first one has to be in all.
    by_number : bool
        Whether tables are joined by the number of the row alone where they lack columns of `match`;
        then no two of them may have any other column.
    view : View
        Under which names the columns of the HDU are seen.
    command : str
        What loads such rows: the beginning of a command.
    derived : mapping of str to tuple of polars.Expr
        Table column to the ways of making it; the first one whose input columns exist is taken.
        A column that is not mentioned is a copy of the input column of the same name.
    row_filter : polars.Expr, optional
        True for rows that are kept.
    checks : tuple of Check
        Rules for the rows that are kept.
    applies : callable
        Takes the `Inputs`, says whether the production has such files at all.
    first_per : callable, optional
        Takes the `Inputs`, returns an input column or None; of the rows of all files that share a
        value of it only the first one is loaded.
    first_rank : polars.Expr, optional
        With `first_per`: of the rows of a file that share a value the one with the lowest number
        counts, if the file has the input columns of this; else the first one.
    unless_in : TableSource, optional
        With `first_per`: rows whose value is in the files of this source are not loaded.
    constants : callable, optional
        Takes the description of an input table, returns values for columns that may be absent in
        it: from the header, or from the name of the file. A column in the file wins.
    keywords : tuple of str
        What `constants` reads of the header; it has to be the same in tables that are joined.
    notes : callable
        Takes the description of an input table, returns what is to be said of it before it is
        loaded, though it is no error.
    after_rows : callable, optional
        Takes the `Inputs`, returns names of SQL templates to run on the table after its last row.
    says_unused : bool
        Whether people are told of columns of its files that no table takes.
    check_keys : bool
        Whether rows that repeat a key are looked for before the first row is sent.
    finitize : bool
        Whether NaN and infinities become -9999.
    vectors : mapping of str to int
        Vector columns that are spread over columns of the table, and how many these are; elements
        beyond that have to be 0.
    position : tuple of str, optional
        Columns of the table with right ascension and declination, for tables that are searched on
        the sky. They are copies; if one of them is not known, both become `NOT_FINITE`.
    sky_order : bool
        Whether rows are sorted by `position` as they are sent.
    row_bytes : tuple of int, optional
        Bytes that a row takes in the table and in all indexes of it, for tables that are large:
        measured with PostgreSQL 15 and a demo production.
    job_time : str
        Wall time of a batch job that loads such rows of a whole production, or a share of them
        [hh:mm:ss].
    """

    table: str
    stage: str
    files: Callable[[Inputs], Sequence[Path]]
    hdus: tuple[str, ...]
    joined: tuple[Joined, ...] = ()
    match: tuple[str, ...] = ()
    by_number: bool = False
    view: View = AS_IT_IS
    command: str = ""
    derived: Mapping[str, tuple[pl.Expr, ...]] = field(default_factory=dict)
    row_filter: pl.Expr | None = None
    checks: tuple[Check, ...] = ()
    applies: Callable[[Inputs], bool] = lambda inputs: True
    first_per: Callable[[Inputs], str | None] = lambda inputs: None
    first_rank: pl.Expr | None = None
    unless_in: TableSource | None = None
    constants: Callable[[Described], Mapping[str, object]] | None = None
    keywords: tuple[str, ...] = ()
    notes: Callable[[Described], Sequence[str]] = lambda table: ()
    after_rows: Callable[[Inputs], Sequence[str]] | None = None
    says_unused: bool = False
    check_keys: bool = False
    finitize: bool = True
    vectors: Mapping[str, int] = field(default_factory=dict)
    position: tuple[str, str] | None = None
    sky_order: bool = False
    row_bytes: tuple[int, int] | None = None
    job_time: str = "12:00:00"

    def __getstate__(self) -> dict[str, object]:
        """Leave out what chooses files: workers make rows, of files that were chosen."""
        chooses = (
            *("files", "applies", "first_per", "first_rank", "unless_in", "after_rows", "notes"),
        )
        return {name: value for name, value in vars(self).items() if name not in chooses}

    def places(self, path: Path) -> list[tuple[Path, tuple[str, ...]]]:
        """Return the tables that the rows of a file are in: files, and accepted names of HDUs.

        Raises
        ------
        InputError
            If one of the files is not there.
        """
        return [(path, self.hdus), *((one.beside(path), one.hdus) for one in self.joined)]

    @property
    def views(self) -> list[View]:
        """Return under which names the columns of these tables are seen."""
        return [self.view, *(one.view for one in self.joined)]

    @property
    def name(self) -> str:
        """Name that tells sources apart."""
        return f"{self.table}<{self.stage}"
