"""Looks at input files, kept for one command: each HDU is opened once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import polars as pl

from specprod_copy.errors import InputError
from specprod_copy.executors.contexts import Report, unheard
from specprod_copy.executors.executor import Executor, Inline, Workers, in_order
from specprod_copy.reader import open_table
from specprod_copy.reader.kept import keeping_files
from specprod_copy.reader.look import Look, Stamp, joined_look, look
from specprod_copy.rows.units import Part
from specprod_copy.tables import TableSource, specprod_catalogue

Hdus = tuple[str, ...]
"""Accepted names of an HDU."""

Kept = Mapping[tuple[Path, Hdus], Look]
"""What was seen, by file and accepted names of an HDU."""

_THREADS = 8
"""A file system of many servers answers several questions as quickly as one."""

_TASK_FILES = 25

_FEW_FILES = 200
"""So many are looked at before other processes have begun."""


@dataclass(frozen=True)
class _Looking:
    """What a worker looks with."""

    keywords: tuple[str, ...]
    threads: int = 1


class Looks:
    """What has been seen of files.

    Parameters
    ----------
    keywords : collection of str, optional
        Keywords of headers that sources ask for; those of a production without it.
    here, many : Executor, optional
        What looks at few files and at many; see `open_looks`. Without them this thread does.
    kept : mapping, optional
        What somebody has seen before.
    """

    def __init__(
        self,
        keywords: Collection[str] | None = None,
        here: Executor[_Looking] | None = None,
        many: Executor[_Looking] | None = None,
        kept: Kept | None = None,
    ) -> None:
        wanted = specprod_catalogue().keywords if keywords is None else keywords
        self._here = here or Inline(_Looking(tuple(wanted)))
        self._many = many or self._here
        self._kept: dict[tuple[Path, Hdus], Look | InputError] = dict(kept or {})
        self._digests: dict[tuple[Path, str, Stamp, int, int | None], str] = {}
        self._schemas: dict[tuple[tuple[str, pl.DataType], ...], pl.Schema] = {}

    @property
    def kept(self) -> Kept:
        """What was seen; without what could not be read."""
        return {place: one for place, one in self._kept.items() if isinstance(one, Look)}

    def take(self, wanted: Mapping[Path, Collection[Hdus]]) -> None:
        """Look at HDUs of files, but not at those that have not changed since the last time."""
        unknown = {path: hdus for path, hdus in wanted.items() if not self._knows(path, hdus)}
        files = [*unknown.items()]
        tasks = [files[n : n + _TASK_FILES] for n in range(0, len(files), _TASK_FILES)]
        executor = self._many if len(files) > _FEW_FILES else self._here
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

    def _of(self, path: Path, hdus: Hdus) -> Look:
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
        first, end = (0, None) if part.whole else (first, last)
        key = (part.path, part.hdu, part.stamp, first, end)
        if key not in self._digests:
            with open_table(part.path, (part.hdu,) if part.hdu else ()) as table:
                self._digests[key] = table.digest(first, end).hexdigest()
        return self._digests[key]

    def _knows(self, path: Path, several: Collection[Hdus]) -> bool:
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


def wanted_of(files: Iterable[tuple[TableSource, Path]]) -> dict[Path, list[Hdus]]:
    """Return the HDUs of each file that sources want; errors as `TableSource.places`."""
    wanted: dict[Path, list[Hdus]] = {}
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
            yield _Looking(self.keywords, _THREADS)


@contextmanager
def open_looks(
    keywords: Collection[str], workers: Workers | None = None, kept: Kept | None = None
) -> Iterator[Looks]:
    """Yield looks for one command; until its end each worker keeps what it found in files.

    Parameters
    ----------
    keywords : collection of str
        Keywords of headers that sources ask for.
    workers : Workers, optional
        Who look at many files; without them this process does.
    kept : mapping, optional
        What somebody has seen before; files that have changed since are looked at again.
    """
    context = _LookContext(tuple(keywords))
    with ExitStack() as stack:
        here = Inline(stack.enter_context(context.opened(unheard)))
        many = stack.enter_context(workers.sharing(context)) if workers else here
        yield Looks(keywords, here, many, kept)


def _look_at(
    looking: _Looking, files: Sequence[tuple[Path, Collection[Hdus]]]
) -> list[list[Look | InputError]]:
    one = partial(_look_at_one, keywords=looking.keywords)
    threads = min(looking.threads, len(files))
    if threads <= 1:
        return [*map(one, files)]
    # They end with this task: what malloc keeps free for a thread is of use to others only then.
    with ThreadPoolExecutor(threads, thread_name_prefix="look") as pool:
        return [*pool.map(one, files)]


def _look_at_one(
    file: tuple[Path, Collection[Hdus]], keywords: Collection[str]
) -> list[Look | InputError]:
    path, wanted = file
    return look(path, [*wanted], keywords)
