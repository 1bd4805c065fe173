"""Findings for people at a terminal, and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from specprod_copy.doctor.findings import Finding


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
