"""Findings for people at a terminal, and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from specprod_copy.doctor.findings import GROUPS, Finding

_MARKS = {"ok": " ", "advice": "!", "problem": "✗"}


def print_findings(console: Console, findings: Sequence[Finding], *, verbose: bool = False) -> None:
    """Print findings group by group, the statements that would help, and a summary.

    Parameters
    ----------
    console : rich.console.Console
    findings : sequence of Finding
        Those of a group one after the other.
    verbose : bool
        Tell the reason behind each finding, not only behind advice.
    """
    for group, members in groupby(findings, key=lambda finding: finding.group):
        console.print(Text(GROUPS[group], style="bold"))
        table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
        for no_wrap in (True, True, False, False):
            table.add_column(no_wrap=no_wrap)
        for finding in members:
            told = verbose or finding.level != "ok" or finding.group == "space"
            better = f"better: {finding.good}" if finding.good else ""
            parts = (better, finding.why if told else "", _gain(finding))
            table.add_row(
                _MARKS[finding.level],
                Text(finding.name),
                Text(finding.value),
                Text("; ".join(part for part in parts if part)),
            )
        console.print(table)
        console.print()
    for line in (*remedies(findings), summary(findings)):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _gain(finding: Finding) -> str:
    if finding.group != "settings" or finding.level == "ok":
        return ""
    return f"gains {finding.gain}" if finding.gain else "gain not measured"


def remedies(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield the statements and commands that would help, as a script with comments."""
    helping = [finding for finding in findings if finding.remedy]
    if not helping:
        return
    yield "What would help, for a superuser of the server where it is SQL:"
    for finding in helping:
        for line in finding.remedy:
            yield f"  {line}"
    changed = [finding for finding in helping if finding.group == "settings"]
    restart = [finding.name for finding in changed if finding.restart]
    if len(restart) < len(changed):
        yield "  SELECT pg_reload_conf();"
    if restart:
        yield f"then restart the server, for {', '.join(restart)}"
    yield ""


def summary(findings: Sequence[Finding]) -> str:
    """Return in a line whether a load is possible."""
    problems = [finding for finding in findings if finding.level == "problem"]
    if problems:
        named = "; ".join(f"{p.name}: {p.value}" for p in problems)
        return f"A load is impossible here ({named})."
    advice = sum(finding.level == "advice" for finding in findings)
    if not advice:
        return "A load is possible."
    return (
        f"A load is possible; {advice} {'thing' if advice == 1 else 'things'} could be better (!)."
    )


def to_json(findings: Sequence[Finding]) -> str:
    """Return findings as a JSON array of objects."""
    return json.dumps([asdict(finding) for finding in findings], indent=2)
