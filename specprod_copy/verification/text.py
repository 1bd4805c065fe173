"""Results as a sentence, and for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from specprod_copy.verification.compare import listing
from specprod_copy.verification.results import Result


def summary(schema: str, results: Sequence[Result]) -> str:
    """Return how many checks passed or failed, as a sentence."""
    failed = [result for result in results if not result.passed]
    if not failed:
        return f"schema {schema}: all {len(results):,} checks passed"
    tables = list(dict.fromkeys(result.table for result in failed))
    return (
        f"schema {schema}: {len(failed):,} of {len(results):,} checks failed, in "
        f"{listing(len(tables), tables)}"
    )


def to_json(results: Sequence[Result]) -> str:
    """Return results as a JSON array of objects."""
    return json.dumps([asdict(result) for result in results], indent=2)
