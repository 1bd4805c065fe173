-- photometry: one row per TARGETID, from tractorphot files, then from targetphot files.

{% block table %}
{% import 'partitions.jinja' as partitioning %}
CREATE TABLE IF NOT EXISTS {{ schema }}.photometry (
    ls_id                             bigint NOT NULL,
    release                           smallint NOT NULL,
    brickid                           integer NOT NULL,
    brickname                         varchar(8) NOT NULL,
    brick_objid                       integer NOT NULL,
    morphtype                         varchar(4) NOT NULL,
    ra                                double precision NOT NULL,
    ra_ivar                           real NOT NULL,
    dec                               double precision NOT NULL,
    dec_ivar                          real NOT NULL,
    dchisq_psf                        real NOT NULL,
    dchisq_rex                        real NOT NULL,
    dchisq_dev                        real NOT NULL,
    dchisq_exp                        real NOT NULL,
    dchisq_ser                        real NOT NULL,
    ebv                               real NOT NULL,
    flux_g                            real NOT NULL,
    flux_r                            real NOT NULL,
    flux_z                            real NOT NULL,
    flux_ivar_g                       real NOT NULL,
    flux_ivar_r                       real NOT NULL,
    flux_ivar_z                       real NOT NULL,
    mw_transmission_g                 real NOT NULL,
    mw_transmission_r                 real NOT NULL,
    mw_transmission_z                 real NOT NULL,
    fracflux_g                        real NOT NULL,
    fracflux_r                        real NOT NULL,
    fracflux_z                        real NOT NULL,
    fracmasked_g                      real NOT NULL,
    fracmasked_r                      real NOT NULL,
    fracmasked_z                      real NOT NULL,
    fracin_g                          real NOT NULL,
    fracin_r                          real NOT NULL,
    fracin_z                          real NOT NULL,
    nobs_g                            smallint NOT NULL,
    nobs_r                            smallint NOT NULL,
    nobs_z                            smallint NOT NULL,
    psfdepth_g                        real NOT NULL,
    psfdepth_r                        real NOT NULL,
    psfdepth_z                        real NOT NULL,
    galdepth_g                        real NOT NULL,
    galdepth_r                        real NOT NULL,
    galdepth_z                        real NOT NULL,
    flux_w1                           real NOT NULL,
    flux_w2                           real NOT NULL,
    flux_w3                           real NOT NULL,
    flux_w4                           real NOT NULL,
    flux_ivar_w1                      real NOT NULL,
    flux_ivar_w2                      real NOT NULL,
    flux_ivar_w3                      real NOT NULL,
    flux_ivar_w4                      real NOT NULL,
    mw_transmission_w1                real NOT NULL,
    mw_transmission_w2                real NOT NULL,
    mw_transmission_w3                real NOT NULL,
    mw_transmission_w4                real NOT NULL,
    allmask_g                         smallint NOT NULL,
    allmask_r                         smallint NOT NULL,
    allmask_z                         smallint NOT NULL,
    fiberflux_g                       real NOT NULL,
    fiberflux_r                       real NOT NULL,
    fiberflux_z                       real NOT NULL,
    fibertotflux_g                    real NOT NULL,
    fibertotflux_r                    real NOT NULL,
    fibertotflux_z                    real NOT NULL,
    ref_epoch                         real NOT NULL,
    wisemask_w1                       smallint NOT NULL,
    wisemask_w2                       smallint NOT NULL,
    maskbits                          integer NOT NULL,
    shape_r                           real NOT NULL,
    shape_e1                          real NOT NULL,
    shape_e2                          real NOT NULL,
    shape_r_ivar                      real NOT NULL,
    shape_e1_ivar                     real NOT NULL,
    shape_e2_ivar                     real NOT NULL,
    sersic                            real NOT NULL,
    sersic_ivar                       real NOT NULL,
    ref_id                            bigint NOT NULL,
    ref_cat                           varchar(2) NOT NULL,
    gaia_phot_g_mean_mag              real NOT NULL,
    gaia_phot_g_mean_flux_over_error  real NOT NULL,
    gaia_phot_bp_mean_mag             real NOT NULL,
    gaia_phot_bp_mean_flux_over_error real NOT NULL,
    gaia_phot_rp_mean_mag             real NOT NULL,
    gaia_phot_rp_mean_flux_over_error real NOT NULL,
    gaia_phot_bp_rp_excess_factor     real NOT NULL,
    gaia_duplicated_source            boolean NOT NULL,
    gaia_astrometric_sigma5d_max      real NOT NULL,
    gaia_astrometric_params_solved    smallint NOT NULL,
    parallax                          real NOT NULL,
    parallax_ivar                     real NOT NULL,
    pmra                              real NOT NULL,
    pmra_ivar                         real NOT NULL,
    pmdec                             real NOT NULL,
    pmdec_ivar                        real NOT NULL,
    targetid                          bigint NOT NULL
{%- if optional %}{% import 'legacy_survey_dr10.jinja' as dr10 %}{% for name, type, comment in dr10.COLUMNS if name in optional %},
    {{ '%-33s' | format(name) }} {{ type }} NOT NULL
{%- endfor %}{% endif %}

){{ partitioning.by_targetid(partitions) }};
{{ partitioning.parts(partitions, schema, 'photometry') }}{% endblock %}

{% block distribution %}
{% import 'partitions.jinja' as partitioning %}
{{ partitioning.distributed(partitions, schema, 'photometry') }}{% endblock %}

{% block keys %}
{% if partitions == 1 %}
CREATE UNIQUE INDEX IF NOT EXISTS photometry_pkey ON {{ schema }}.photometry (targetid);
ALTER TABLE {{ schema }}.photometry ADD CONSTRAINT photometry_pkey PRIMARY KEY USING INDEX photometry_pkey;
{% else %}
ALTER TABLE {{ schema }}.photometry ADD CONSTRAINT photometry_pkey PRIMARY KEY (targetid);
{% endif %}
{% endblock %}

{% block indexes %}
CREATE INDEX IF NOT EXISTS ix_photometry_ls_id ON {{ schema }}.photometry (ls_id);
{% endblock %}

{% block q3c %}
CREATE INDEX IF NOT EXISTS ix_photometry_q3c_ang2ipix ON {{ schema }}.photometry ({{ q3c }}.q3c_ang2ipix(ra, dec));
{% endblock %}

{% block cluster %}
{% if partitions == 1 %}
CLUSTER {{ schema }}.photometry USING ix_photometry_q3c_ang2ipix;
{% endif %}
{% endblock %}

{% block comments %}
COMMENT ON TABLE {{ schema }}.photometry IS 'Imaging photometry of every potential target, one row per TARGETID: the Legacy Surveys Tractor row (DR9 or DR10) where there is one, else the row of the targeting catalog';
COMMENT ON COLUMN {{ schema }}.photometry.ls_id IS 'Legacy Surveys object id = release<<40 | brickid<<16 | objid (UCD meta.id.cross)';
COMMENT ON COLUMN {{ schema }}.photometry.release IS 'Legacy Surveys release number (UCD meta.version)';
COMMENT ON COLUMN {{ schema }}.photometry.brickid IS 'Legacy Surveys brick number (UCD meta.id.part)';
COMMENT ON COLUMN {{ schema }}.photometry.brickname IS 'Legacy Surveys brick name (blank if none) (UCD meta.id.part)';
COMMENT ON COLUMN {{ schema }}.photometry.brick_objid IS 'Object number within the brick (UCD meta.id.part)';
COMMENT ON COLUMN {{ schema }}.photometry.morphtype IS 'Tractor morphology code (PSF, REX, DEV, EXP, SER, DUP, GPSF, ...) (UCD src.morph.type)';
COMMENT ON COLUMN {{ schema }}.photometry.ra IS 'Right ascension [deg] (UCD pos.eq.ra;meta.main)';
COMMENT ON COLUMN {{ schema }}.photometry.ra_ivar IS 'Inverse variance of the right ascension [deg^-2] (UCD stat.weight;pos.eq.ra)';
COMMENT ON COLUMN {{ schema }}.photometry.dec IS 'Declination [deg] (UCD pos.eq.dec;meta.main)';
COMMENT ON COLUMN {{ schema }}.photometry.dec_ivar IS 'Inverse variance of the declination [deg^-2] (UCD stat.weight;pos.eq.dec)';
COMMENT ON COLUMN {{ schema }}.photometry.dchisq_psf IS 'Chi-squared gain of the PSF model over no source (UCD stat.fit.chi2;arith.diff)';
COMMENT ON COLUMN {{ schema }}.photometry.dchisq_rex IS 'Chi-squared gain of the REX model over no source (UCD stat.fit.chi2;arith.diff)';
COMMENT ON COLUMN {{ schema }}.photometry.dchisq_dev IS 'Chi-squared gain of the DEV model over no source (UCD stat.fit.chi2;arith.diff)';
COMMENT ON COLUMN {{ schema }}.photometry.dchisq_exp IS 'Chi-squared gain of the EXP model over no source (UCD stat.fit.chi2;arith.diff)';
COMMENT ON COLUMN {{ schema }}.photometry.dchisq_ser IS 'Chi-squared gain of the SER model over no source (UCD stat.fit.chi2;arith.diff)';
COMMENT ON COLUMN {{ schema }}.photometry.ebv IS 'Galactic reddening E(B-V), SFD98 map [mag] (UCD phot.color.excess)';
COMMENT ON COLUMN {{ schema }}.photometry.flux_g IS 'Total model flux, g [nanomaggy] (UCD phot.flux;em.opt.B)';
COMMENT ON COLUMN {{ schema }}.photometry.flux_r IS 'Total model flux, r [nanomaggy] (UCD phot.flux;em.opt.R)';
COMMENT ON COLUMN {{ schema }}.photometry.flux_z IS 'Total model flux, z [nanomaggy] (UCD phot.flux;em.opt.I)';
COMMENT ON COLUMN {{ schema }}.photometry.flux_ivar_g IS 'Inverse variance of the g flux [nanomaggy^-2] (UCD stat.weight;phot.flux;em.opt.B)';
COMMENT ON COLUMN {{ schema }}.photometry.flux_ivar_r IS 'Inverse variance of the r flux [nanomaggy^-2] (UCD stat.weight;phot.flux;em.opt.R)';
COMMENT ON COLUMN {{ schema }}.photometry.flux_ivar_z IS 'Inverse variance of the z flux [nanomaggy^-2] (UCD stat.weight;phot.flux;em.opt.I)';
COMMENT ON COLUMN {{ schema }}.photometry.mw_transmission_g IS 'Milky Way dust transmission (0-1), g (UCD phys.transmission;em.opt.B)';
COMMENT ON COLUMN {{ schema }}.photometry.mw_transmission_r IS 'Milky Way dust transmission (0-1), r (UCD phys.transmission;em.opt.R)';
COMMENT ON COLUMN {{ schema }}.photometry.mw_transmission_z IS 'Milky Way dust transmission (0-1), z (UCD phys.transmission;em.opt.I)';
COMMENT ON COLUMN {{ schema }}.photometry.fracflux_g IS 'Neighbour flux over own flux, g (UCD phot.flux;arith.ratio;em.opt.B)';
COMMENT ON COLUMN {{ schema }}.photometry.fracflux_r IS 'Neighbour flux over own flux, r (UCD phot.flux;arith.ratio;em.opt.R)';
COMMENT ON COLUMN {{ schema }}.photometry.fracflux_z IS 'Neighbour flux over own flux, z (UCD phot.flux;arith.ratio;em.opt.I)';
COMMENT ON COLUMN {{ schema }}.photometry.fracmasked_g IS 'Profile-weighted masked-pixel fraction, g (UCD stat.filling;em.opt.B)';
COMMENT ON COLUMN {{ schema }}.photometry.fracmasked_r IS 'Profile-weighted masked-pixel fraction, r (UCD stat.filling;em.opt.R)';
COMMENT ON COLUMN {{ schema }}.photometry.fracmasked_z IS 'Profile-weighted masked-pixel fraction, z (UCD stat.filling;em.opt.I)';
COMMENT ON COLUMN {{ schema }}.photometry.fracin_g IS 'Fraction of the flux inside the blob, g (UCD stat.filling;em.opt.B)';
COMMENT ON COLUMN {{ schema }}.photometry.fracin_r IS 'Fraction of the flux inside the blob, r (UCD stat.filling;em.opt.R)';
COMMENT ON COLUMN {{ schema }}.photometry.fracin_z IS 'Fraction of the flux inside the blob, z (UCD stat.filling;em.opt.I)';
COMMENT ON COLUMN {{ schema }}.photometry.nobs_g IS 'Images at the central pixel, g (UCD meta.number;obs.image;em.opt.B)';
COMMENT ON COLUMN {{ schema }}.photometry.nobs_r IS 'Images at the central pixel, r (UCD meta.number;obs.image;em.opt.R)';
COMMENT ON COLUMN {{ schema }}.photometry.nobs_z IS 'Images at the central pixel, z (UCD meta.number;obs.image;em.opt.I)';
COMMENT ON COLUMN {{ schema }}.photometry.psfdepth_g IS 'Point-source depth as inverse variance, g [nanomaggy^-2] (UCD stat.weight;phot.flux;em.opt.B)';
COMMENT ON COLUMN {{ schema }}.photometry.psfdepth_r IS 'Point-source depth as inverse variance, r [nanomaggy^-2] (UCD stat.weight;phot.flux;em.opt.R)';
COMMENT ON COLUMN {{ schema }}.photometry.psfdepth_z IS 'Point-source depth as inverse variance, z [nanomaggy^-2] (UCD stat.weight;phot.flux;em.opt.I)';
COMMENT ON COLUMN {{ schema }}.photometry.galdepth_g IS 'Galaxy depth as inverse variance, g [nanomaggy^-2] (UCD stat.weight;phot.flux;em.opt.B)';
COMMENT ON COLUMN {{ schema }}.photometry.galdepth_r IS 'Galaxy depth as inverse variance, r [nanomaggy^-2] (UCD stat.weight;phot.flux;em.opt.R)';
COMMENT ON COLUMN {{ schema }}.photometry.galdepth_z IS 'Galaxy depth as inverse variance, z [nanomaggy^-2] (UCD stat.weight;phot.flux;em.opt.I)';
COMMENT ON COLUMN {{ schema }}.photometry.flux_w1 IS 'Total model flux, WISE W1 [nanomaggy] (UCD phot.flux;em.IR.3-4um)';
COMMENT ON COLUMN {{ schema }}.photometry.flux_w2 IS 'Total model flux, WISE W2 [nanomaggy] (UCD phot.flux;em.IR.4-8um)';
COMMENT ON COLUMN {{ schema }}.photometry.flux_w3 IS 'Total model flux, WISE W3 [nanomaggy] (UCD phot.flux;em.IR.8-15um)';
COMMENT ON COLUMN {{ schema }}.photometry.flux_w4 IS 'Total model flux, WISE W4 [nanomaggy] (UCD phot.flux;em.IR.15-30um)';
COMMENT ON COLUMN {{ schema }}.photometry.flux_ivar_w1 IS 'Inverse variance of the WISE W1 flux [nanomaggy^-2] (UCD stat.weight;phot.flux;em.IR.3-4um)';
COMMENT ON COLUMN {{ schema }}.photometry.flux_ivar_w2 IS 'Inverse variance of the WISE W2 flux [nanomaggy^-2] (UCD stat.weight;phot.flux;em.IR.4-8um)';
COMMENT ON COLUMN {{ schema }}.photometry.flux_ivar_w3 IS 'Inverse variance of the WISE W3 flux [nanomaggy^-2] (UCD stat.weight;phot.flux;em.IR.8-15um)';
COMMENT ON COLUMN {{ schema }}.photometry.flux_ivar_w4 IS 'Inverse variance of the WISE W4 flux [nanomaggy^-2] (UCD stat.weight;phot.flux;em.IR.15-30um)';
COMMENT ON COLUMN {{ schema }}.photometry.mw_transmission_w1 IS 'Milky Way dust transmission (0-1), WISE W1 (UCD phys.transmission;em.IR.3-4um)';
COMMENT ON COLUMN {{ schema }}.photometry.mw_transmission_w2 IS 'Milky Way dust transmission (0-1), WISE W2 (UCD phys.transmission;em.IR.4-8um)';
COMMENT ON COLUMN {{ schema }}.photometry.mw_transmission_w3 IS 'Milky Way dust transmission (0-1), WISE W3 (UCD phys.transmission;em.IR.8-15um)';
COMMENT ON COLUMN {{ schema }}.photometry.mw_transmission_w4 IS 'Milky Way dust transmission (0-1), WISE W4 (UCD phys.transmission;em.IR.15-30um)';
COMMENT ON COLUMN {{ schema }}.photometry.allmask_g IS 'Mask bits set in all images at the central pixel, g (UCD meta.code.qual;em.opt.B)';
COMMENT ON COLUMN {{ schema }}.photometry.allmask_r IS 'Mask bits set in all images at the central pixel, r (UCD meta.code.qual;em.opt.R)';
COMMENT ON COLUMN {{ schema }}.photometry.allmask_z IS 'Mask bits set in all images at the central pixel, z (UCD meta.code.qual;em.opt.I)';
COMMENT ON COLUMN {{ schema }}.photometry.fiberflux_g IS 'Predicted g flux of this object in a 1.5 arcsec fibre [nanomaggy] (UCD phot.flux;instr;em.opt.B)';
COMMENT ON COLUMN {{ schema }}.photometry.fiberflux_r IS 'Predicted r flux of this object in a 1.5 arcsec fibre [nanomaggy] (UCD phot.flux;instr;em.opt.R)';
COMMENT ON COLUMN {{ schema }}.photometry.fiberflux_z IS 'Predicted z flux of this object in a 1.5 arcsec fibre [nanomaggy] (UCD phot.flux;instr;em.opt.I)';
COMMENT ON COLUMN {{ schema }}.photometry.fibertotflux_g IS 'Predicted g flux of all objects in a 1.5 arcsec fibre [nanomaggy] (UCD phot.flux;instr;em.opt.B)';
COMMENT ON COLUMN {{ schema }}.photometry.fibertotflux_r IS 'Predicted r flux of all objects in a 1.5 arcsec fibre [nanomaggy] (UCD phot.flux;instr;em.opt.R)';
COMMENT ON COLUMN {{ schema }}.photometry.fibertotflux_z IS 'Predicted z flux of all objects in a 1.5 arcsec fibre [nanomaggy] (UCD phot.flux;instr;em.opt.I)';
COMMENT ON COLUMN {{ schema }}.photometry.ref_epoch IS 'Epoch of the astrometry (e.g. 2015.5 for Gaia DR2) [yr] (UCD time.epoch)';
COMMENT ON COLUMN {{ schema }}.photometry.wisemask_w1 IS 'WISE W1 mask bits (UCD meta.code.qual;em.IR.3-4um)';
COMMENT ON COLUMN {{ schema }}.photometry.wisemask_w2 IS 'WISE W2 mask bits (UCD meta.code.qual;em.IR.4-8um)';
COMMENT ON COLUMN {{ schema }}.photometry.maskbits IS 'Imaging mask bits touched by the object (UCD meta.code.qual)';
COMMENT ON COLUMN {{ schema }}.photometry.shape_r IS 'Half-light radius [arcsec] (UCD phys.angSize)';
COMMENT ON COLUMN {{ schema }}.photometry.shape_e1 IS 'Ellipticity component 1 (UCD src.ellipticity)';
COMMENT ON COLUMN {{ schema }}.photometry.shape_e2 IS 'Ellipticity component 2 (UCD src.ellipticity)';
COMMENT ON COLUMN {{ schema }}.photometry.shape_r_ivar IS 'Inverse variance of SHAPE_R [arcsec^-2] (UCD stat.weight;phys.angSize)';
COMMENT ON COLUMN {{ schema }}.photometry.shape_e1_ivar IS 'Inverse variance of SHAPE_E1 (UCD stat.weight;src.ellipticity)';
COMMENT ON COLUMN {{ schema }}.photometry.shape_e2_ivar IS 'Inverse variance of SHAPE_E2 (UCD stat.weight;src.ellipticity)';
COMMENT ON COLUMN {{ schema }}.photometry.sersic IS 'Sersic index (UCD src.morph.param)';
COMMENT ON COLUMN {{ schema }}.photometry.sersic_ivar IS 'Inverse variance of SERSIC (UCD stat.weight;src.morph.param)';
COMMENT ON COLUMN {{ schema }}.photometry.ref_id IS 'Identifier in the astrometric reference catalogue (UCD meta.id.cross)';
COMMENT ON COLUMN {{ schema }}.photometry.ref_cat IS 'Code of the astrometric reference catalogue (T2, G2, GE, L3, ...), may be blank (UCD meta.ref)';
COMMENT ON COLUMN {{ schema }}.photometry.gaia_phot_g_mean_mag IS 'Gaia G mean magnitude [mag] (UCD phot.mag;em.opt)';
COMMENT ON COLUMN {{ schema }}.photometry.gaia_phot_g_mean_flux_over_error IS 'Gaia G flux signal-to-noise (UCD stat.snr;phot.flux;em.opt)';
COMMENT ON COLUMN {{ schema }}.photometry.gaia_phot_bp_mean_mag IS 'Gaia BP mean magnitude [mag] (UCD phot.mag;em.opt.B)';
COMMENT ON COLUMN {{ schema }}.photometry.gaia_phot_bp_mean_flux_over_error IS 'Gaia BP flux signal-to-noise (UCD stat.snr;phot.flux;em.opt.B)';
COMMENT ON COLUMN {{ schema }}.photometry.gaia_phot_rp_mean_mag IS 'Gaia RP mean magnitude [mag] (UCD phot.mag;em.opt.R)';
COMMENT ON COLUMN {{ schema }}.photometry.gaia_phot_rp_mean_flux_over_error IS 'Gaia RP flux signal-to-noise (UCD stat.snr;phot.flux;em.opt.R)';
COMMENT ON COLUMN {{ schema }}.photometry.gaia_phot_bp_rp_excess_factor IS 'Gaia BP/RP flux excess factor (UCD phot.flux;arith.ratio)';
COMMENT ON COLUMN {{ schema }}.photometry.gaia_duplicated_source IS 'Gaia duplicated-source flag (UCD meta.code.status)';
COMMENT ON COLUMN {{ schema }}.photometry.gaia_astrometric_sigma5d_max IS 'Longest axis of the Gaia 5-d error ellipsoid [mas] (UCD stat.error;pos.eq)';
COMMENT ON COLUMN {{ schema }}.photometry.gaia_astrometric_params_solved IS 'Gaia code of the astrometric parameters solved for (3, 31, 95) (UCD meta.code)';
COMMENT ON COLUMN {{ schema }}.photometry.parallax IS 'Parallax from the reference catalogue [mas] (UCD pos.parallax.trig)';
COMMENT ON COLUMN {{ schema }}.photometry.parallax_ivar IS 'Inverse variance of PARALLAX [mas^-2] (UCD stat.weight;pos.parallax.trig)';
COMMENT ON COLUMN {{ schema }}.photometry.pmra IS 'Proper motion in RA including cos(dec) [mas yr^-1] (UCD pos.pm;pos.eq.ra)';
COMMENT ON COLUMN {{ schema }}.photometry.pmra_ivar IS 'Inverse variance of PMRA [yr^2 mas^-2] (UCD stat.weight;pos.pm;pos.eq.ra)';
COMMENT ON COLUMN {{ schema }}.photometry.pmdec IS 'Proper motion in Dec [mas yr^-1] (UCD pos.pm;pos.eq.dec)';
COMMENT ON COLUMN {{ schema }}.photometry.pmdec_ivar IS 'Inverse variance of PMDEC [yr^2 mas^-2] (UCD stat.weight;pos.pm;pos.eq.dec)';
COMMENT ON COLUMN {{ schema }}.photometry.targetid IS '64-bit DESI object identifier (bit-packed) (UCD meta.id;meta.main)';
{% if optional %}
{% import 'legacy_survey_dr10.jinja' as dr10 %}
{% for name, type, comment in dr10.COLUMNS if name in optional %}
COMMENT ON COLUMN {{ schema }}.photometry.{{ name }} IS '{{ comment }}';
{% endfor %}
{% endif %}
{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.photometry TO {{ role }};
{% endfor %}
{% endblock %}
