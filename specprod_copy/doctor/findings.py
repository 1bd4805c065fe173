"""What an examination finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "server": "the server",
        "rights": "what the role may do",
        "session": "what the loader sets for its sessions",
        "settings": "what an administrator of the server can change",
        "connection": "the way to the server",
        "client": "this machine",
        "space": "the disk of the server",
    }
)
"""The groups of findings, in their order, with a heading."""

LEVELS = ("ok", "advice", "problem")
"""Nothing to do; something could be better; a load is impossible."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    group: str  # one of `GROUPS`
    name: str  # what was looked at
    value: str  # what was found
    level: str = "ok"  # one of `LEVELS`
    good: str = ""  # what would be better; empty if nothing would
    why: str = ""  # what it has to do with a load
    gain: str = ""  # what it was measured to gain; empty where that was not measured
    remedy: tuple[str, ...] = ()  # statements or commands that bring it about
    restart: bool = False  # whether the server has to be restarted for that

    def __post_init__(self) -> None:
        if self.group not in GROUPS or self.level not in LEVELS:
            raise ValueError(f"no finding is of group {self.group!r} and level {self.level!r}")
