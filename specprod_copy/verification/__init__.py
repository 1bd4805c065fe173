"""Verification: the files read again, and compared with the database."""

from __future__ import annotations

from specprod_copy.verification.options import VerifyOptions
from specprod_copy.verification.results import CHECKS, Result, grouped
from specprod_copy.verification.run import verify

__all__ = ["CHECKS", "Result", "VerifyOptions", "grouped", "verify"]
