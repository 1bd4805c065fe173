"""Right coefficients for zpix and ztile: extracted, loaded beside them, applied, taken back."""

from __future__ import annotations

from specprod_copy.coeff_patch.apply import apply, check, revert, vacuum
from specprod_copy.coeff_patch.extract import Extracted, extract
from specprod_copy.coeff_patch.load import LoadedPatch, check_files, load
from specprod_copy.coeff_patch.patches import PATCH_SCHEMA, Patch, patches_of
from specprod_copy.coeff_patch.procedure import PRODUCTIONS, render_procedure
from specprod_copy.coeff_patch.results import Applied, Comparison, Counts, Reverted, SampleRow

__all__ = [
    "PATCH_SCHEMA",
    "PRODUCTIONS",
    "Applied",
    "Comparison",
    "Counts",
    "Extracted",
    "LoadedPatch",
    "Patch",
    "Reverted",
    "SampleRow",
    "apply",
    "check",
    "check_files",
    "extract",
    "load",
    "patches_of",
    "render_procedure",
    "revert",
    "vacuum",
]
