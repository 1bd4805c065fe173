"""A small schema, made by hand, with every kind of value that a query may return."""

from __future__ import annotations

TABLES = """
    CREATE SCHEMA s;
    CREATE TABLE s.photometry (
        targetid bigint PRIMARY KEY, ra double precision, dec double precision, flux_g real,
        pmra real, morphtype varchar(4));
    COMMENT ON COLUMN s.photometry.targetid IS 'Object identifier (UCD meta.id;meta.main)';
    COMMENT ON COLUMN s.photometry.ra IS 'Right ascension [deg] (UCD pos.eq.ra)';
    COMMENT ON COLUMN s.photometry.dec IS 'Declination [deg] (UCD pos.eq.dec)';
    COMMENT ON COLUMN s.photometry.flux_g IS 'Flux in g [nanomaggy] (UCD phot.flux;em.opt.B)';
    COMMENT ON COLUMN s.photometry.pmra IS 'Proper motion in RA [mas yr^-1] (UCD pos.pm)';
    COMMENT ON COLUMN s.photometry.morphtype IS 'Shape (UCD src.morph.type)';
    INSERT INTO s.photometry VALUES
        (1, 10.125, -1.5, 0.1, -9999, 'PSF'), (2, 359.75, 89.5, -9999, 3.25, ''),
        (9223372036854775807, 0.1, 0.2, 1e-30, 0, 'REX');
    CREATE TABLE s.zpix (
        id numeric(39), targetid bigint, z double precision, zwarn bigint, chi2 double precision,
        spectype varchar(6), zcat_primary boolean, coadd_numexp smallint, healpix integer,
        date_obs timestamptz);
    COMMENT ON COLUMN s.zpix.id IS '128-bit key (UCD meta.record)';
    COMMENT ON COLUMN s.zpix.z IS 'Redshift from Redrock (UCD src.redshift)';
    INSERT INTO s.zpix VALUES
        (85070591730234615865843651857942052865, 1, 0.1, 0, -9999, 'GALAXY', true, 3, 27258,
         '2021-05-17 04:12:09.123456+00'),
        (0, 2, 1.5, 4, 12.5, 'STAR', false, -1, 0, '1999-12-31 23:59:59+00'),
        (-170, 9223372036854775807, -9999, -9223372036854775807, 1e300, NULL, NULL, NULL, NULL,
         NULL);
    CREATE VIEW s.bright AS SELECT targetid, flux_g * 1 AS twice, flux_g AS flux
                            FROM s.photometry;
    COMMENT ON COLUMN s.bright.flux IS 'Flux of the view [nanomaggy]';
    CREATE VIEW s.brighter AS SELECT * FROM s.bright;
"""

JOIN = """SELECT z.id, z.targetid, z.z, z.zwarn, z.chi2, z.spectype, z.zcat_primary, z.coadd_numexp,
                 z.healpix, z.date_obs, p.flux_g, p.pmra, p.morphtype
          FROM zpix z JOIN photometry p USING (targetid) ORDER BY z.targetid"""
"""All types that every format holds."""

NAMES = (
    *("id", "targetid", "z", "zwarn", "chi2", "spectype", "zcat_primary", "coadd_numexp"),
    *("healpix", "date_obs", "flux_g", "pmra", "morphtype"),
)
"""Its columns."""

BIG = 2**63 - 1

FIRST = "2021-05-17T04:12:09.123456Z"
SECOND = "1999-12-31T23:59:59.000000Z"

ROWS = [
    (2**126 + 1, 1, 0.1, 0, None, "GALAXY", True, 3, 27258, FIRST, 0.1, None, "PSF"),
    (0, 2, 1.5, 4, 12.5, "STAR", False, -1, 0, SECOND, None, 3.25, ""),
    (-170, BIG, None, -BIG, 1e300, None, None, None, None, None, 1e-30, 0.0, "REX"),
]
"""What it returns: ids as numbers, times as text, -9999 as null."""

UNITS = {"flux_g": "nanomaggy", "pmra": "mas yr^-1"}

DESCRIPTIONS = {
    "id": "128-bit key",
    "z": "Redshift from Redrock",
    "flux_g": "Flux in g",
    "pmra": "Proper motion in RA",
    "morphtype": "Shape",
}
