-- Targeting and observation of the same spectra.

{% block table %}
CREATE TABLE IF NOT EXISTS {{ schema }}.{{ table }} (
    survey varchar(7) NOT NULL,
    program varchar(8) NOT NULL,
    targetid bigint NOT NULL,
    coadd_fiberstatus integer NOT NULL,
    target_ra double precision NOT NULL,
    target_dec double precision NOT NULL,
    pmra real NOT NULL,
    pmdec real NOT NULL,
    ref_epoch real NOT NULL,
    fa_target bigint NOT NULL,
    fa_type smallint NOT NULL,
    objtype varchar(3) NOT NULL,
    subpriority double precision NOT NULL,
    obsconditions integer NOT NULL,
    release smallint NOT NULL,
    brickname varchar(8) NOT NULL,
    brickid integer NOT NULL,
    brick_objid integer NOT NULL,
    morphtype varchar(4) NOT NULL,
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
    flux_ivar_w2 real NOT NULL,
    fiberflux_g real NOT NULL,
    fiberflux_r real NOT NULL,
    fiberflux_z real NOT NULL,
    fibertotflux_g real NOT NULL,
    fibertotflux_r real NOT NULL,
    fibertotflux_z real NOT NULL,
    maskbits smallint NOT NULL,
    sersic real NOT NULL,
    shape_r real NOT NULL,
    shape_e1 real NOT NULL,
    shape_e2 real NOT NULL,
    ref_id bigint NOT NULL,
    ref_cat varchar(2) NOT NULL,
    gaia_phot_g_mean_mag real NOT NULL,
    gaia_phot_bp_mean_mag real NOT NULL,
    gaia_phot_rp_mean_mag real NOT NULL,
    parallax real NOT NULL,
    photsys varchar(1) NOT NULL,
    priority_init bigint NOT NULL,
    numobs_init bigint NOT NULL,
    cmx_target bigint NOT NULL,
    desi_target bigint NOT NULL,
    bgs_target bigint NOT NULL,
    mws_target bigint NOT NULL,
    plate_ra double precision NOT NULL,
    plate_dec double precision NOT NULL,
    coadd_numexp smallint NOT NULL,
    coadd_exptime real NOT NULL,
    coadd_numnight smallint NOT NULL,
    coadd_numtile smallint NOT NULL,
    mean_delta_x real NOT NULL,
    rms_delta_x real NOT NULL,
    mean_delta_y real NOT NULL,
    rms_delta_y real NOT NULL,
    mean_fiber_ra double precision NOT NULL,
    std_fiber_ra real NOT NULL,
    mean_fiber_dec double precision NOT NULL,
    std_fiber_dec real NOT NULL,
    mean_psf_to_fiber_specflux real NOT NULL,
    scnd_target bigint NOT NULL,
    sv1_desi_target bigint NOT NULL,
    sv1_bgs_target bigint NOT NULL,
    sv1_mws_target bigint NOT NULL,
    sv1_scnd_target bigint NOT NULL,
    sv2_desi_target bigint NOT NULL,
    sv2_bgs_target bigint NOT NULL,
    sv2_mws_target bigint NOT NULL,
    sv2_scnd_target bigint NOT NULL,
    sv3_desi_target bigint NOT NULL,
    sv3_bgs_target bigint NOT NULL,
    sv3_mws_target bigint NOT NULL,
    sv3_scnd_target bigint NOT NULL
);
{% endblock %}

{% block keys %}
CREATE UNIQUE INDEX IF NOT EXISTS {{ table }}_pkey ON {{ schema }}.{{ table }} (targetid, survey, program);
ALTER TABLE {{ schema }}.{{ table }} ADD CONSTRAINT {{ table }}_pkey PRIMARY KEY USING INDEX {{ table }}_pkey;
{% endblock %}

{% block comments %}
COMMENT ON TABLE {{ schema }}.{{ table }} IS 'Milky Way Survey: targeting and observation of the spectra';
COMMENT ON COLUMN {{ schema }}.{{ table }}.survey IS 'Survey of the spectrum, of HDU RVTAB (UCD meta.id;obs)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.program IS 'Program of the spectrum, of HDU RVTAB (UCD meta.id;obs)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.targetid IS 'Unique DESI target ID';
COMMENT ON COLUMN {{ schema }}.{{ table }}.coadd_fiberstatus IS 'bitwise-AND of input FIBERSTATUS';
COMMENT ON COLUMN {{ schema }}.{{ table }}.target_ra IS 'Target right ascension [deg]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.target_dec IS 'Target declination [deg]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.pmra IS 'proper motion in the +RA direction (already including cos(dec)) [mas yr^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.pmdec IS 'Proper motion in the +Dec direction [mas yr^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ref_epoch IS 'Reference epoch for Gaia/Tycho astrometry. Typically 2015.5 for Gaia [yr]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.fa_target IS 'Targeting bit internally used by fiberassign (linked with FA_TYPE)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.fa_type IS 'Fiberassign internal target type (science, standard, sky, safe, suppsky)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.objtype IS 'Object type: TGT, SKY, NON, BAD';
COMMENT ON COLUMN {{ schema }}.{{ table }}.subpriority IS 'Random subpriority [0-1) to break assignment ties';
COMMENT ON COLUMN {{ schema }}.{{ table }}.obsconditions IS 'Bitmask of allowed observing conditions';
COMMENT ON COLUMN {{ schema }}.{{ table }}.release IS 'Imaging surveys release ID';
COMMENT ON COLUMN {{ schema }}.{{ table }}.brickname IS 'Brick name from tractor input';
COMMENT ON COLUMN {{ schema }}.{{ table }}.brickid IS 'Brick ID from tractor input';
COMMENT ON COLUMN {{ schema }}.{{ table }}.brick_objid IS 'Imaging Surveys OBJID on that brick';
COMMENT ON COLUMN {{ schema }}.{{ table }}.morphtype IS 'Imaging Surveys morphological type from Tractor';
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
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_ivar_w2 IS 'Inverse variance of FLUX_W2 (AB) [nanomaggy^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.fiberflux_g IS 'Predicted g-band flux within a fiber of diameter 1.5 arcsec from this object in 1 arcsec Gaussian seeing [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.fiberflux_r IS 'Predicted r-band flux within a fiber of diameter 1.5 arcsec from this object in 1 arcsec Gaussian seeing [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.fiberflux_z IS 'Predicted z-band flux within a fiber of diameter 1.5 arcsec from this object in 1 arcsec Gaussian seeing [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.fibertotflux_g IS 'Predicted g-band flux within a fiber of diameter 1.5 arcsec from all sources at this location in 1 arcsec Gaussian seeing [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.fibertotflux_r IS 'Predicted r-band flux within a fiber of diameter 1.5 arcsec from all sources at this location in 1 arcsec Gaussian seeing [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.fibertotflux_z IS 'Predicted z-band flux within a fiber of diameter 1.5 arcsec from all sources at this location in 1 arcsec Gaussian seeing [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.maskbits IS 'Bitwise mask from the imaging indicating potential issue or blending';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sersic IS 'Power-law index for the Sersic profile model (MORPHTYPE=SER)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.shape_r IS 'Half-light radius of galaxy model (&gt;0) [arcsec]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.shape_e1 IS 'Ellipticity component 1 of galaxy model for galaxy type MORPHTYPE';
COMMENT ON COLUMN {{ schema }}.{{ table }}.shape_e2 IS 'Ellipticity component 2 of galaxy model for galaxy type MORPHTYPE';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ref_id IS 'Tyc1*1,000,000+Tyc2*10+Tyc3 for Tycho-2; sourceid for Gaia DR2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ref_cat IS 'Reference catalog source for star: T2 for Tycho-2, G2 for Gaia DR2, L2 for the SGA, empty otherwise';
COMMENT ON COLUMN {{ schema }}.{{ table }}.gaia_phot_g_mean_mag IS 'Gaia G band magnitude [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.gaia_phot_bp_mean_mag IS 'Gaia BP band magnitude [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.gaia_phot_rp_mean_mag IS 'Gaia RP band magnitude [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.parallax IS 'Reference catalog parallax [mas]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.photsys IS 'N for the MzLS/BASS photometric system, S for DECaLS';
COMMENT ON COLUMN {{ schema }}.{{ table }}.priority_init IS 'Target initial priority from target selection bitmasks and OBSCONDITIONS';
COMMENT ON COLUMN {{ schema }}.{{ table }}.numobs_init IS 'Initial number of observations for target calculated across target selection bitmasks and OBSCONDITIONS';
COMMENT ON COLUMN {{ schema }}.{{ table }}.cmx_target IS 'Target selection bitmask for commissioning';
COMMENT ON COLUMN {{ schema }}.{{ table }}.desi_target IS 'DESI (dark time program) target selection bitmask';
COMMENT ON COLUMN {{ schema }}.{{ table }}.bgs_target IS 'BGS (Bright Galaxy Survey) target selection bitmask';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mws_target IS 'Milky Way Survey targeting bits';
COMMENT ON COLUMN {{ schema }}.{{ table }}.plate_ra IS 'Right Ascension to be used by PlateMaker [deg]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.plate_dec IS 'Declination to be used by PlateMaker [deg]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.coadd_numexp IS 'Number of exposures in coadd';
COMMENT ON COLUMN {{ schema }}.{{ table }}.coadd_exptime IS 'Summed exposure time for coadd [s]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.coadd_numnight IS 'Number of nights in coadd';
COMMENT ON COLUMN {{ schema }}.{{ table }}.coadd_numtile IS 'Number of tiles in coadd';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mean_delta_x IS 'Mean (over exposures) fiber difference requested - actual CS5 X location on focal plane [mm]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.rms_delta_x IS 'RMS (over exposures) of the fiber difference between measured and requested CS5 X location on focal plane [mm]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mean_delta_y IS 'Mean (over exposures) fiber difference requested - actual CS5 Y location on focal plane [mm]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.rms_delta_y IS 'RMS (over exposures) of the fiber difference between measured and requested CS5 Y location on focal plane [mm]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mean_fiber_ra IS 'Mean (over exposures) RA of actual fiber position [deg]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.std_fiber_ra IS 'Standard deviation (over exposures) of RA of actual fiber position [arcsec]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mean_fiber_dec IS 'Mean (over exposures) DEC of actual fiber position [deg]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.std_fiber_dec IS 'Standard deviation (over exposures) of DEC of actual fiber position [arcsec]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mean_psf_to_fiber_specflux IS 'Mean of input exposures fraction of light from point-like source captured by 1.5 arcsec diameter fiber given atmospheric seeing';
COMMENT ON COLUMN {{ schema }}.{{ table }}.scnd_target IS 'Target selection bitmask for secondary programs';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sv1_desi_target IS 'DESI (dark time program) target selection bitmask for SV1';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sv1_bgs_target IS 'BGS (bright time program) target selection bitmask for SV1';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sv1_mws_target IS 'MWS (bright time program) target selection bitmask for SV1';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sv1_scnd_target IS 'Secondary target selection bitmask for SV1';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sv2_desi_target IS 'DESI (dark time program) target selection bitmask for SV2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sv2_bgs_target IS 'BGS (bright time program) target selection bitmask for SV2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sv2_mws_target IS 'MWS (bright time program) target selection bitmask for SV2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sv2_scnd_target IS 'Secondary target selection bitmask for SV2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sv3_desi_target IS 'DESI (dark time program) target selection bitmask for SV3';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sv3_bgs_target IS 'BGS (bright time program) target selection bitmask for SV3';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sv3_mws_target IS 'MWS (bright time program) target selection bitmask for SV3';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sv3_scnd_target IS 'Secondary target selection bitmask for SV3';
{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.{{ table }} TO {{ role }};
{% endfor %}
{% endblock %}
