"""Findings of the doctor for people at a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from specprod_copy.cli.text import entry_lines, say
from specprod_copy.doctor.findings import GROUPS, Finding
from specprod_copy.doctor.text import remedies, summary

_MARKS = {"ok": " ", "advice": "!", "problem": "✗"}


def print_findings(findings: Sequence[Finding], *, width: int, verbose: bool = False) -> None:
    """Print findings group by group, the statements that would help, and a summary.

    Parameters
    ----------
    findings : sequence of Finding
        Those of a group one after the other.
    width : int
        How long a line may be.
    verbose : bool
        Say the reason behind each finding, not only behind advice.
    """
    for group, found in groupby(findings, key=lambda finding: finding.group):
        members = [*found]
        indent = 3 + max(len(finding.name) for finding in members) + 2
        say(GROUPS[group], bold=True)
        for finding in members:
            told = verbose or finding.level != "ok" or finding.group == "space"
            better = f"better: {finding.good}" if finding.good else ""
            remarks = (better, finding.why if told else "", _gain(finding))
            text = "; ".join(part for part in (finding.value, *remarks) if part)
            label = f"{_MARKS[finding.level]}  {finding.name}"
            for line in entry_lines(label, text, indent=indent, width=width):
                say(line)
        say("")
    for line in (*remedies(findings), summary(findings)):
        say(line)


def _gain(finding: Finding) -> str:
    if finding.group != "settings" or finding.level == "ok":
        return ""
    return f"gains {finding.gain}" if finding.gain else "gain not measured"
