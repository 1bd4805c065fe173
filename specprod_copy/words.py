"""Words for people, wherever they are printed."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def escaped(text: str) -> str:
    r"""Return a text in which nothing can steer a terminal.

    What cannot be printed becomes ``\x1b`` and the like: control characters, those that change the
    direction of text, line breaks, and bytes of file names that are no UTF-8. Names and messages of
    files and servers may hold any of it.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a question about the known names that a name resembles, or an empty text."""
    alike = get_close_matches(name.lower(), [*known], n=3, cutoff=0.6)
    return f"did you mean {' or '.join(alike)}?" if alike else ""
