"""Shell commands of a page of the documentation, run block by block."""

from __future__ import annotations

import doctest
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from unittest import SkipTest

from sybil import Document, Example
from sybil.parsers.markdown import CodeBlockParser, SkipParser

NOT_RUN = re.compile(r'^ *<!-- skip: next "(.*)" -->$', re.M)
"""Stands in front of a block that cannot be run here, with the reason."""

_SECONDS = 600  # longer than any block takes, however slow the machine is
_ENVIRONMENT, _FOLDER = ".environment", ".folder"
# What a command sets and where it goes is there for the next block, as in a terminal.
_BASH = """set -eo pipefail
{block}
env -0 > "{home}/{environment}"
pwd > "{home}/{folder}"
"""
_AS_DOCTEST = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Shell:
    """Bash, whose variables and folder last from one block of a page to the next.

    Parameters
    ----------
    home : pathlib.Path
        Folder where it begins.
    environment : mapping of str to str
    places : mapping of str to str
        What paths in the pages stand for here.
    """

    def __init__(
        self, home: Path, environment: Mapping[str, str], places: Mapping[str, str]
    ) -> None:
        self._home, self._folder = home, home
        self._environment = dict(environment)
        self._places = places
        self._shown, self._end = "", -1

    def run(self, page: Path) -> int:
        """Run the blocks of a page, compare what stands behind them, and return their number.

        Raises
        ------
        AssertionError
            If a command fails, or prints something else than the block of text right behind it
            says, in which … stands for anything.
        """
        parsers = (
            SkipParser(),
            CodeBlockParser("bash", self._bash),
            CodeBlockParser("text", self._compare),
        )
        done = 0
        for example in Document.parse(str(page), *parsers).examples():
            try:
                example.evaluate()
            except SkipTest:
                continue
            done += example.region.evaluator == self._bash
        return done

    def _bash(self, example: Example) -> None:
        block = str(example.parsed)
        for there, here in self._places.items():
            block = block.replace(there, here)
        done = subprocess.run(
            [
                "bash",
                "-c",
                _BASH.format(
                    block=block, home=self._home, environment=_ENVIRONMENT, folder=_FOLDER
                ),
            ],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{_place(example)}: {block}\n{done.stdout}"
        variables = (self._home / _ENVIRONMENT).read_text().split("\0")
        self._environment = dict(line.split("=", 1) for line in variables if line)
        self._folder = Path((self._home / _FOLDER).read_text().strip())
        self._shown, self._end = done.stdout, example.region.end

    def _compare(self, example: Example) -> None:
        between = example.document.text[self._end : example.region.start]
        if self._end < 0 or between.strip():
            return  # it is not an output
        wanted = example.parsed.replace("…", "...")
        is_right = doctest.OutputChecker().check_output(wanted, self._shown, _AS_DOCTEST)
        assert is_right, f"{_place(example)}: printed was\n{self._shown}"


def _place(example: Example) -> str:
    return f"{example.path}, line {example.line}"
