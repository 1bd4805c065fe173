"""Looks at input files, kept for one command: each HDU is opened once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple, Self, TypeVar

import polars as pl

from specprod_copy.errors import InputError
from specprod_copy.executors.contexts import Report, unheard
from specprod_copy.executors.executor import Executor, Inline, Workers, in_order
from specprod_copy.plan.first_occurrences import Choices
from specprod_copy.reader import open_table
from specprod_copy.reader.kept import keeping_files
from specprod_copy.reader.look import Look, Stamp, joined_look, look
from specprod_copy.rows.units import Part
from specprod_copy.tables import TableSource, specprod_catalogue

F = TypeVar("F")

HduNames = tuple[str, ...]
"""Accepted names of an HDU."""

RowsOfPart = tuple[Part, int, int]
"""A part of a unit, its first row and that after its last."""


class Kept(NamedTuple):
    """What was found out about files, which is of use as long as they do not change."""

    looks: Mapping[tuple[Path, HduNames], Look]
    """By file and accepted names of an HDU."""
    choices: Choices
    """Which rows count, where only the first one per value does."""


NOTHING_KEPT = Kept({}, {})

THREADS = 8
"""A file system of many servers answers several questions as quickly as one."""

_TASK_FILES = 25
_TASKS_PER_WORKER = 4

_FEW_FILES, _FEW_BYTES = 200, 1 << 26
"""So many files, or so much of gzipped ones, are looked at before other processes have begun."""

_FEW_DIGESTED = 1 << 28
"""The same of files that are digested [byte]."""


@dataclass(frozen=True)
class _Looking:
    """What a worker looks with."""

    keywords: tuple[str, ...]
    threads: int = 1


class _Digested(NamedTuple):
    """Rows that have a digest."""

    path: Path
    hdu: str
    stamp: Stamp
    first: int
    last: int | None

    @classmethod
    def of(cls, part: Part, first: int, last: int) -> Self:
        return cls(part.path, part.hdu, part.stamp, *part.digested(first, last))

    def digest(self) -> str:
        """Take the digest."""
        with open_table(self.path, (self.hdu,) if self.hdu else ()) as table:
            return table.digest(self.first, self.last).hexdigest()


class Looks:
    """What has been seen of files.

    Parameters
    ----------
    keywords : collection of str, optional
        Keywords of headers that sources ask for; those of a production without it.
    here, many : Executor, optional
        What looks at few files and at many; see `open_looks`. Without them this thread does.
    kept : Kept, optional
        What somebody has found out before.
    """

    def __init__(
        self,
        keywords: Collection[str] | None = None,
        here: Executor[_Looking] | None = None,
        many: Executor[_Looking] | None = None,
        kept: Kept = NOTHING_KEPT,
    ) -> None:
        wanted = specprod_catalogue().keywords if keywords is None else keywords
        self._here = here or Inline(_Looking(tuple(wanted)))
        self._many = many or self._here
        self._kept: dict[tuple[Path, HduNames], Look | InputError] = dict(kept.looks)
        self._digests: dict[_Digested, str] = {}
        self.choices: Choices = dict(kept.choices)
        """Which rows count, as far as that was decided; see `chosen_rows`."""
        self.taken: set[Path] = set()
        """Files that were looked at."""
        self._schemas: dict[tuple[tuple[str, pl.DataType], ...], pl.Schema] = {}

    @property
    def kept(self) -> Kept:
        """What was found out; without what could not be read."""
        looks = {place: one for place, one in self._kept.items() if isinstance(one, Look)}
        return Kept(looks, self.choices)

    def take(self, wanted: Mapping[Path, Collection[HduNames]]) -> None:
        """Look at HDUs of files, but not at those that have not changed since the last time."""
        unknown = {path: hdus for path, hdus in wanted.items() if not self._knows(path, hdus)}
        self.taken.update(unknown)
        many = len(unknown) > _FEW_FILES or _packed_bytes(unknown) > _FEW_BYTES
        executor = self._many if many else self._here
        tasks = tasks_of([*unknown.items()], executor.at_once)
        for task, found in in_order(executor, _look_at, tasks):
            for (path, several), looks in zip(task, found, strict=True):
                for hdus, one in zip(several, looks, strict=True):
                    self._kept[path, hdus] = self._interned(one)

    def of(self, source: TableSource, path: Path) -> Look:
        """Return what was seen of a file of a source, and what is joined to it, when last taken.

        Raises
        ------
        InputError
            If it cannot be read, or tables that are to be matched row by row cannot be.
        """
        looks = [self._of(*place) for place in source.places(path)]
        how = source.match, source.keywords, source.views
        return joined_look(looks, *how, by_number=source.by_number)

    def _of(self, path: Path, hdus: HduNames) -> Look:
        found = self._kept[path, hdus]
        if isinstance(found, InputError):
            raise found
        return found

    def now(self, source: TableSource, path: Path) -> Look:
        """Return what is to be seen of a file of a source; errors as `of`."""
        self.take(wanted_of([(source, path)]))
        return self.of(source, path)

    def digest(self, part: Part, first: int, last: int) -> str:
        """Return the digest of rows of a part of a unit; they are read once."""
        rows = _Digested.of(part, first, last)
        if rows not in self._digests:
            self._digests[rows] = rows.digest()
        return self._digests[rows]

    def take_digests(self, wanted: Iterable[RowsOfPart]) -> None:
        """Have many digests taken by others before `digest` is asked for them."""
        rows = [*dict.fromkeys(_Digested.of(*one) for one in wanted)]
        size = sum({one.path: one.stamp.size for one in rows}.values())
        if self._many is self._here or (len(rows) <= _FEW_FILES and size <= _FEW_DIGESTED):
            return
        for task, found in in_order(self._many, _digests, tasks_of(rows, self._many.at_once)):
            # What cannot be read is an error when it is asked for.
            self._digests.update({one: d for one, d in zip(task, found, strict=True) if d})

    def _knows(self, path: Path, several: Collection[HduNames]) -> bool:
        kept = [self._kept.get((path, hdus)) for hdus in several]
        looks = [one for one in kept if isinstance(one, Look)]
        if len(looks) < len(kept):
            return False
        return {one.stamp for one in looks} <= {Stamp.of(path)}

    def _interned(self, one: Look | InputError) -> Look | InputError:
        """Let thousands of files with the same columns share their description."""
        if isinstance(one, InputError):
            return one
        return replace(one, schema=self._schemas.setdefault(tuple(one.schema.items()), one.schema))


def tasks_of(files: Sequence[F], at_once: int) -> list[Sequence[F]]:
    """Cut files into tasks: small enough for each worker to get several."""
    size = max(min(_TASK_FILES, len(files) // (at_once * _TASKS_PER_WORKER)), 1)
    return [files[n : n + size] for n in range(0, len(files), size)]


def _packed_bytes(paths: Iterable[Path]) -> int:
    """Return the size of those files that are gzipped."""
    return sum(p.stat().st_size for p in paths if p.name.endswith(".gz") and p.is_file())


def wanted_of(files: Iterable[tuple[TableSource, Path]]) -> dict[Path, list[HduNames]]:
    """Return the HDUs of each file that sources want; errors as `TableSource.places`."""
    wanted: dict[Path, list[HduNames]] = {}
    for source, path in files:
        for place, hdus in source.places(path):
            several = wanted.setdefault(place, [])
            if hdus not in several:
                several.append(hdus)
    return wanted


@dataclass(frozen=True)
class _LookContext:
    """What looks at files share."""

    keywords: tuple[str, ...]

    @contextmanager
    def opened(self, report: Report) -> Iterator[_Looking]:
        """Keep what files have in them."""
        with keeping_files():
            yield _Looking(self.keywords, THREADS)


@contextmanager
def open_looks(
    keywords: Collection[str], workers: Workers | None = None, kept: Kept = NOTHING_KEPT
) -> Iterator[Looks]:
    """Yield looks for one command; until its end each worker keeps what it found in files.

    Parameters
    ----------
    keywords : collection of str
        Keywords of headers that sources ask for.
    workers : Workers, optional
        Who look at many files; without them this process does.
    kept : Kept, optional
        What somebody has found out before; files that have changed since are looked at again.
    """
    context = _LookContext(tuple(keywords))
    with ExitStack() as stack:
        here = Inline(stack.enter_context(context.opened(unheard)))
        many = stack.enter_context(workers.sharing(context)) if workers else here
        yield Looks(keywords, here, many, kept)


def _look_at(
    looking: _Looking, files: Sequence[tuple[Path, Collection[HduNames]]]
) -> list[list[Look | InputError]]:
    one = partial(_look_at_one, keywords=looking.keywords)
    threads = min(looking.threads, len(files))
    if threads <= 1:
        return [*map(one, files)]
    # They end with this task: what malloc keeps free for a thread is of use to others only then.
    with ThreadPoolExecutor(threads, thread_name_prefix="look") as pool:
        return [*pool.map(one, files)]


def _digests(looking: _Looking, several: Sequence[_Digested]) -> list[str | None]:
    return [*map(_digest, several)]


def _digest(rows: _Digested) -> str | None:
    try:
        return rows.digest()
    except InputError:
        return None


def _look_at_one(
    file: tuple[Path, Collection[HduNames]], keywords: Collection[str]
) -> list[Look | InputError]:
    path, wanted = file
    return look(path, [*wanted], keywords)
