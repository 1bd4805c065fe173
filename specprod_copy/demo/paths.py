"""Where the files of a production lie: the folders and names of the public data model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from specprod_copy.desi.configuration import Production


@dataclass(frozen=True)
class Paths:
    """Names of the files of a production."""

    production: Production
    root: Path
    """Folder that holds ``spectro``, ``vac`` and ``target``."""

    @property
    def redux(self) -> Path:
        """Folder of the pipeline's output."""
        return self.root / "spectro" / "redux" / self.production.name

    @property
    def photometry(self) -> Path:
        """Folder of the photometry of potential targets."""
        p = self.production
        catalog = self.root / "vac" / p.release / "lsdr9-photometry" / p.name / p.photometry
        return catalog / "potential-targets"

    def configuration(self) -> Path:
        """Return the configuration file of a production that is not known without one."""
        return self.root / f"productions-{self.production.name}.toml"

    def tiles(self, suffix: str) -> Path:
        """Tiles file, as ``fits`` or ``csv``."""
        return self.redux / f"tiles-{self.production.name}.{suffix}"

    def exposures(self) -> Path:
        """File of exposures and frames."""
        return self.redux / f"exposures-{self.production.name}.fits"

    def tractorphot(self, pixel: int) -> Path:
        """Tractor photometry of a HEALPixel at nside 4."""
        name = f"tractorphot-potential-nside4-hp{pixel:03d}-{self.production.name}.fits"
        return self.photometry / "tractorphot" / name

    def tile_tractorphot(self, tileid: int) -> Path:
        """Tractor photometry computed for one tile."""
        return self.photometry / "tractorphot" / f"tractorphot-{tileid}.fits"

    def targetphot(self, *parts: str) -> Path:
        """Targeting photometry; the parts are survey, HEALPixel or tile, and production."""
        return self.photometry / f"targetphot-potential-{'-'.join(parts)}.fits"

    def zall(self, kind: str) -> Path:
        """Redshift catalog of the whole production: ``pix`` or ``tilecumulative``."""
        p = self.production
        if p.redshift_type == "zcat":
            catalog = self.root / "vac" / p.release / "zcat" / p.name / p.redshift_version
            return catalog / f"zall-{kind}-{p.release}-vac.fits"
        return self._zcatalog / f"zall-{kind}-{p.name}.fits"

    def catalogs(self, kind: str, survey: str = "", program: str = "") -> Path:
        """Core of a redshift catalog of the second format, of everything or of one program."""
        if not survey:
            return self._zcatalog / "zall" / f"zall-{kind}-{self.production.name}.fits"
        name = {"pix": f"zpix-{survey}-{program}", "tilecumulative": f"ztile-{survey}-{program}"}
        end = "-cumulative" if kind == "tilecumulative" else ""
        return self._zcatalog / survey / f"{name[kind]}{end}.fits"

    def zpix(self, survey: str, program: str) -> Path:
        """HEALPix redshift catalog of one survey and program."""
        return self._zcatalog / f"zpix-{survey}-{program}.fits"

    def ztile(self, survey: str, program: str) -> Path:
        """Cumulative tile redshift catalog of one survey and program."""
        return self._zcatalog / f"ztile-{survey}-{program}-cumulative.fits"

    @property
    def _zcatalog(self) -> Path:
        # A value-added catalog stands for the redshifts of the first version, which were patched.
        version = {"base": "", "patch": self.production.redshift_version, "zcat": "v1"}
        return self.redux / "zcatalog" / version[self.production.redshift_type]

    def redrock(self, tileid: int, night: int, petal: int) -> Path:
        """Redshifts of one petal of a tile from all nights up to the given one."""
        folder = self.redux / "tiles" / "cumulative" / str(tileid) / str(night)
        return folder / f"redrock-{petal}-{tileid}-thru{night}.fits"

    def fiberassign(self, tileid: int) -> Path:
        """Fibre assignment of a tile; as in reality some are compressed, some are not."""
        version = self.production.tiles
        folder = self.root / "target" / "fiberassign" / "tiles"
        folder = folder / version if version == "trunk" else folder / "tags" / version
        suffix = ".fits.gz" if tileid % 2 else ".fits"
        return folder / f"{tileid:06d}"[:3] / f"fiberassign-{tileid:06d}{suffix}"
