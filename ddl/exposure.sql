-- exposure: one row per EXPID, from HDU EXPOSURES of the top-level exposures file.

{% block table %}
{# Files have 8 bytes; tables of productions since zcatalog v2 keep them. #}
{% set float = 'double precision' if 'wide' in optional else 'real' %}
CREATE TABLE IF NOT EXISTS {{ schema }}.exposure (
    night                  integer NOT NULL,
    expid                  integer NOT NULL,
    tileid                 integer NOT NULL,
    tilera                 double precision NOT NULL,
    tiledec                double precision NOT NULL,
    date_obs               timestamptz NOT NULL,
    mjd                    double precision NOT NULL,
    survey                 varchar(7) NOT NULL,
    program                varchar(8) NOT NULL,
    faprgrm                varchar(16) NOT NULL,
    faflavor               varchar(19) NOT NULL,
    exptime                double precision NOT NULL,
    efftime_spec           double precision NOT NULL,
    goaltime               double precision NOT NULL,
    goaltype               varchar(7) NOT NULL,
    mintfrac               double precision NOT NULL,
    airmass                {{ float }} NOT NULL,
    ebv                    double precision NOT NULL,
    seeing_etc             double precision NOT NULL,
    efftime_etc            {{ float }} NOT NULL,
    tsnr2_elg              {{ float }} NOT NULL,
    tsnr2_qso              {{ float }} NOT NULL,
    tsnr2_lrg              {{ float }} NOT NULL,
    tsnr2_lya              double precision NOT NULL,
    tsnr2_bgs              {{ float }} NOT NULL,
    tsnr2_gpbdark          {{ float }} NOT NULL,
    tsnr2_gpbbright        {{ float }} NOT NULL,
    tsnr2_gpbbackup        {{ float }} NOT NULL,
    lrg_efftime_dark       {{ float }} NOT NULL,
    elg_efftime_dark       {{ float }} NOT NULL,
    bgs_efftime_bright     {{ float }} NOT NULL,
    lya_efftime_dark       double precision NOT NULL,
    gpb_efftime_dark       {{ float }} NOT NULL,
    gpb_efftime_bright     {{ float }} NOT NULL,
    gpb_efftime_backup     {{ float }} NOT NULL,
    transparency_gfa       double precision NOT NULL,
    seeing_gfa             double precision NOT NULL,
    fiber_fracflux_gfa     double precision NOT NULL,
    fiber_fracflux_elg_gfa double precision NOT NULL,
    fiber_fracflux_bgs_gfa double precision NOT NULL,
    fiberfac_gfa           double precision NOT NULL,
    fiberfac_elg_gfa       double precision NOT NULL,
    fiberfac_bgs_gfa       double precision NOT NULL,
    airmass_gfa            double precision NOT NULL,
    sky_mag_ab_gfa         double precision NOT NULL,
    sky_mag_g_spec         double precision NOT NULL,
    sky_mag_r_spec         double precision NOT NULL,
    sky_mag_z_spec         double precision NOT NULL,
    efftime_gfa            double precision NOT NULL,
    efftime_dark_gfa       double precision NOT NULL,
    efftime_bright_gfa     double precision NOT NULL,
    efftime_backup_gfa     double precision NOT NULL
);
{% endblock %}

{% block distribution %}
{% import 'partitions.jinja' as partitioning %}
{{ partitioning.reference(partitions, schema, 'exposure') }}{% endblock %}

{% block keys %}
{% if partitions %}
CREATE UNIQUE INDEX IF NOT EXISTS exposure_pkey ON {{ schema }}.exposure (expid);
ALTER TABLE {{ schema }}.exposure ADD CONSTRAINT exposure_pkey PRIMARY KEY USING INDEX exposure_pkey;
{% else %}
ALTER TABLE {{ schema }}.exposure ADD CONSTRAINT exposure_pkey PRIMARY KEY (expid);
{% endif %}
{% endblock %}

{% block indexes %}
CREATE INDEX IF NOT EXISTS ix_exposure_night ON {{ schema }}.exposure (night);
CREATE INDEX IF NOT EXISTS ix_exposure_tileid ON {{ schema }}.exposure (tileid);
{% endblock %}

{% block foreign_keys %}
ALTER TABLE {{ schema }}.exposure ADD CONSTRAINT exposure_tileid_fkey FOREIGN KEY (tileid) REFERENCES {{ schema }}.tile (tileid){{ ' NOT VALID' if partitions }};
{% endblock %}

{% block validation %}
{% if partitions %}
ALTER TABLE {{ schema }}.exposure VALIDATE CONSTRAINT exposure_tileid_fkey;
{% endif %}
{% endblock %}

{% block q3c %}
CREATE INDEX IF NOT EXISTS ix_exposure_q3c_ang2ipix ON {{ schema }}.exposure ({{ q3c }}.q3c_ang2ipix(tilera, tiledec));
{% endblock %}

{% block cluster %}
CLUSTER {{ schema }}.exposure USING ix_exposure_q3c_ang2ipix;
{% endblock %}

{% block comments %}
COMMENT ON TABLE {{ schema }}.exposure IS 'Exposures of tiles';
COMMENT ON COLUMN {{ schema }}.exposure.night IS 'Observing night as YYYYMMDD (date at local noon before observing) (UCD time.epoch;obs)';
COMMENT ON COLUMN {{ schema }}.exposure.expid IS 'DESI exposure number (UCD meta.id;obs.exposure;meta.main)';
COMMENT ON COLUMN {{ schema }}.exposure.tileid IS 'DESI tile (pointing) number (UCD meta.id;obs.field)';
COMMENT ON COLUMN {{ schema }}.exposure.tilera IS 'Right ascension of the tile centre [deg] (UCD pos.eq.ra;obs.field)';
COMMENT ON COLUMN {{ schema }}.exposure.tiledec IS 'Declination of the tile centre [deg] (UCD pos.eq.dec;obs.field)';
COMMENT ON COLUMN {{ schema }}.exposure.date_obs IS 'Start of the exposure, UTC (UCD time.epoch;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.exposure.mjd IS 'Modified Julian Date at shutter opening [d] (UCD time.epoch;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.exposure.survey IS 'Survey phase: cmx, special, sv1, sv2, sv3 or main (UCD meta.code.class;obs)';
COMMENT ON COLUMN {{ schema }}.exposure.program IS 'Observing program: backup, bright, dark or other (newer: bright1b, dark1b) (UCD meta.code.class;obs)';
COMMENT ON COLUMN {{ schema }}.exposure.faprgrm IS 'Program name as written in the fiberassign file (UCD meta.code.class;obs)';
COMMENT ON COLUMN {{ schema }}.exposure.faflavor IS 'Flavor string of the fiberassign file (survey + program) (UCD meta.code.class;obs)';
COMMENT ON COLUMN {{ schema }}.exposure.exptime IS 'Open-shutter time [s] (UCD time.duration;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.exposure.efftime_spec IS 'Effective time from spectroscopic template S/N [s] (UCD time.duration;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.exposure.goaltime IS 'Effective time the tile needs to be finished [s] (UCD time.duration;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.exposure.goaltype IS 'Condition type the goal time refers to (dark, bright, backup, other, unknown) (UCD meta.code.class;obs)';
COMMENT ON COLUMN {{ schema }}.exposure.mintfrac IS 'Fraction of GOALTIME from which a tile counts as complete (UCD arith.factor;time.duration)';
COMMENT ON COLUMN {{ schema }}.exposure.airmass IS 'Mean airmass of the exposure (UCD obs.airMass)';
COMMENT ON COLUMN {{ schema }}.exposure.ebv IS 'Galactic reddening E(B-V), SFD98 map [mag] (UCD phot.color.excess)';
COMMENT ON COLUMN {{ schema }}.exposure.seeing_etc IS 'Mean seeing FWHM from the exposure-time calculator [arcsec] (UCD instr.obsty.seeing)';
COMMENT ON COLUMN {{ schema }}.exposure.efftime_etc IS 'Effective time from the exposure-time calculator [s] (UCD time.duration;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.exposure.tsnr2_elg IS 'Squared S/N against the emission-line-galaxy template, all cameras (UCD stat.snr;arith.squared)';
COMMENT ON COLUMN {{ schema }}.exposure.tsnr2_qso IS 'Squared S/N against the quasar template, all cameras (UCD stat.snr;arith.squared)';
COMMENT ON COLUMN {{ schema }}.exposure.tsnr2_lrg IS 'Squared S/N against the luminous-red-galaxy template, all cameras (UCD stat.snr;arith.squared)';
COMMENT ON COLUMN {{ schema }}.exposure.tsnr2_lya IS 'Squared S/N against the Lyman-alpha quasar template, all cameras (UCD stat.snr;arith.squared)';
COMMENT ON COLUMN {{ schema }}.exposure.tsnr2_bgs IS 'Squared S/N against the bright-galaxy template, all cameras (UCD stat.snr;arith.squared)';
COMMENT ON COLUMN {{ schema }}.exposure.tsnr2_gpbdark IS 'Squared S/N against the guider-passband (dark) template, all cameras (UCD stat.snr;arith.squared)';
COMMENT ON COLUMN {{ schema }}.exposure.tsnr2_gpbbright IS 'Squared S/N against the guider-passband (bright) template, all cameras (UCD stat.snr;arith.squared)';
COMMENT ON COLUMN {{ schema }}.exposure.tsnr2_gpbbackup IS 'Squared S/N against the guider-passband (backup) template, all cameras (UCD stat.snr;arith.squared)';
COMMENT ON COLUMN {{ schema }}.exposure.lrg_efftime_dark IS 'Effective dark-time exposure for LRG targets, from TSNR2 [s] (UCD time.duration;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.exposure.elg_efftime_dark IS 'Effective dark-time exposure for ELG targets, from TSNR2 [s] (UCD time.duration;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.exposure.bgs_efftime_bright IS 'Effective bright-time exposure for BGS targets, from TSNR2 [s] (UCD time.duration;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.exposure.lya_efftime_dark IS 'Effective dark-time exposure for LYA targets, from TSNR2 [s] (UCD time.duration;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.exposure.gpb_efftime_dark IS 'Effective dark-time exposure for GPB targets, from TSNR2 [s] (UCD time.duration;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.exposure.gpb_efftime_bright IS 'Effective bright-time exposure for GPB targets, from TSNR2 [s] (UCD time.duration;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.exposure.gpb_efftime_backup IS 'Effective backup-time exposure for GPB targets, from TSNR2 [s] (UCD time.duration;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.exposure.transparency_gfa IS 'Sky transparency from the guide cameras (UCD phys.transmission;obs.atmos)';
COMMENT ON COLUMN {{ schema }}.exposure.seeing_gfa IS 'Mean seeing FWHM from the guide cameras [arcsec] (UCD instr.obsty.seeing)';
COMMENT ON COLUMN {{ schema }}.exposure.fiber_fracflux_gfa IS 'Fibre acceptance of a point source from the guide-camera PSF, relative to nominal seeing (UCD phot.flux;arith.ratio;instr)';
COMMENT ON COLUMN {{ schema }}.exposure.fiber_fracflux_elg_gfa IS 'Same for an ELG-like profile (0.45 arcsec exponential) (UCD phot.flux;arith.ratio;instr)';
COMMENT ON COLUMN {{ schema }}.exposure.fiber_fracflux_bgs_gfa IS 'Same for a BGS-like profile (1.5 arcsec de Vaucouleurs) (UCD phot.flux;arith.ratio;instr)';
COMMENT ON COLUMN {{ schema }}.exposure.fiberfac_gfa IS 'Light entering a fibre relative to expectation (point source), from guide cameras (UCD phot.flux;arith.ratio;instr)';
COMMENT ON COLUMN {{ schema }}.exposure.fiberfac_elg_gfa IS 'Same for an ELG profile (UCD phot.flux;arith.ratio;instr)';
COMMENT ON COLUMN {{ schema }}.exposure.fiberfac_bgs_gfa IS 'Same for a BGS profile (UCD phot.flux;arith.ratio;instr)';
COMMENT ON COLUMN {{ schema }}.exposure.airmass_gfa IS 'Mean airmass from the guide-camera data (UCD obs.airMass)';
COMMENT ON COLUMN {{ schema }}.exposure.sky_mag_ab_gfa IS 'Sky surface brightness in the guide-camera band (AB) [mag arcsec^-2] (UCD phot.mag.sb;instr.skyLevel;em.opt.R)';
COMMENT ON COLUMN {{ schema }}.exposure.sky_mag_g_spec IS 'Sky surface brightness from the spectra in DECam g (AB) [mag arcsec^-2] (UCD phot.mag.sb;instr.skyLevel;em.opt.B)';
COMMENT ON COLUMN {{ schema }}.exposure.sky_mag_r_spec IS 'Sky surface brightness from the spectra in DECam r (AB) [mag arcsec^-2] (UCD phot.mag.sb;instr.skyLevel;em.opt.R)';
COMMENT ON COLUMN {{ schema }}.exposure.sky_mag_z_spec IS 'Sky surface brightness from the spectra in DECam z (AB) [mag arcsec^-2] (UCD phot.mag.sb;instr.skyLevel;em.opt.I)';
COMMENT ON COLUMN {{ schema }}.exposure.efftime_gfa IS 'Effective time from guide-camera data (0 = some input missing) [s] (UCD time.duration;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.exposure.efftime_dark_gfa IS 'Effective dark-time exposure from guide-camera data [s] (UCD time.duration;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.exposure.efftime_bright_gfa IS 'Effective bright-time exposure from guide-camera data [s] (UCD time.duration;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.exposure.efftime_backup_gfa IS 'Effective backup-time exposure from guide-camera data [s] (UCD time.duration;obs.exposure)';
{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.exposure TO {{ role }};
{% endfor %}
{% endblock %}
