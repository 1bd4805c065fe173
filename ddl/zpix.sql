-- zpix: one row per (TARGETID, survey, program), from zall-pix files.

{% block table %}
{% import 'partitions.jinja' as partitioning %}
CREATE TABLE IF NOT EXISTS {{ schema }}.zpix (
    id                         numeric(39) NOT NULL,
    targetid                   bigint NOT NULL,
    desiname                   varchar(22) NOT NULL,
    survey                     varchar(7) NOT NULL,
    program                    varchar(8) NOT NULL,
    spgrp                      varchar(10) NOT NULL,
    spgrpval                   integer NOT NULL,
    healpix                    integer NOT NULL,
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
    cmx_target                 bigint NOT NULL,
    desi_target                bigint NOT NULL,
    bgs_target                 bigint NOT NULL,
    mws_target                 bigint NOT NULL,
    scnd_target                bigint NOT NULL,
    sv1_desi_target            bigint NOT NULL,
    sv1_bgs_target             bigint NOT NULL,
    sv1_mws_target             bigint NOT NULL,
    sv1_scnd_target            bigint NOT NULL,
    sv2_desi_target            bigint NOT NULL,
    sv2_bgs_target             bigint NOT NULL,
    sv2_mws_target             bigint NOT NULL,
    sv2_scnd_target            bigint NOT NULL,
    sv3_desi_target            bigint NOT NULL,
    sv3_bgs_target             bigint NOT NULL,
    sv3_mws_target             bigint NOT NULL,
    sv3_scnd_target            bigint NOT NULL,
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
    min_mjd                    double precision NOT NULL,
    mean_mjd                   double precision NOT NULL,
    max_mjd                    double precision NOT NULL{% if optional %}{% import 'zcatalog_v2.jinja' as v2 %}{{ v2.columns(v2.ZPIX, optional) }}{% endif %}

){{ partitioning.by_targetid(partitions) }};
-- As it is, not packed: sorts and joins would unpack it for each comparison.
ALTER TABLE {{ schema }}.zpix ALTER COLUMN id SET STORAGE PLAIN;
{{ partitioning.parts(partitions, schema, 'zpix') }}{% endblock %}

{% block distribution %}
{% import 'partitions.jinja' as partitioning %}
{{ partitioning.distributed(partitions, schema, 'zpix') }}{% endblock %}

{% block keys %}
{% if partitions == 1 %}
CREATE UNIQUE INDEX IF NOT EXISTS zpix_pkey ON {{ schema }}.zpix (id);
ALTER TABLE {{ schema }}.zpix ADD CONSTRAINT zpix_pkey PRIMARY KEY USING INDEX zpix_pkey;
{% else %}
ALTER TABLE {{ schema }}.zpix ADD CONSTRAINT zpix_pkey PRIMARY KEY (targetid, id);
{% endif %}
{% endblock %}

{% block indexes %}
CREATE UNIQUE INDEX IF NOT EXISTS ix_zpix_unique ON {{ schema }}.zpix (targetid, survey, program);
CREATE INDEX IF NOT EXISTS ix_zpix_desiname ON {{ schema }}.zpix (desiname);
CREATE INDEX IF NOT EXISTS ix_zpix_healpix ON {{ schema }}.zpix (healpix);
CREATE INDEX IF NOT EXISTS ix_zpix_program ON {{ schema }}.zpix (program);
CREATE INDEX IF NOT EXISTS ix_zpix_spectype ON {{ schema }}.zpix (spectype);
CREATE INDEX IF NOT EXISTS ix_zpix_spgrp ON {{ schema }}.zpix (spgrp);
CREATE INDEX IF NOT EXISTS ix_zpix_spgrpval ON {{ schema }}.zpix (spgrpval);
CREATE INDEX IF NOT EXISTS ix_zpix_subtype ON {{ schema }}.zpix (subtype);
CREATE INDEX IF NOT EXISTS ix_zpix_survey ON {{ schema }}.zpix (survey);
{% if partitions == 1 %}
CREATE INDEX IF NOT EXISTS ix_zpix_targetid ON {{ schema }}.zpix (targetid);
{% else %}
CREATE INDEX IF NOT EXISTS ix_zpix_id ON {{ schema }}.zpix (id);
{% endif %}
CREATE INDEX IF NOT EXISTS ix_zpix_z ON {{ schema }}.zpix (z);
CREATE INDEX IF NOT EXISTS ix_zpix_zwarn ON {{ schema }}.zpix (zwarn);
{% if optional %}{% import 'zcatalog_v2.jinja' as v2 %}{{ v2.indexes(v2.ZPIX, optional, schema, 'zpix') }}{% endif %}{% endblock %}

{% block foreign_keys %}
{% import 'partitions.jinja' as partitioning %}
ALTER TABLE {{ schema }}.zpix ADD CONSTRAINT zpix_targetid_fkey FOREIGN KEY (targetid) REFERENCES {{ schema }}.photometry (targetid){{ partitioning.not_valid(partitions) }};
{% endblock %}

{% block validation %}
{% if partitions == 1 %}
ALTER TABLE {{ schema }}.zpix VALIDATE CONSTRAINT zpix_targetid_fkey;
{% endif %}
{% endblock %}

{% block q3c %}
{% if 'target_ra' in optional %}
CREATE INDEX IF NOT EXISTS ix_zpix_q3c_ang2ipix ON {{ schema }}.zpix ({{ q3c }}.q3c_ang2ipix(target_ra, target_dec));
{% endif %}
{% endblock %}

{% block comments %}
COMMENT ON TABLE {{ schema }}.zpix IS 'Redshifts of spectra coadded per HEALPixel over all exposures of one survey and program';
COMMENT ON COLUMN {{ schema }}.zpix.id IS '128-bit key of program, survey and target (UCD meta.record)';
COMMENT ON COLUMN {{ schema }}.zpix.targetid IS '64-bit DESI object identifier (bit-packed) (UCD meta.id;meta.main)';
COMMENT ON COLUMN {{ schema }}.zpix.desiname IS 'Readable sky-position name, 22 characters (UCD meta.id)';
COMMENT ON COLUMN {{ schema }}.zpix.survey IS 'Survey phase: cmx, special, sv1, sv2, sv3 or main (UCD meta.code.class;obs)';
COMMENT ON COLUMN {{ schema }}.zpix.program IS 'Observing program: backup, bright, dark or other (newer: bright1b, dark1b) (UCD meta.code.class;obs)';
COMMENT ON COLUMN {{ schema }}.zpix.spgrp IS 'Way the spectra are grouped (healpix, cumulative, ...); uniqpix: by HEALPixels of several sizes (UCD meta.code.class)';
COMMENT ON COLUMN {{ schema }}.zpix.spgrpval IS 'Value of the grouping: pixel, night or exposure number; of uniqpix the pixel + 4 nside^2 (UCD meta.id.part)';
COMMENT ON COLUMN {{ schema }}.zpix.healpix IS 'HEALPixel of the coadd (nside 64, nested) (UCD pos.healpix)';
COMMENT ON COLUMN {{ schema }}.zpix.z IS 'Redshift from Redrock (UCD src.redshift)';
COMMENT ON COLUMN {{ schema }}.zpix.zerr IS 'Redshift uncertainty (UCD stat.error;src.redshift)';
COMMENT ON COLUMN {{ schema }}.zpix.zwarn IS 'Redrock warning bitmask, 0 is good (UCD meta.code.qual;src.redshift)';
COMMENT ON COLUMN {{ schema }}.zpix.chi2 IS 'Chi-squared of the best fit (UCD stat.fit.chi2)';
COMMENT ON COLUMN {{ schema }}.zpix.coeff_0 IS 'Redrock template coefficient 0 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.zpix.coeff_1 IS 'Redrock template coefficient 1 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.zpix.coeff_2 IS 'Redrock template coefficient 2 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.zpix.coeff_3 IS 'Redrock template coefficient 3 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.zpix.coeff_4 IS 'Redrock template coefficient 4 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.zpix.coeff_5 IS 'Redrock template coefficient 5 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.zpix.coeff_6 IS 'Redrock template coefficient 6 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.zpix.coeff_7 IS 'Redrock template coefficient 7 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.zpix.coeff_8 IS 'Redrock template coefficient 8 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.zpix.coeff_9 IS 'Redrock template coefficient 9 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.zpix.npixels IS 'Pixels used in the fit (UCD meta.number;instr.pixel)';
COMMENT ON COLUMN {{ schema }}.zpix.spectype IS 'Best-fit class: GALAXY, QSO, STAR (UCD src.class)';
COMMENT ON COLUMN {{ schema }}.zpix.subtype IS 'Sub-class (stars mostly), often blank (UCD src.spType)';
COMMENT ON COLUMN {{ schema }}.zpix.ncoeff IS 'Number of template coefficients in use (UCD meta.number;stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.zpix.deltachi2 IS 'Chi-squared gap to the second-best fit (UCD stat.fit.chi2;arith.diff)';
COMMENT ON COLUMN {{ schema }}.zpix.coadd_fiberstatus IS 'AND of FIBERSTATUS over the exposures used (OR if none is usable) (UCD meta.code.status;instr)';
COMMENT ON COLUMN {{ schema }}.zpix.cmx_target IS 'Commissioning target-selection bitmask (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.zpix.desi_target IS 'Dark-time target-selection bitmask of the main survey (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.zpix.bgs_target IS 'Bright-galaxy target-selection bitmask of the main survey (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.zpix.mws_target IS 'Milky-Way target-selection bitmask of the main survey (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.zpix.scnd_target IS 'Secondary target-selection bitmask of the main survey (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.zpix.sv1_desi_target IS 'Dark-time target-selection bitmask of sv1 (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.zpix.sv1_bgs_target IS 'Bright-galaxy target-selection bitmask of sv1 (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.zpix.sv1_mws_target IS 'Milky-Way target-selection bitmask of sv1 (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.zpix.sv1_scnd_target IS 'Secondary target-selection bitmask of sv1 (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.zpix.sv2_desi_target IS 'Dark-time target-selection bitmask of sv2 (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.zpix.sv2_bgs_target IS 'Bright-galaxy target-selection bitmask of sv2 (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.zpix.sv2_mws_target IS 'Milky-Way target-selection bitmask of sv2 (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.zpix.sv2_scnd_target IS 'Secondary target-selection bitmask of sv2 (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.zpix.sv3_desi_target IS 'Dark-time target-selection bitmask of sv3 (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.zpix.sv3_bgs_target IS 'Bright-galaxy target-selection bitmask of sv3 (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.zpix.sv3_mws_target IS 'Milky-Way target-selection bitmask of sv3 (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.zpix.sv3_scnd_target IS 'Secondary target-selection bitmask of sv3 (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.zpix.coadd_numexp IS 'Exposures in the coadd (UCD meta.number;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.zpix.coadd_exptime IS 'Total exposure time of the coadd [s] (UCD time.duration;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.zpix.coadd_numnight IS 'Nights in the coadd (UCD meta.number;obs)';
COMMENT ON COLUMN {{ schema }}.zpix.coadd_numtile IS 'Tiles in the coadd (UCD meta.number;obs.field)';
COMMENT ON COLUMN {{ schema }}.zpix.mean_delta_x IS 'Mean X offset requested minus actual [mm] (UCD pos.cartesian.x;arith.diff;stat.mean)';
COMMENT ON COLUMN {{ schema }}.zpix.rms_delta_x IS 'RMS X offset [mm] (UCD stat.stdev;pos.cartesian.x)';
COMMENT ON COLUMN {{ schema }}.zpix.mean_delta_y IS 'Mean Y offset requested minus actual [mm] (UCD pos.cartesian.y;arith.diff;stat.mean)';
COMMENT ON COLUMN {{ schema }}.zpix.rms_delta_y IS 'RMS Y offset [mm] (UCD stat.stdev;pos.cartesian.y)';
COMMENT ON COLUMN {{ schema }}.zpix.mean_fiber_ra IS 'Mean RA of the fibre [deg] (UCD pos.eq.ra;instr;stat.mean)';
COMMENT ON COLUMN {{ schema }}.zpix.std_fiber_ra IS 'Scatter of the fibre RA (cos dec applied) [arcsec] (UCD stat.stdev;pos.eq.ra;instr)';
COMMENT ON COLUMN {{ schema }}.zpix.mean_fiber_dec IS 'Mean Dec of the fibre [deg] (UCD pos.eq.dec;instr;stat.mean)';
COMMENT ON COLUMN {{ schema }}.zpix.std_fiber_dec IS 'Scatter of the fibre Dec [arcsec] (UCD stat.stdev;pos.eq.dec;instr)';
COMMENT ON COLUMN {{ schema }}.zpix.mean_psf_to_fiber_specflux IS 'Mean fraction of point-source light captured by the fibre (UCD phys.transmission;instr;stat.mean)';
COMMENT ON COLUMN {{ schema }}.zpix.tsnr2_gpbdark_b IS 'Squared S/N against the guider-passband (dark) template, b camera (UCD stat.snr;arith.squared;em.opt.B)';
COMMENT ON COLUMN {{ schema }}.zpix.tsnr2_elg_b IS 'Squared S/N against the emission-line-galaxy template, b camera (UCD stat.snr;arith.squared;em.opt.B)';
COMMENT ON COLUMN {{ schema }}.zpix.tsnr2_gpbbright_b IS 'Squared S/N against the guider-passband (bright) template, b camera (UCD stat.snr;arith.squared;em.opt.B)';
COMMENT ON COLUMN {{ schema }}.zpix.tsnr2_lya_b IS 'Squared S/N against the Lyman-alpha quasar template, b camera (UCD stat.snr;arith.squared;em.opt.B)';
COMMENT ON COLUMN {{ schema }}.zpix.tsnr2_bgs_b IS 'Squared S/N against the bright-galaxy template, b camera (UCD stat.snr;arith.squared;em.opt.B)';
COMMENT ON COLUMN {{ schema }}.zpix.tsnr2_gpbbackup_b IS 'Squared S/N against the guider-passband (backup) template, b camera (UCD stat.snr;arith.squared;em.opt.B)';
COMMENT ON COLUMN {{ schema }}.zpix.tsnr2_qso_b IS 'Squared S/N against the quasar template, b camera (UCD stat.snr;arith.squared;em.opt.B)';
COMMENT ON COLUMN {{ schema }}.zpix.tsnr2_lrg_b IS 'Squared S/N against the luminous-red-galaxy template, b camera (UCD stat.snr;arith.squared;em.opt.B)';
COMMENT ON COLUMN {{ schema }}.zpix.tsnr2_gpbdark_r IS 'Squared S/N against the guider-passband (dark) template, r camera (UCD stat.snr;arith.squared;em.opt.R)';
COMMENT ON COLUMN {{ schema }}.zpix.tsnr2_elg_r IS 'Squared S/N against the emission-line-galaxy template, r camera (UCD stat.snr;arith.squared;em.opt.R)';
COMMENT ON COLUMN {{ schema }}.zpix.tsnr2_gpbbright_r IS 'Squared S/N against the guider-passband (bright) template, r camera (UCD stat.snr;arith.squared;em.opt.R)';
COMMENT ON COLUMN {{ schema }}.zpix.tsnr2_lya_r IS 'Squared S/N against the Lyman-alpha quasar template, r camera (UCD stat.snr;arith.squared;em.opt.R)';
COMMENT ON COLUMN {{ schema }}.zpix.tsnr2_bgs_r IS 'Squared S/N against the bright-galaxy template, r camera (UCD stat.snr;arith.squared;em.opt.R)';
COMMENT ON COLUMN {{ schema }}.zpix.tsnr2_gpbbackup_r IS 'Squared S/N against the guider-passband (backup) template, r camera (UCD stat.snr;arith.squared;em.opt.R)';
COMMENT ON COLUMN {{ schema }}.zpix.tsnr2_qso_r IS 'Squared S/N against the quasar template, r camera (UCD stat.snr;arith.squared;em.opt.R)';
COMMENT ON COLUMN {{ schema }}.zpix.tsnr2_lrg_r IS 'Squared S/N against the luminous-red-galaxy template, r camera (UCD stat.snr;arith.squared;em.opt.R)';
COMMENT ON COLUMN {{ schema }}.zpix.tsnr2_gpbdark_z IS 'Squared S/N against the guider-passband (dark) template, z camera (UCD stat.snr;arith.squared;em.opt.I)';
COMMENT ON COLUMN {{ schema }}.zpix.tsnr2_elg_z IS 'Squared S/N against the emission-line-galaxy template, z camera (UCD stat.snr;arith.squared;em.opt.I)';
COMMENT ON COLUMN {{ schema }}.zpix.tsnr2_gpbbright_z IS 'Squared S/N against the guider-passband (bright) template, z camera (UCD stat.snr;arith.squared;em.opt.I)';
COMMENT ON COLUMN {{ schema }}.zpix.tsnr2_lya_z IS 'Squared S/N against the Lyman-alpha quasar template, z camera (UCD stat.snr;arith.squared;em.opt.I)';
COMMENT ON COLUMN {{ schema }}.zpix.tsnr2_bgs_z IS 'Squared S/N against the bright-galaxy template, z camera (UCD stat.snr;arith.squared;em.opt.I)';
COMMENT ON COLUMN {{ schema }}.zpix.tsnr2_gpbbackup_z IS 'Squared S/N against the guider-passband (backup) template, z camera (UCD stat.snr;arith.squared;em.opt.I)';
COMMENT ON COLUMN {{ schema }}.zpix.tsnr2_qso_z IS 'Squared S/N against the quasar template, z camera (UCD stat.snr;arith.squared;em.opt.I)';
COMMENT ON COLUMN {{ schema }}.zpix.tsnr2_lrg_z IS 'Squared S/N against the luminous-red-galaxy template, z camera (UCD stat.snr;arith.squared;em.opt.I)';
COMMENT ON COLUMN {{ schema }}.zpix.tsnr2_gpbdark IS 'Squared S/N against the guider-passband (dark) template, all cameras (UCD stat.snr;arith.squared)';
COMMENT ON COLUMN {{ schema }}.zpix.tsnr2_elg IS 'Squared S/N against the emission-line-galaxy template, all cameras (UCD stat.snr;arith.squared)';
COMMENT ON COLUMN {{ schema }}.zpix.tsnr2_gpbbright IS 'Squared S/N against the guider-passband (bright) template, all cameras (UCD stat.snr;arith.squared)';
COMMENT ON COLUMN {{ schema }}.zpix.tsnr2_lya IS 'Squared S/N against the Lyman-alpha quasar template, all cameras (UCD stat.snr;arith.squared)';
COMMENT ON COLUMN {{ schema }}.zpix.tsnr2_bgs IS 'Squared S/N against the bright-galaxy template, all cameras (UCD stat.snr;arith.squared)';
COMMENT ON COLUMN {{ schema }}.zpix.tsnr2_gpbbackup IS 'Squared S/N against the guider-passband (backup) template, all cameras (UCD stat.snr;arith.squared)';
COMMENT ON COLUMN {{ schema }}.zpix.tsnr2_qso IS 'Squared S/N against the quasar template, all cameras (UCD stat.snr;arith.squared)';
COMMENT ON COLUMN {{ schema }}.zpix.tsnr2_lrg IS 'Squared S/N against the luminous-red-galaxy template, all cameras (UCD stat.snr;arith.squared)';
COMMENT ON COLUMN {{ schema }}.zpix.sv_nspec IS 'Number of coadds of this TARGETID within sv1+sv2+sv3 (UCD meta.number;spect)';
COMMENT ON COLUMN {{ schema }}.zpix.sv_primary IS 'True for the best coadd of this TARGETID within sv1+sv2+sv3 (UCD meta.code.status)';
COMMENT ON COLUMN {{ schema }}.zpix.main_nspec IS 'Number of coadds of this TARGETID within the main survey (UCD meta.number;spect)';
COMMENT ON COLUMN {{ schema }}.zpix.main_primary IS 'True for the best coadd of this TARGETID within the main survey (UCD meta.code.status)';
COMMENT ON COLUMN {{ schema }}.zpix.zcat_nspec IS 'Number of coadds of this TARGETID within the whole catalogue (UCD meta.number;spect)';
COMMENT ON COLUMN {{ schema }}.zpix.zcat_primary IS 'True for the best coadd of this TARGETID within the whole catalogue (UCD meta.code.status)';
COMMENT ON COLUMN {{ schema }}.zpix.min_mjd IS 'First MJD in the coadd [d] (UCD time.epoch;stat.min)';
COMMENT ON COLUMN {{ schema }}.zpix.mean_mjd IS 'Mean MJD of the coadd [d] (UCD time.epoch;stat.mean)';
COMMENT ON COLUMN {{ schema }}.zpix.max_mjd IS 'Last MJD in the coadd [d] (UCD time.epoch;stat.max)';
{% if optional %}{% import 'zcatalog_v2.jinja' as v2 %}{{ v2.comments(v2.ZPIX, optional, schema, 'zpix') }}{% endif %}{% if 'zcatalog_v2' in optional %}
{% for mask in ('desi', 'bgs', 'mws', 'scnd') %}
COMMENT ON COLUMN {{ schema }}.zpix.{{ mask }}_target IS '{{ {'desi': 'Dark-time', 'bgs': 'Bright-galaxy', 'mws': 'Milky-Way', 'scnd': 'Secondary'}[mask] }} target-selection bitmask of the main survey; 0 where survey is special (UCD meta.code.member)';
{% endfor %}
{% endif %}
{% if 'uniqpix' in optional %}
COMMENT ON COLUMN {{ schema }}.zpix.healpix IS 'HEALPixel of the coadd, nested, at nside (UCD pos.healpix)';
{% endif %}
{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.zpix TO {{ role }};
{% endfor %}
{% endblock %}
