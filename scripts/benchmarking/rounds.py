"""Run contenders in turns, so that what the machine does meanwhile hits all of them alike."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import click

from benchmarking import equality
from benchmarking.bench import SCHEMA, Bench
from benchmarking.equality import Contents
from benchmarking.processes import FailedError
from benchmarking.ready import Ready, send

Figures = dict[str, list[float]]
"""Name of a figure to its values, one per run."""


@dataclass(frozen=True)
class Turn:
    """What a contender does when it is its turn.

    Parameters
    ----------
    name : str
        The contender; one that has several turns in a round gathers their figures.
    run : callable
        Does it, and returns figures.
    files : sequence of Ready
        What the tables must hold afterwards; none when nothing is loaded.
    """

    name: str
    run: Callable[[], dict[str, float]]
    files: Sequence[Ready] = ()


class Rounds:
    """Contenders, run in turns.

    Parameters
    ----------
    bench : Bench
    turns : sequence of Turn
    """

    def __init__(self, bench: Bench, turns: Sequence[Turn]) -> None:
        self.bench = bench
        self.turns = turns
        self.figures: dict[str, Figures] = {}
        self._expected: dict[int, Contents] = {}

    def run(self, runs: int) -> None:
        """Run all turns several times.

        Raises
        ------
        FailedError
            If a contender fails, or has loaded other rows than it should.
        """
        for number in range(1, runs + 1):
            for turn in self.turns:
                click.echo(f"run {number} of {runs}: {turn.name}", err=True)
                figures = self.figures.setdefault(turn.name, defaultdict(list))
                for figure, value in turn.run().items():
                    figures[figure].append(value)
                if turn.files:
                    self._check(turn, every_value=number == 1)
        self.bench.drop_tables()

    def _check(self, turn: Turn, *, every_value: bool) -> None:
        """Check what a turn has loaded: once every value, later the number of rows."""
        expected = {ready.table: ready.rows for ready in turn.files}
        found = equality.counts(self.bench, expected)
        if found != expected:
            raise FailedError(f"{turn.name} has loaded {found} rows, not {expected}")
        # First what was found: to know what is expected, the tables are filled again.
        if every_value and equality.contents(self.bench, expected) != self._contents(turn):
            different = ", ".join(self._differing(turn))
            raise FailedError(f"{turn.name} has loaded other values than the server in {different}")

    def _contents(self, turn: Turn) -> Contents:
        """Return the contents that the ready-made files give the tables."""
        key = id(turn.files)
        if key not in self._expected:
            self._load(turn)
            tables = [ready.table for ready in turn.files]
            self._expected[key] = equality.contents(self.bench, tables)
        return self._expected[key]

    def _load(self, turn: Turn) -> None:
        self.bench.make_tables()
        for ready in turn.files:
            send(self.bench.connection, SCHEMA, ready)

    def _differing(self, turn: Turn) -> Iterator[str]:
        """Yield the columns in which a turn differs; it runs once more for that."""
        tables = [ready.table for ready in turn.files]
        turn.run()
        found = equality.column_sums(self.bench, tables)
        self._load(turn)
        right = equality.column_sums(self.bench, tables)
        return (name for name, value in right.items() if found[name] != value)


def summary(values: Sequence[float]) -> tuple[float, float, float]:
    """Return median, least and greatest of some values."""
    return statistics.median(values), min(values), max(values)
