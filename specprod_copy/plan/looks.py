"""Looks at input files, kept for one command: each HDU is opened once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import polars as pl

from specprod_copy.errors import InputError
from specprod_copy.executors.contexts import Report, unheard
from specprod_copy.executors.executor import Executor, Inline, Workers, in_order
from specprod_copy.reader import open_table
from specprod_copy.reader.look import Look, Stamp, look
from specprod_copy.tables import TableSource, specprod_catalogue

Hdus = tuple[str, ...]
"""Accepted names of an HDU."""

_THREADS = 8
"""A file system of many servers answers several questions as quickly as one."""

_TASK_FILES = 25

_FEW_FILES = 200
"""So many are looked at before other processes have begun."""


class Looks:
    """What has been seen of files.

    Parameters
    ----------
    workers : Workers, optional
        Who look at many files; without them this process does.
    keywords : collection of str, optional
        Keywords of headers that sources ask for; those of a production without it.
    """

    def __init__(
        self, workers: Workers | None = None, keywords: Collection[str] | None = None
    ) -> None:
        self._workers = workers
        self._keywords = specprod_catalogue().keywords if keywords is None else keywords
        self._kept: dict[tuple[Path, Hdus], Look | InputError] = {}
        self._digests: dict[tuple[Path, str, Stamp, int, int], str] = {}
        self._schemas: dict[tuple[tuple[str, pl.DataType], ...], pl.Schema] = {}

    def take(self, wanted: Mapping[Path, Collection[Hdus]]) -> None:
        """Look at HDUs of files, but not at those that have not changed since the last time."""
        unknown = {path: hdus for path, hdus in wanted.items() if not self._knows(path, hdus)}
        files = [*unknown.items()]
        tasks = [files[n : n + _TASK_FILES] for n in range(0, len(files), _TASK_FILES)]
        many = self._workers if len(files) > _FEW_FILES else None
        with _executor(many, self._keywords) as executor:
            for task, found in in_order(executor, _look_at, tasks):
                for (path, several), looks in zip(task, found, strict=True):
                    for hdus, one in zip(several, looks, strict=True):
                        self._kept[path, hdus] = self._interned(one)

    def of(self, path: Path, hdus: Hdus) -> Look:
        """Return what was seen of an HDU when it was last taken.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        found = self._kept[path, hdus]
        if isinstance(found, InputError):
            raise found
        return found

    def now(self, source: TableSource, path: Path) -> Look:
        """Return what is to be seen of the HDU of a source; errors as `of`."""
        self.take({path: [source.hdus]})
        return self.of(path, source.hdus)

    def digest(self, look: Look, first: int, last: int) -> str:
        """Return the digest of rows of an HDU that was looked at; they are read once."""
        key = (look.path, look.hdu, look.stamp, first, last)
        if key not in self._digests:
            with open_table(look.path, (look.hdu,) if look.hdu else ()) as table:
                self._digests[key] = table.digest(first, last).hexdigest()
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


@dataclass(frozen=True)
class _LookContext:
    """What looks at files share."""

    keywords: tuple[str, ...]

    @contextmanager
    def opened(self, report: Report) -> Iterator[_Looking]:
        """Start threads that look at files."""
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="look") as threads:
            yield _Looking(self.keywords, threads)


@dataclass(frozen=True)
class _Looking:
    keywords: tuple[str, ...]
    threads: ThreadPoolExecutor


@contextmanager
def _executor(workers: Workers | None, keywords: Collection[str]) -> Iterator[Executor[_Looking]]:
    context = _LookContext(tuple(keywords))
    if workers is None:
        with context.opened(unheard) as opened:
            yield Inline(opened)
    else:
        with workers.sharing(context) as executor:
            yield executor


def _look_at(
    looking: _Looking, files: Sequence[tuple[Path, Collection[Hdus]]]
) -> list[list[Look | InputError]]:
    one = partial(_look_at_one, keywords=looking.keywords)
    return [*looking.threads.map(one, files)]


def _look_at_one(
    file: tuple[Path, Collection[Hdus]], keywords: Collection[str]
) -> list[Look | InputError]:
    path, wanted = file
    return look(path, [*wanted], keywords)
