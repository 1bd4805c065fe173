"""Findings of the doctor for people at a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from specprod_copy.doctor.findings import GROUPS, Finding
from specprod_copy.doctor.text import remedies, summary

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
