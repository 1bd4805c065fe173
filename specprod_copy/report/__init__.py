"""A page about a loaded schema, for people to look at."""

from __future__ import annotations

from specprod_copy.report.contents import Contents, read_contents
from specprod_copy.report.page import Verification, page

__all__ = ["Contents", "Verification", "page", "read_contents"]
