"""The variants of redshift catalogs of the second format (zcatalog v2)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from specprod_copy.demo.layouts import MASKS, Layout, has_column
from specprod_copy.desi.configuration import Production

Pixels = Literal["uniqpix", "healpix"]

_OLD_QN_LACKS = ("ZWARN_BEST", "CHI2_BEST", "DELTACHI2_BEST", "COEFF_BEST")
_BY_OTHER_RULES = ("UNIQPIX", "HEALPIX", "NSIDE", *_OLD_QN_LACKS[:3])
_OF_SURVEYS = ("SV_", "MAIN_")


@dataclass(frozen=True)
class Variant:
    """A variant of the second format, of which there are several."""

    pixels: Pixels = "uniqpix"
    """HEALPixels of several sizes (DR3), or of one (DR2)."""
    wide: bool = False
    """Whether redshifts have the types that redrock wrote before version 0.22."""
    old_qn: bool = False
    """Whether only Z, ZERR, SPECTYPE and SUBTYPE come as the best ones."""
    without: frozenset[str] = frozenset()
    """Optional columns that the files do not have."""

    def layout(self, layout: Layout, surveys: Collection[str]) -> Layout:
        """Return a layout with the optional columns of a file that holds these surveys."""
        core = layout.extname == "ZCATALOG"

        def keep(name: str) -> bool:
            if name in self.without or (self.old_qn and name in _OLD_QN_LACKS):
                return False
            if name in ("UNIQPIX", "NSIDE"):
                return self.pixels == "uniqpix"
            if name == "HEALPIX":  # The core has the one that counts.
                return core == (self.pixels == "healpix")
            if name in MASKS:
                return not {"main", "special"}.isdisjoint(surveys)
            return has_column(name, surveys)

        return layout.where(keep)


def variant_of(
    production: Production,
    *,
    pixels: Pixels | None = None,
    wide: bool | None = None,
    old_qn: bool = False,
    without: Collection[str] = (),
) -> Variant:
    """Return a variant; what is not given is as in productions of that data release.

    Until DR2 (loa) HEALPixels are of one size and types are wide.
    """
    later = production.release not in ("edr", "dr1", "dr2")
    return Variant(
        pixels or ("uniqpix" if later else "healpix"),
        not later if wide is None else wide,
        old_qn,
        frozenset(without),
    )


def optional_columns(layouts: Mapping[str, Layout]) -> list[str]:
    """Return the columns that files of the second format may lack by themselves."""
    names = {
        name: None
        for key, layout in layouts.items()
        if key.startswith("v2_")
        for column in layout.columns
        if (name := column.name) in layout.optional
        and name not in _BY_OTHER_RULES
        and not name.endswith("_TARGET")
        and not name.startswith(_OF_SURVEYS)
    }
    return [*names]
