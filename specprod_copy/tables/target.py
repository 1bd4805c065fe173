"""Table ``target``: one row per (TARGETID, survey, tile), from targetphot files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from specprod_copy.desi import ids
from specprod_copy.reader import Described
from specprod_copy.tables.common import (
    SURVEY_AND_PROGRAM,
    TARGETPHOTID,
    absent_bitmasks,
    as_said,
    keywords,
    known_survey,
    to_compare,
    usual_program,
    within,
)
from specprod_copy.tables.source import TableSource

_SURVEY: Final = re.compile(
    rf"targetphot-potential-(?:.*-)?({'|'.join(ids.SURVEYS)})-[a-z0-9]+\.fits"
)
"""Names of files per survey, or per survey and HEALPixel."""


def _said(table: Described) -> Mapping[str, object]:
    """Return what the header says of all rows, and failing that the name of the file."""
    named = _SURVEY.match(table.path.name)
    survey = {"SURVEY": named[1]} if named else {}
    return to_compare({**survey, **keywords(table, *SURVEY_AND_PROGRAM)})


SOURCE = TableSource(
    table="target",
    stage="target",
    row_bytes=(265, 125),
    files=lambda inputs: inputs.files.targetphot(),
    hdus=("TARGETPHOT",),
    derived={"id": (TARGETPHOTID,), **absent_bitmasks()},
    checks=(
        known_survey(),
        usual_program(),
        *as_said(*SURVEY_AND_PROGRAM),
        within("TILEID", ids.TILEID),
    ),
    constants=_said,
    keywords=SURVEY_AND_PROGRAM,
)
