"""Patches the summary files of a production (tiles, exposures, frames) with those of another."""

from __future__ import annotations

from specprod_copy.patch_summary.run import Folders, PatchResult, patch_summary

__all__ = ["Folders", "PatchResult", "patch_summary"]
