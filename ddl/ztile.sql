-- ztile: one row per (TARGETID, tile, last night), from zall-tilecumulative files.

{% block table %}
{% import 'partitions.jinja' as partitioning %}
CREATE TABLE IF NOT EXISTS {{ schema }}.ztile (
    id                         numeric(39) NOT NULL,
    targetphotid               numeric(39) NOT NULL,
    targetid                   bigint NOT NULL,
    desiname                   varchar(22) NOT NULL,
    survey                     varchar(7) NOT NULL,
    program                    varchar(8) NOT NULL,
    spgrp                      varchar NOT NULL,
    spgrpval                   integer NOT NULL,
    z                          double precision NOT NULL,
    zerr                       double precision NOT NULL,
    zwarn                      bigint NOT NULL,
    chi2                       double precision NOT NULL,
    coeff_0                    double precision NOT NULL,
    coeff_1                    double precision NOT NULL,
    coeff_2                    double precision NOT NULL,
    coeff_3                    double precision NOT NULL,
    coeff_4                    double precision NOT NULL,
    coeff_5                    double precision NOT NULL,
    coeff_6                    double precision NOT NULL,
    coeff_7                    double precision NOT NULL,
    coeff_8                    double precision NOT NULL,
    coeff_9                    double precision NOT NULL,
    npixels                    bigint NOT NULL,
    spectype                   varchar(6) NOT NULL,
    subtype                    varchar(20) NOT NULL,
    ncoeff                     bigint NOT NULL,
    deltachi2                  double precision NOT NULL,
    coadd_fiberstatus          integer NOT NULL,
    tileid                     integer NOT NULL,
    coadd_numexp               smallint NOT NULL,
    coadd_exptime              real NOT NULL,
    coadd_numnight             smallint NOT NULL,
    coadd_numtile              smallint NOT NULL,
    mean_delta_x               real NOT NULL,
    rms_delta_x                real NOT NULL,
    mean_delta_y               real NOT NULL,
    rms_delta_y                real NOT NULL,
    mean_fiber_ra              double precision NOT NULL,
    std_fiber_ra               real NOT NULL,
    mean_fiber_dec             double precision NOT NULL,
    std_fiber_dec              real NOT NULL,
    mean_psf_to_fiber_specflux real NOT NULL,
    mean_fiber_x               real NOT NULL,
    mean_fiber_y               real NOT NULL,
    tsnr2_gpbdark_b            real NOT NULL,
    tsnr2_elg_b                real NOT NULL,
    tsnr2_gpbbright_b          real NOT NULL,
    tsnr2_lya_b                real NOT NULL,
    tsnr2_bgs_b                real NOT NULL,
    tsnr2_gpbbackup_b          real NOT NULL,
    tsnr2_qso_b                real NOT NULL,
    tsnr2_lrg_b                real NOT NULL,
    tsnr2_gpbdark_r            real NOT NULL,
    tsnr2_elg_r                real NOT NULL,
    tsnr2_gpbbright_r          real NOT NULL,
    tsnr2_lya_r                real NOT NULL,
    tsnr2_bgs_r                real NOT NULL,
    tsnr2_gpbbackup_r          real NOT NULL,
    tsnr2_qso_r                real NOT NULL,
    tsnr2_lrg_r                real NOT NULL,
    tsnr2_gpbdark_z            real NOT NULL,
    tsnr2_elg_z                real NOT NULL,
    tsnr2_gpbbright_z          real NOT NULL,
    tsnr2_lya_z                real NOT NULL,
    tsnr2_bgs_z                real NOT NULL,
    tsnr2_gpbbackup_z          real NOT NULL,
    tsnr2_qso_z                real NOT NULL,
    tsnr2_lrg_z                real NOT NULL,
    tsnr2_gpbdark              real NOT NULL,
    tsnr2_elg                  real NOT NULL,
    tsnr2_gpbbright            real NOT NULL,
    tsnr2_lya                  real NOT NULL,
    tsnr2_bgs                  real NOT NULL,
    tsnr2_gpbbackup            real NOT NULL,
    tsnr2_qso                  real NOT NULL,
    tsnr2_lrg                  real NOT NULL,
    sv_nspec                   smallint NOT NULL,
    sv_primary                 boolean NOT NULL,
    main_nspec                 smallint NOT NULL,
    main_primary               boolean NOT NULL,
    zcat_nspec                 smallint NOT NULL,
    zcat_primary               boolean NOT NULL,
    firstnight                 integer NOT NULL,
    lastnight                  integer NOT NULL,
    min_mjd                    double precision NOT NULL,
    mean_mjd                   double precision NOT NULL,
    max_mjd                    double precision NOT NULL{% if optional %}{% import 'zcatalog_v2.jinja' as v2 %}{{ v2.columns(v2.ZTILE, optional) }}{% endif %}

){{ partitioning.by_targetid(partitions) }};
-- As they are, not packed: sorts and joins would unpack them for each comparison.
ALTER TABLE {{ schema }}.ztile
    ALTER COLUMN id SET STORAGE PLAIN,
    ALTER COLUMN targetphotid SET STORAGE PLAIN;
{{ partitioning.parts(partitions, schema, 'ztile') }}{% endblock %}

{% block distribution %}
{% import 'partitions.jinja' as partitioning %}
{{ partitioning.distributed(partitions, schema, 'ztile') }}{% endblock %}

{% block keys %}
{% if partitions == 1 %}
CREATE UNIQUE INDEX IF NOT EXISTS ztile_pkey ON {{ schema }}.ztile (id);
ALTER TABLE {{ schema }}.ztile ADD CONSTRAINT ztile_pkey PRIMARY KEY USING INDEX ztile_pkey;
{% else %}
ALTER TABLE {{ schema }}.ztile ADD CONSTRAINT ztile_pkey PRIMARY KEY (targetid, id);
{% endif %}
{% endblock %}

{% block indexes %}
CREATE UNIQUE INDEX IF NOT EXISTS ix_ztile_unique ON {{ schema }}.ztile (targetid, spgrp, spgrpval, tileid);
CREATE INDEX IF NOT EXISTS ix_ztile_desiname ON {{ schema }}.ztile (desiname);
CREATE INDEX IF NOT EXISTS ix_ztile_program ON {{ schema }}.ztile (program);
CREATE INDEX IF NOT EXISTS ix_ztile_spectype ON {{ schema }}.ztile (spectype);
CREATE INDEX IF NOT EXISTS ix_ztile_spgrp ON {{ schema }}.ztile (spgrp);
CREATE INDEX IF NOT EXISTS ix_ztile_spgrpval ON {{ schema }}.ztile (spgrpval);
CREATE INDEX IF NOT EXISTS ix_ztile_subtype ON {{ schema }}.ztile (subtype);
CREATE INDEX IF NOT EXISTS ix_ztile_survey ON {{ schema }}.ztile (survey);
{% if partitions == 1 %}
CREATE INDEX IF NOT EXISTS ix_ztile_targetid ON {{ schema }}.ztile (targetid);
{% else %}
CREATE INDEX IF NOT EXISTS ix_ztile_id ON {{ schema }}.ztile (id);
{% endif %}
CREATE INDEX IF NOT EXISTS ix_ztile_targetphotid ON {{ schema }}.ztile (targetphotid);
CREATE INDEX IF NOT EXISTS ix_ztile_tileid ON {{ schema }}.ztile (tileid);
CREATE INDEX IF NOT EXISTS ix_ztile_z ON {{ schema }}.ztile (z);
CREATE INDEX IF NOT EXISTS ix_ztile_zwarn ON {{ schema }}.ztile (zwarn);
{% if optional %}{% import 'zcatalog_v2.jinja' as v2 %}{{ v2.indexes(v2.ZTILE, optional, schema, 'ztile') }}{% endif %}{% endblock %}

{% block foreign_keys %}
{% import 'partitions.jinja' as partitioning %}
ALTER TABLE {{ schema }}.ztile ADD CONSTRAINT ztile_targetid_fkey FOREIGN KEY (targetid) REFERENCES {{ schema }}.photometry (targetid){{ partitioning.not_valid(partitions) }};
{% if partitions == 1 %}
ALTER TABLE {{ schema }}.ztile ADD CONSTRAINT ztile_targetphotid_fkey FOREIGN KEY (targetphotid) REFERENCES {{ schema }}.target (id) NOT VALID;
{% else %}
ALTER TABLE {{ schema }}.ztile ADD CONSTRAINT ztile_targetphotid_fkey FOREIGN KEY (targetid, targetphotid) REFERENCES {{ schema }}.target (targetid, id);
{% endif %}
ALTER TABLE {{ schema }}.ztile ADD CONSTRAINT ztile_tileid_fkey FOREIGN KEY (tileid) REFERENCES {{ schema }}.tile (tileid){{ partitioning.not_valid(partitions) }};
{% endblock %}

{% block validation %}
{% if partitions == 1 %}
ALTER TABLE {{ schema }}.ztile VALIDATE CONSTRAINT ztile_targetid_fkey;
ALTER TABLE {{ schema }}.ztile VALIDATE CONSTRAINT ztile_targetphotid_fkey;
ALTER TABLE {{ schema }}.ztile VALIDATE CONSTRAINT ztile_tileid_fkey;
{% endif %}
{% endblock %}

{% block q3c %}
{% if 'target_ra' in optional %}
CREATE INDEX IF NOT EXISTS ix_ztile_q3c_ang2ipix ON {{ schema }}.ztile ({{ q3c }}.q3c_ang2ipix(target_ra, target_dec));
{% endif %}
{% endblock %}

{% block comments %}
COMMENT ON TABLE {{ schema }}.ztile IS 'Redshifts of spectra coadded per tile over its nights up to the last one';
COMMENT ON COLUMN {{ schema }}.ztile.id IS '128-bit key of grouping, tile and target (UCD meta.record)';
COMMENT ON COLUMN {{ schema }}.ztile.targetphotid IS 'Key of the matching row of target (UCD meta.id.assoc)';
COMMENT ON COLUMN {{ schema }}.ztile.targetid IS '64-bit DESI object identifier (bit-packed) (UCD meta.id)';
COMMENT ON COLUMN {{ schema }}.ztile.desiname IS 'Readable sky-position name, 22 characters (UCD meta.id)';
COMMENT ON COLUMN {{ schema }}.ztile.survey IS 'Survey phase: cmx, special, sv1, sv2, sv3 or main (UCD meta.code.class;obs)';
COMMENT ON COLUMN {{ schema }}.ztile.program IS 'Observing program: backup, bright, dark or other (newer: bright1b, dark1b); here, as in all redshift catalogs, dark1b is dark and bright1b is bright (UCD meta.code.class;obs)';
COMMENT ON COLUMN {{ schema }}.ztile.spgrp IS 'Way the spectra are grouped (healpix, cumulative, ...) (UCD meta.code.class)';
COMMENT ON COLUMN {{ schema }}.ztile.spgrpval IS 'Value of the grouping: pixel, night or exposure number (UCD meta.id.part)';
COMMENT ON COLUMN {{ schema }}.ztile.z IS 'Redshift from Redrock (UCD src.redshift)';
COMMENT ON COLUMN {{ schema }}.ztile.zerr IS 'Redshift uncertainty (UCD stat.error;src.redshift)';
COMMENT ON COLUMN {{ schema }}.ztile.zwarn IS 'Redrock warning bitmask, 0 is good (UCD meta.code.qual;src.redshift)';
COMMENT ON COLUMN {{ schema }}.ztile.chi2 IS 'Chi-squared of the best fit (UCD stat.fit.chi2)';
COMMENT ON COLUMN {{ schema }}.ztile.coeff_0 IS 'Redrock template coefficient 0 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.ztile.coeff_1 IS 'Redrock template coefficient 1 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.ztile.coeff_2 IS 'Redrock template coefficient 2 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.ztile.coeff_3 IS 'Redrock template coefficient 3 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.ztile.coeff_4 IS 'Redrock template coefficient 4 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.ztile.coeff_5 IS 'Redrock template coefficient 5 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.ztile.coeff_6 IS 'Redrock template coefficient 6 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.ztile.coeff_7 IS 'Redrock template coefficient 7 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.ztile.coeff_8 IS 'Redrock template coefficient 8 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.ztile.coeff_9 IS 'Redrock template coefficient 9 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.ztile.npixels IS 'Pixels used in the fit (UCD meta.number;instr.pixel)';
COMMENT ON COLUMN {{ schema }}.ztile.spectype IS 'Best-fit class: GALAXY, QSO, STAR (UCD src.class)';
COMMENT ON COLUMN {{ schema }}.ztile.subtype IS 'Sub-class (stars mostly), often blank (UCD src.spType)';
COMMENT ON COLUMN {{ schema }}.ztile.ncoeff IS 'Number of template coefficients in use (UCD meta.number;stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.ztile.deltachi2 IS 'Chi-squared gap to the second-best fit (UCD stat.fit.chi2;arith.diff)';
COMMENT ON COLUMN {{ schema }}.ztile.coadd_fiberstatus IS 'AND of FIBERSTATUS over the exposures used (OR if none is usable) (UCD meta.code.status;instr)';
COMMENT ON COLUMN {{ schema }}.ztile.tileid IS 'DESI tile (pointing) number (UCD meta.id;obs.field)';
COMMENT ON COLUMN {{ schema }}.ztile.coadd_numexp IS 'Exposures in the coadd (UCD meta.number;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.ztile.coadd_exptime IS 'Total exposure time of the coadd [s] (UCD time.duration;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.ztile.coadd_numnight IS 'Nights in the coadd (UCD meta.number;obs)';
COMMENT ON COLUMN {{ schema }}.ztile.coadd_numtile IS 'Tiles in the coadd (UCD meta.number;obs.field)';
COMMENT ON COLUMN {{ schema }}.ztile.mean_delta_x IS 'Mean X offset requested minus actual [mm] (UCD pos.cartesian.x;arith.diff;stat.mean)';
COMMENT ON COLUMN {{ schema }}.ztile.rms_delta_x IS 'RMS X offset [mm] (UCD stat.stdev;pos.cartesian.x)';
COMMENT ON COLUMN {{ schema }}.ztile.mean_delta_y IS 'Mean Y offset requested minus actual [mm] (UCD pos.cartesian.y;arith.diff;stat.mean)';
COMMENT ON COLUMN {{ schema }}.ztile.rms_delta_y IS 'RMS Y offset [mm] (UCD stat.stdev;pos.cartesian.y)';
COMMENT ON COLUMN {{ schema }}.ztile.mean_fiber_ra IS 'Mean RA of the fibre [deg] (UCD pos.eq.ra;instr;stat.mean)';
COMMENT ON COLUMN {{ schema }}.ztile.std_fiber_ra IS 'Scatter of the fibre RA (cos dec applied) [arcsec] (UCD stat.stdev;pos.eq.ra;instr)';
COMMENT ON COLUMN {{ schema }}.ztile.mean_fiber_dec IS 'Mean Dec of the fibre [deg] (UCD pos.eq.dec;instr;stat.mean)';
COMMENT ON COLUMN {{ schema }}.ztile.std_fiber_dec IS 'Scatter of the fibre Dec [arcsec] (UCD stat.stdev;pos.eq.dec;instr)';
COMMENT ON COLUMN {{ schema }}.ztile.mean_psf_to_fiber_specflux IS 'Mean fraction of point-source light captured by the fibre (UCD phys.transmission;instr;stat.mean)';
COMMENT ON COLUMN {{ schema }}.ztile.mean_fiber_x IS 'Mean fibre X (CS5) [mm] (UCD pos.cartesian.x;instr;stat.mean)';
COMMENT ON COLUMN {{ schema }}.ztile.mean_fiber_y IS 'Mean fibre Y (CS5) [mm] (UCD pos.cartesian.y;instr;stat.mean)';
COMMENT ON COLUMN {{ schema }}.ztile.tsnr2_gpbdark_b IS 'Squared S/N against the guider-passband (dark) template, b camera (UCD stat.snr;arith.squared;em.opt.B)';
COMMENT ON COLUMN {{ schema }}.ztile.tsnr2_elg_b IS 'Squared S/N against the emission-line-galaxy template, b camera (UCD stat.snr;arith.squared;em.opt.B)';
COMMENT ON COLUMN {{ schema }}.ztile.tsnr2_gpbbright_b IS 'Squared S/N against the guider-passband (bright) template, b camera (UCD stat.snr;arith.squared;em.opt.B)';
COMMENT ON COLUMN {{ schema }}.ztile.tsnr2_lya_b IS 'Squared S/N against the Lyman-alpha quasar template, b camera (UCD stat.snr;arith.squared;em.opt.B)';
COMMENT ON COLUMN {{ schema }}.ztile.tsnr2_bgs_b IS 'Squared S/N against the bright-galaxy template, b camera (UCD stat.snr;arith.squared;em.opt.B)';
COMMENT ON COLUMN {{ schema }}.ztile.tsnr2_gpbbackup_b IS 'Squared S/N against the guider-passband (backup) template, b camera (UCD stat.snr;arith.squared;em.opt.B)';
COMMENT ON COLUMN {{ schema }}.ztile.tsnr2_qso_b IS 'Squared S/N against the quasar template, b camera (UCD stat.snr;arith.squared;em.opt.B)';
COMMENT ON COLUMN {{ schema }}.ztile.tsnr2_lrg_b IS 'Squared S/N against the luminous-red-galaxy template, b camera (UCD stat.snr;arith.squared;em.opt.B)';
COMMENT ON COLUMN {{ schema }}.ztile.tsnr2_gpbdark_r IS 'Squared S/N against the guider-passband (dark) template, r camera (UCD stat.snr;arith.squared;em.opt.R)';
COMMENT ON COLUMN {{ schema }}.ztile.tsnr2_elg_r IS 'Squared S/N against the emission-line-galaxy template, r camera (UCD stat.snr;arith.squared;em.opt.R)';
COMMENT ON COLUMN {{ schema }}.ztile.tsnr2_gpbbright_r IS 'Squared S/N against the guider-passband (bright) template, r camera (UCD stat.snr;arith.squared;em.opt.R)';
COMMENT ON COLUMN {{ schema }}.ztile.tsnr2_lya_r IS 'Squared S/N against the Lyman-alpha quasar template, r camera (UCD stat.snr;arith.squared;em.opt.R)';
COMMENT ON COLUMN {{ schema }}.ztile.tsnr2_bgs_r IS 'Squared S/N against the bright-galaxy template, r camera (UCD stat.snr;arith.squared;em.opt.R)';
COMMENT ON COLUMN {{ schema }}.ztile.tsnr2_gpbbackup_r IS 'Squared S/N against the guider-passband (backup) template, r camera (UCD stat.snr;arith.squared;em.opt.R)';
COMMENT ON COLUMN {{ schema }}.ztile.tsnr2_qso_r IS 'Squared S/N against the quasar template, r camera (UCD stat.snr;arith.squared;em.opt.R)';
COMMENT ON COLUMN {{ schema }}.ztile.tsnr2_lrg_r IS 'Squared S/N against the luminous-red-galaxy template, r camera (UCD stat.snr;arith.squared;em.opt.R)';
COMMENT ON COLUMN {{ schema }}.ztile.tsnr2_gpbdark_z IS 'Squared S/N against the guider-passband (dark) template, z camera (UCD stat.snr;arith.squared;em.opt.I)';
COMMENT ON COLUMN {{ schema }}.ztile.tsnr2_elg_z IS 'Squared S/N against the emission-line-galaxy template, z camera (UCD stat.snr;arith.squared;em.opt.I)';
COMMENT ON COLUMN {{ schema }}.ztile.tsnr2_gpbbright_z IS 'Squared S/N against the guider-passband (bright) template, z camera (UCD stat.snr;arith.squared;em.opt.I)';
COMMENT ON COLUMN {{ schema }}.ztile.tsnr2_lya_z IS 'Squared S/N against the Lyman-alpha quasar template, z camera (UCD stat.snr;arith.squared;em.opt.I)';
COMMENT ON COLUMN {{ schema }}.ztile.tsnr2_bgs_z IS 'Squared S/N against the bright-galaxy template, z camera (UCD stat.snr;arith.squared;em.opt.I)';
COMMENT ON COLUMN {{ schema }}.ztile.tsnr2_gpbbackup_z IS 'Squared S/N against the guider-passband (backup) template, z camera (UCD stat.snr;arith.squared;em.opt.I)';
COMMENT ON COLUMN {{ schema }}.ztile.tsnr2_qso_z IS 'Squared S/N against the quasar template, z camera (UCD stat.snr;arith.squared;em.opt.I)';
COMMENT ON COLUMN {{ schema }}.ztile.tsnr2_lrg_z IS 'Squared S/N against the luminous-red-galaxy template, z camera (UCD stat.snr;arith.squared;em.opt.I)';
COMMENT ON COLUMN {{ schema }}.ztile.tsnr2_gpbdark IS 'Squared S/N against the guider-passband (dark) template, all cameras (UCD stat.snr;arith.squared)';
COMMENT ON COLUMN {{ schema }}.ztile.tsnr2_elg IS 'Squared S/N against the emission-line-galaxy template, all cameras (UCD stat.snr;arith.squared)';
COMMENT ON COLUMN {{ schema }}.ztile.tsnr2_gpbbright IS 'Squared S/N against the guider-passband (bright) template, all cameras (UCD stat.snr;arith.squared)';
COMMENT ON COLUMN {{ schema }}.ztile.tsnr2_lya IS 'Squared S/N against the Lyman-alpha quasar template, all cameras (UCD stat.snr;arith.squared)';
COMMENT ON COLUMN {{ schema }}.ztile.tsnr2_bgs IS 'Squared S/N against the bright-galaxy template, all cameras (UCD stat.snr;arith.squared)';
COMMENT ON COLUMN {{ schema }}.ztile.tsnr2_gpbbackup IS 'Squared S/N against the guider-passband (backup) template, all cameras (UCD stat.snr;arith.squared)';
COMMENT ON COLUMN {{ schema }}.ztile.tsnr2_qso IS 'Squared S/N against the quasar template, all cameras (UCD stat.snr;arith.squared)';
COMMENT ON COLUMN {{ schema }}.ztile.tsnr2_lrg IS 'Squared S/N against the luminous-red-galaxy template, all cameras (UCD stat.snr;arith.squared)';
COMMENT ON COLUMN {{ schema }}.ztile.sv_nspec IS 'Number of coadds of this TARGETID within sv1+sv2+sv3 (UCD meta.number;spect)';
COMMENT ON COLUMN {{ schema }}.ztile.sv_primary IS 'True for the best coadd of this TARGETID within sv1+sv2+sv3 (UCD meta.code.status)';
COMMENT ON COLUMN {{ schema }}.ztile.main_nspec IS 'Number of coadds of this TARGETID within the main survey (UCD meta.number;spect)';
COMMENT ON COLUMN {{ schema }}.ztile.main_primary IS 'True for the best coadd of this TARGETID within the main survey (UCD meta.code.status)';
COMMENT ON COLUMN {{ schema }}.ztile.zcat_nspec IS 'Number of coadds of this TARGETID within the whole catalogue (UCD meta.number;spect)';
COMMENT ON COLUMN {{ schema }}.ztile.zcat_primary IS 'True for the best coadd of this TARGETID within the whole catalogue (UCD meta.code.status)';
COMMENT ON COLUMN {{ schema }}.ztile.firstnight IS 'Earliest night contributing to the tile/coadd (UCD time.epoch;stat.min)';
COMMENT ON COLUMN {{ schema }}.ztile.lastnight IS 'Latest night contributing to the tile/coadd (UCD time.epoch;stat.max)';
COMMENT ON COLUMN {{ schema }}.ztile.min_mjd IS 'First MJD in the coadd [d] (UCD time.epoch;stat.min)';
COMMENT ON COLUMN {{ schema }}.ztile.mean_mjd IS 'Mean MJD of the coadd [d] (UCD time.epoch;stat.mean)';
COMMENT ON COLUMN {{ schema }}.ztile.max_mjd IS 'Last MJD in the coadd [d] (UCD time.epoch;stat.max)';
{% if optional %}{% import 'zcatalog_v2.jinja' as v2 %}{{ v2.comments(v2.ZTILE, optional, schema, 'ztile') }}{% endif %}{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.ztile TO {{ role }};
{% endfor %}
{% endblock %}
