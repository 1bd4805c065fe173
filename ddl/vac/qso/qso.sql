-- Quasars by the spectra of tiles.

{% block table %}
CREATE TABLE IF NOT EXISTS {{ schema }}.{{ table }} (
    ztile_id numeric(39),
    targetid bigint NOT NULL,
    z double precision NOT NULL,
    zerr double precision NOT NULL,
    zwarn bigint NOT NULL,
    location bigint NOT NULL,
    coadd_fiberstatus integer NOT NULL,
    target_ra double precision NOT NULL,
    target_dec double precision NOT NULL,
    ebv real NOT NULL,
    flux_g real NOT NULL,
    flux_r real NOT NULL,
    flux_z real NOT NULL,
    flux_w1 real NOT NULL,
    flux_w2 real NOT NULL,
    flux_ivar_g real NOT NULL,
    flux_ivar_r real NOT NULL,
    flux_ivar_z real NOT NULL,
    flux_ivar_w1 real NOT NULL,
    mw_transmission_g double precision NOT NULL,
    mw_transmission_r double precision NOT NULL,
    mw_transmission_z double precision NOT NULL,
    mw_transmission_w1 double precision NOT NULL,
    mw_transmission_w2 double precision NOT NULL,
    proba_rf double precision NOT NULL,
    flux_ivar_w2 real NOT NULL,
    maskbits smallint NOT NULL,
    cmx_target bigint NOT NULL,
    desi_target bigint NOT NULL,
    coadd_numexp smallint NOT NULL,
    coadd_exptime real NOT NULL,
    sv1_desi_target bigint NOT NULL,
    sv2_desi_target bigint NOT NULL,
    sv3_desi_target bigint NOT NULL,
    sv1_scnd_target bigint NOT NULL,
    sv2_scnd_target bigint NOT NULL,
    sv3_scnd_target bigint NOT NULL,
    scnd_target bigint NOT NULL,
    tsnr2_lya real NOT NULL,
    tsnr2_qso real NOT NULL,
    delta_chi2_mgii real NOT NULL,
    a_mgii real NOT NULL,
    sigma_mgii real NOT NULL,
    b_mgii real NOT NULL,
    var_a_mgii real NOT NULL,
    var_sigma_mgii real NOT NULL,
    var_b_mgii real NOT NULL,
    z_rr real NOT NULL,
    z_qn real NOT NULL,
    c_lya real NOT NULL,
    c_civ real NOT NULL,
    c_ciii real NOT NULL,
    c_mgii real NOT NULL,
    c_hbeta real NOT NULL,
    c_halpha real NOT NULL,
    z_lya real NOT NULL,
    z_civ real NOT NULL,
    z_ciii real NOT NULL,
    z_mgii real NOT NULL,
    z_hbeta real NOT NULL,
    z_halpha real NOT NULL,
    qso_maskbits integer NOT NULL,
    tileid bigint NOT NULL,
    lastnight bigint NOT NULL,
    petal_loc bigint NOT NULL,
    survey varchar(7) NOT NULL,
    program varchar(8) NOT NULL,
    morphtype varchar(4) NOT NULL,
    spectype varchar(6) NOT NULL
);
{% endblock %}

{% block keys %}
CREATE UNIQUE INDEX IF NOT EXISTS {{ table }}_pkey ON {{ schema }}.{{ table }} (targetid, tileid, lastnight);
ALTER TABLE {{ schema }}.{{ table }} ADD CONSTRAINT {{ table }}_pkey PRIMARY KEY USING INDEX {{ table }}_pkey;
{% endblock %}

{% block indexes %}
CREATE INDEX IF NOT EXISTS ix_{{ table }}_ztile_id ON {{ schema }}.{{ table }} (ztile_id);
{% endblock %}

{% block q3c %}
CREATE INDEX IF NOT EXISTS ix_{{ table }}_q3c ON {{ schema }}.{{ table }} ({{ q3c }}.q3c_ang2ipix(target_ra, target_dec));
{% endblock %}

{% block cluster %}
CLUSTER {{ schema }}.{{ table }} USING ix_{{ table }}_q3c;
{% endblock %}

{% block comments %}
COMMENT ON TABLE {{ schema }}.{{ table }} IS 'Quasar catalogue: one row per target and tile';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ztile_id IS 'Key of the spectrum in ztile (UCD meta.record)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.targetid IS 'Unique DESI target ID';
COMMENT ON COLUMN {{ schema }}.{{ table }}.z IS 'Redshift measured by Redrock';
COMMENT ON COLUMN {{ schema }}.{{ table }}.zerr IS 'Redshift error from redrock';
COMMENT ON COLUMN {{ schema }}.{{ table }}.zwarn IS 'Redshift warning bitmask from Redrock';
COMMENT ON COLUMN {{ schema }}.{{ table }}.location IS 'Location on the focal plane PETAL_LOC*1000 + DEVICE_LOC';
COMMENT ON COLUMN {{ schema }}.{{ table }}.coadd_fiberstatus IS 'bitwise-AND of input FIBERSTATUS';
COMMENT ON COLUMN {{ schema }}.{{ table }}.target_ra IS 'Barycentric right ascension in ICRS [deg]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.target_dec IS 'Barycentric declination in ICRS [deg]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ebv IS 'Galactic extinction E(B-V) reddening from SFD98 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_g IS 'Flux in the Legacy Survey g-band (AB) [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_r IS 'Flux in the Legacy Survey r-band (AB) [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_z IS 'Flux in the Legacy Survey z-band (AB) [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_w1 IS 'WISE flux in W1 (AB) [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_w2 IS 'WISE flux in W2 (AB) [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_ivar_g IS 'Inverse variance of FLUX_G (AB) [nanomaggy^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_ivar_r IS 'Inverse variance of FLUX_R (AB) [nanomaggy^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_ivar_z IS 'Inverse variance of FLUX_Z (AB) [nanomaggy^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_ivar_w1 IS 'Inverse variance of FLUX_W1 (AB) [nanomaggy^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mw_transmission_g IS 'Milky Way dust transmission in LS g-band';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mw_transmission_r IS 'Milky Way dust transmission in LS r-band';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mw_transmission_z IS 'Milky Way dust transmission in LS z-band';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mw_transmission_w1 IS 'Milky Way dust transmission in WISE W1';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mw_transmission_w2 IS 'Milky Way dust transmission in WISE W2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.proba_rf IS 'Probability of being a quasar generated by the quasar Random Forest targeting algorithm';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_ivar_w2 IS 'Inverse variance of FLUX_W2 (AB) [nanomaggy^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.maskbits IS 'Bitwise mask from the imaging indicating potential issue or blending';
COMMENT ON COLUMN {{ schema }}.{{ table }}.cmx_target IS 'Target selection bitmask for commissioning';
COMMENT ON COLUMN {{ schema }}.{{ table }}.desi_target IS 'DESI (dark time program) target selection bitmask';
COMMENT ON COLUMN {{ schema }}.{{ table }}.coadd_numexp IS 'Number of exposures in coadd';
COMMENT ON COLUMN {{ schema }}.{{ table }}.coadd_exptime IS 'Summed exposure time for coadd [s]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sv1_desi_target IS 'DESI (dark time program) target selection bitmask for SV1';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sv2_desi_target IS 'DESI (dark time program) target selection bitmask for SV2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sv3_desi_target IS 'DESI (dark time program) target selection bitmask for SV3';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sv1_scnd_target IS 'Secondary target selection bitmask for SV1';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sv2_scnd_target IS 'Secondary target selection bitmask for SV2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sv3_scnd_target IS 'Secondary target selection bitmask for SV3';
COMMENT ON COLUMN {{ schema }}.{{ table }}.scnd_target IS 'Target selection bitmask for secondary programs';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_lya IS 'LYA template (S/N)^2 summed over B,R,Z';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_qso IS 'QSO template (S/N)^2 summed over B,R,Z';
COMMENT ON COLUMN {{ schema }}.{{ table }}.delta_chi2_mgii IS 'Difference of chi2 between redrock fit and MgII fitter over the lambda interval considered during the fit';
COMMENT ON COLUMN {{ schema }}.{{ table }}.a_mgii IS 'Fitted parameter A (amplitude) by MgII fitter';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sigma_mgii IS 'Fitted parameter SIGMA (linewidth) by MgII fitter (in angstrom?) [Angstrom]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.b_mgii IS 'Fitted parameter B (constant) by MgII fitter';
COMMENT ON COLUMN {{ schema }}.{{ table }}.var_a_mgii IS 'Variance of MgII fit amplitude parameter A';
COMMENT ON COLUMN {{ schema }}.{{ table }}.var_sigma_mgii IS 'Variance of MgII fit width parameter sigma';
COMMENT ON COLUMN {{ schema }}.{{ table }}.var_b_mgii IS 'Variance of MgII fit offset parameter B';
COMMENT ON COLUMN {{ schema }}.{{ table }}.z_rr IS 'Redshift collected from redrock file';
COMMENT ON COLUMN {{ schema }}.{{ table }}.z_qn IS 'Redshift measured by QuasarNET using line with highest confidence';
COMMENT ON COLUMN {{ schema }}.{{ table }}.c_lya IS 'Confidence for LyA line, i.e. ~probability to be a QSO';
COMMENT ON COLUMN {{ schema }}.{{ table }}.c_civ IS 'Confidence for CIV line';
COMMENT ON COLUMN {{ schema }}.{{ table }}.c_ciii IS 'Confidence for CIII line';
COMMENT ON COLUMN {{ schema }}.{{ table }}.c_mgii IS 'Confidence for MgII line';
COMMENT ON COLUMN {{ schema }}.{{ table }}.c_hbeta IS 'Confidence for Hbeta line';
COMMENT ON COLUMN {{ schema }}.{{ table }}.c_halpha IS 'Confidence for Halpha line';
COMMENT ON COLUMN {{ schema }}.{{ table }}.z_lya IS 'Redshift estimated by QuasarNET with LyA line';
COMMENT ON COLUMN {{ schema }}.{{ table }}.z_civ IS 'Redshift estimated by QuasarNET with CIV line';
COMMENT ON COLUMN {{ schema }}.{{ table }}.z_ciii IS 'Redshift estimated by QuasarNET with CIII line';
COMMENT ON COLUMN {{ schema }}.{{ table }}.z_mgii IS 'Redshift estimated by QuasarNET with MgII line';
COMMENT ON COLUMN {{ schema }}.{{ table }}.z_hbeta IS 'Redshift estimated by QuasarNET with Hbeta line';
COMMENT ON COLUMN {{ schema }}.{{ table }}.z_halpha IS 'Redshift estimated by QuasarNET with Halpha line';
COMMENT ON COLUMN {{ schema }}.{{ table }}.qso_maskbits IS 'QSO Bitwise mask from the imaging indicating potential issue or blending';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tileid IS 'Unique DESI tile ID';
COMMENT ON COLUMN {{ schema }}.{{ table }}.lastnight IS 'Final night of observation included in a series of coadds';
COMMENT ON COLUMN {{ schema }}.{{ table }}.petal_loc IS 'Petal location (0-9)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.survey IS 'Survey name: cmx, sv1, sv2, sv3, main';
COMMENT ON COLUMN {{ schema }}.{{ table }}.program IS 'DESI program type - BRIGHT, DARK, BACKUP, OTHER';
COMMENT ON COLUMN {{ schema }}.{{ table }}.morphtype IS 'Imaging Surveys morphological type from Tractor';
COMMENT ON COLUMN {{ schema }}.{{ table }}.spectype IS 'Spectral type of Redrock best fit template (e.g. GALAXY, QSO, STAR)';
{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.{{ table }} TO {{ role }};
{% endfor %}
{% endblock %}
