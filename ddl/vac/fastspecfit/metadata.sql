-- What FastSpecFit has fitted: targets, redshifts and photometry of its input.

{% block table %}
CREATE TABLE IF NOT EXISTS {{ schema }}.{{ table }} (
    zpix_id numeric(39),
    targetid bigint NOT NULL,
    survey varchar(7) NOT NULL,
    program varchar(8) NOT NULL,
    healpix integer NOT NULL,
    tileid_list text NOT NULL,
    ra double precision NOT NULL,
    dec double precision NOT NULL,
    coadd_fiberstatus bigint NOT NULL,
    cmx_target bigint,
    desi_target bigint NOT NULL,
    bgs_target bigint NOT NULL,
    mws_target bigint NOT NULL,
    scnd_target bigint NOT NULL,
    sv1_desi_target bigint,
    sv1_bgs_target bigint,
    sv1_mws_target bigint,
    sv2_desi_target bigint,
    sv2_bgs_target bigint,
    sv2_mws_target bigint,
    sv3_desi_target bigint,
    sv3_bgs_target bigint,
    sv3_mws_target bigint,
    sv1_scnd_target bigint,
    sv2_scnd_target bigint,
    sv3_scnd_target bigint,
    z double precision NOT NULL,
    zwarn smallint NOT NULL,
    deltachi2 double precision NOT NULL,
    spectype varchar(6) NOT NULL,
    subtype varchar(20),
    z_rr double precision NOT NULL,
    zwarn_rr smallint,
    tsnr2_bgs real,
    tsnr2_lrg real,
    tsnr2_elg real,
    tsnr2_qso real,
    tsnr2_lya real,
    photsys varchar(1) NOT NULL,
    ls_id bigint NOT NULL,
    fiberflux_g real NOT NULL,
    fiberflux_r real NOT NULL,
    fiberflux_z real NOT NULL,
    fibertotflux_g real NOT NULL,
    fibertotflux_r real NOT NULL,
    fibertotflux_z real NOT NULL,
    flux_g real NOT NULL,
    flux_r real NOT NULL,
    flux_z real NOT NULL,
    flux_w1 real NOT NULL,
    flux_w2 real NOT NULL,
    flux_w3 real NOT NULL,
    flux_w4 real NOT NULL,
    flux_ivar_g real NOT NULL,
    flux_ivar_r real NOT NULL,
    flux_ivar_z real NOT NULL,
    flux_ivar_w1 real NOT NULL,
    flux_ivar_w2 real NOT NULL,
    flux_ivar_w3 real NOT NULL,
    flux_ivar_w4 real NOT NULL,
    ebv real NOT NULL,
    mw_transmission_g real NOT NULL,
    mw_transmission_r real NOT NULL,
    mw_transmission_z real NOT NULL,
    mw_transmission_w1 real NOT NULL,
    mw_transmission_w2 real NOT NULL,
    mw_transmission_w3 real NOT NULL,
    mw_transmission_w4 real NOT NULL
);
{% endblock %}

{% block keys %}
CREATE UNIQUE INDEX IF NOT EXISTS {{ table }}_pkey ON {{ schema }}.{{ table }} (targetid, survey, program);
ALTER TABLE {{ schema }}.{{ table }} ADD CONSTRAINT {{ table }}_pkey PRIMARY KEY USING INDEX {{ table }}_pkey;
{% endblock %}

{% block indexes %}
CREATE INDEX IF NOT EXISTS ix_{{ table }}_zpix_id ON {{ schema }}.{{ table }} (zpix_id);
{% endblock %}

{% block q3c %}
CREATE INDEX IF NOT EXISTS ix_{{ table }}_q3c ON {{ schema }}.{{ table }} ({{ q3c }}.q3c_ang2ipix(ra, dec));
{% endblock %}

{% block cluster %}
CLUSTER {{ schema }}.{{ table }} USING ix_{{ table }}_q3c;
{% endblock %}

{% block comments %}
COMMENT ON TABLE {{ schema }}.{{ table }} IS 'Input of FastSpecFit: one row per spectrum that was fitted';
COMMENT ON COLUMN {{ schema }}.{{ table }}.zpix_id IS 'Key of the spectrum in zpix (UCD meta.record)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.targetid IS 'Unique target ID';
COMMENT ON COLUMN {{ schema }}.{{ table }}.survey IS 'Survey name';
COMMENT ON COLUMN {{ schema }}.{{ table }}.program IS 'Program name';
COMMENT ON COLUMN {{ schema }}.{{ table }}.healpix IS 'Healpixel number';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tileid_list IS 'List of tile IDs that went into healpix coadd';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ra IS 'Right ascension from target catalog [deg]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.dec IS 'Declination from target catalog [deg]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.coadd_fiberstatus IS 'Fiber status bit';
COMMENT ON COLUMN {{ schema }}.{{ table }}.cmx_target IS 'Commissioning (CMX) targeting bit';
COMMENT ON COLUMN {{ schema }}.{{ table }}.desi_target IS 'DESI targeting bit';
COMMENT ON COLUMN {{ schema }}.{{ table }}.bgs_target IS 'BGS targeting bit';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mws_target IS 'MWS targeting bit';
COMMENT ON COLUMN {{ schema }}.{{ table }}.scnd_target IS 'Secondary target targeting bit';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sv1_desi_target IS 'SV1 DESI targeting bit';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sv1_bgs_target IS 'SV1 BGS targeting bit';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sv1_mws_target IS 'SV1 MWS targeting bit';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sv2_desi_target IS 'SV2 DESI targeting bit';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sv2_bgs_target IS 'SV2 BGS targeting bit';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sv2_mws_target IS 'SV2 MWS targeting bit';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sv3_desi_target IS 'SV3 DESI targeting bit';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sv3_bgs_target IS 'SV3 BGS targeting bit';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sv3_mws_target IS 'SV3 MWS targeting bit';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sv1_scnd_target IS 'SV1 secondary targeting bit';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sv2_scnd_target IS 'SV2 secondary targeting bit';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sv3_scnd_target IS 'SV3 secondary targeting bit';
COMMENT ON COLUMN {{ schema }}.{{ table }}.z IS 'Redshift based on either Redrock or QuasarNet (for QSO targets only)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.zwarn IS 'Redshift zwarning bit based on either Redrock or QuasarNet (for QSO targets only)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.deltachi2 IS 'Redrock delta-chi-squared';
COMMENT ON COLUMN {{ schema }}.{{ table }}.spectype IS 'Redrock spectral classification type';
COMMENT ON COLUMN {{ schema }}.{{ table }}.subtype IS 'Redrock spectral subtype';
COMMENT ON COLUMN {{ schema }}.{{ table }}.z_rr IS 'Redrock redshift';
COMMENT ON COLUMN {{ schema }}.{{ table }}.zwarn_rr IS 'Redrock zwarning bit';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_bgs IS 'Template signal-to-noise ratio squared for BGS targets';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_lrg IS 'Like TSNR2_BGS but for LRG targets';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_elg IS 'Like TSNR2_BGS but for ELG targets';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_qso IS 'Like TSNR2_BGS but for QSO targets';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_lya IS 'Like TSNR2_BGS but for LYA targets';
COMMENT ON COLUMN {{ schema }}.{{ table }}.photsys IS 'Photometric system (N or S)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ls_id IS 'Unique Legacy Surveys identification number';
COMMENT ON COLUMN {{ schema }}.{{ table }}.fiberflux_g IS 'Fiber g-band flux corrected for Galactic extinction [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.fiberflux_r IS 'Like FIBERFLUX_G but for the r-band [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.fiberflux_z IS 'Like FIBERFLUX_G but for the z-band [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.fibertotflux_g IS 'Fibertot g-band flux corrected for Galactic extinction [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.fibertotflux_r IS 'Like FIBERTOTFLUX_G but for the r-band [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.fibertotflux_z IS 'Like FIBERTOTFLUX_G but for the z-band [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_g IS 'Total g-band flux corrected for Galactic extinction [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_r IS 'Like FLUX_G but for the r-band [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_z IS 'Like FLUX_G but for the z-band [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_w1 IS 'Like FLUX_G but for the W1-band [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_w2 IS 'Like FLUX_G but for the W2-band [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_w3 IS 'Like FLUX_G but for the W3-band [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_w4 IS 'Like FLUX_G but for the W4-band [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_ivar_g IS 'Inverse variance of FLUX_G corrected for Galactic extinction [nanomaggy^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_ivar_r IS 'Like FLUX_IVAR_G but for the r-band [nanomaggy^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_ivar_z IS 'Like FLUX_IVAR_G but for the z-band [nanomaggy^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_ivar_w1 IS 'Like FLUX_IVAR_G but for the W1-band [nanomaggy^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_ivar_w2 IS 'Like FLUX_IVAR_G but for the W2-band [nanomaggy^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_ivar_w3 IS 'Like FLUX_IVAR_G but for the W3-band [nanomaggy^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_ivar_w4 IS 'Like FLUX_IVAR_G but for the W4-band [nanomaggy^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ebv IS 'Milky Way foreground color excess [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mw_transmission_g IS 'Milky Way foreground dust transmission factor [0-1] in the g-band';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mw_transmission_r IS 'Like MW_TRANSMISSION_G but for the r-band';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mw_transmission_z IS 'Like MW_TRANSMISSION_G but for the z-band';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mw_transmission_w1 IS 'Like MW_TRANSMISSION_G but for the W1-band';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mw_transmission_w2 IS 'Like MW_TRANSMISSION_G but for the W2-band';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mw_transmission_w3 IS 'Like MW_TRANSMISSION_G but for the W3-band';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mw_transmission_w4 IS 'Like MW_TRANSMISSION_G but for the W4-band';
{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.{{ table }} TO {{ role }};
{% endfor %}
{% endblock %}
