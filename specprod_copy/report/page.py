"""The report as one page that needs nothing else."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Self

import specprod_copy
from specprod_copy.errors import InputError
from specprod_copy.report.contents import Contents
from specprod_copy.report.drawing import Picture
from specprod_copy.resources import html_page


@dataclass(frozen=True)
class Verification:
    """What ``verify --json`` found of a table."""

    table: str
    passed: int
    failed: int
    failures: tuple[tuple[str, str], ...]
    """Check and what was found, of those that failed."""

    @classmethod
    def read(cls, path: Path) -> list[Self]:
        """Read what ``verify --json`` printed.

        Raises
        ------
        InputError
            If the file is something else.
        """
        try:
            results = json.loads(path.read_text())
            by_table: dict[str, list[dict[str, object]]] = {}
            for result in results:
                by_table.setdefault(str(result["table"]), []).append(result)
            found = []
            for table, checks in by_table.items():
                bad = [(str(c["name"]), str(c["detail"])) for c in checks if not c["passed"]]
                found.append(cls(table, len(checks) - len(bad), len(bad), tuple(bad)))
        except OSError as error:
            raise InputError(error.strerror or "cannot be read", path=path) from error
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(
                "is not what 'specprod-copy verify --json' prints", path=path
            ) from error
        return found


def page(
    contents: Contents,
    pictures: Sequence[Picture],
    verification: Sequence[Verification] = (),
    *,
    anonymous: bool = False,
) -> str:
    """Return the report as HTML, in which pictures are embedded.

    Parameters
    ----------
    contents : Contents
    pictures : sequence of Picture
    verification : sequence of Verification
    anonymous : bool
        Whether paths of files, and names of hosts, databases and users are left out.
    """
    return html_page(
        "report.html",
        {
            "contents": contents,
            "pictures": pictures,
            "verification": verification,
            "anonymous": anonymous,
            "program": f"specprod-copy {specprod_copy.__version__}",
        },
        {
            "base64": lambda content: base64.b64encode(content).decode(),
            "moment": lambda time: time.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        },
    )
