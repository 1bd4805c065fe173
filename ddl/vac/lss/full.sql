-- Full catalogues: all targets of a tracer that fibres could reach, observed or not.

{% block table %}
CREATE TABLE IF NOT EXISTS {{ schema }}.{{ table }} (
    tracer varchar(24) NOT NULL,
    targetid bigint NOT NULL,
    mws_target bigint NOT NULL,
    subpriority double precision NOT NULL,
    priority_init bigint NOT NULL,
    target_state text NOT NULL,
    timestamp text NOT NULL,
    location bigint NOT NULL,
    tileid bigint NOT NULL,
    tilelocid bigint NOT NULL,
    lastnight integer NOT NULL,
    z double precision,
    z_not4clus double precision,
    zerr double precision NOT NULL,
    zwarn bigint NOT NULL,
    chi2 double precision NOT NULL,
    coeff double precision[] NOT NULL,
    npixels bigint NOT NULL,
    spectype varchar(6) NOT NULL,
    subtype varchar(20) NOT NULL,
    ncoeff bigint NOT NULL,
    deltachi2 double precision NOT NULL,
    fiber integer NOT NULL,
    coadd_fiberstatus integer NOT NULL,
    fiberassign_x real NOT NULL,
    fiberassign_y real NOT NULL,
    priority integer NOT NULL,
    coadd_numexp smallint NOT NULL,
    coadd_exptime real NOT NULL,
    coadd_numnight smallint NOT NULL,
    mean_delta_x real NOT NULL,
    rms_delta_x real NOT NULL,
    mean_delta_y real NOT NULL,
    rms_delta_y real NOT NULL,
    mean_psf_to_fiber_specflux real NOT NULL,
    tsnr2_elg_b real NOT NULL,
    tsnr2_lya_b real NOT NULL,
    tsnr2_bgs_b real NOT NULL,
    tsnr2_qso_b real NOT NULL,
    tsnr2_lrg_b real NOT NULL,
    tsnr2_elg_r real NOT NULL,
    tsnr2_lya_r real NOT NULL,
    tsnr2_bgs_r real NOT NULL,
    tsnr2_qso_r real NOT NULL,
    tsnr2_lrg_r real NOT NULL,
    tsnr2_elg_z real NOT NULL,
    tsnr2_lya_z real NOT NULL,
    tsnr2_bgs_z real NOT NULL,
    tsnr2_qso_z real NOT NULL,
    tsnr2_lrg_z real NOT NULL,
    tsnr2_elg real NOT NULL,
    tsnr2_lya real NOT NULL,
    tsnr2_bgs real NOT NULL,
    tsnr2_qso real NOT NULL,
    tsnr2_lrg real NOT NULL,
    zwarn_mtl bigint NOT NULL,
    z_qn double precision NOT NULL,
    z_qn_conf double precision NOT NULL,
    is_qso_qn smallint NOT NULL,
    priority_assigned integer NOT NULL,
    goodpri boolean NOT NULL,
    goodhardloc boolean NOT NULL,
    location_assigned boolean NOT NULL,
    tilelocid_assigned boolean NOT NULL,
    goodtsnr boolean,
    ntile bigint NOT NULL,
    tiles text NOT NULL,
    tilelocids text NOT NULL,
    brickid integer NOT NULL,
    brickname varchar(8) NOT NULL,
    morphtype varchar(4) NOT NULL,
    ra double precision NOT NULL,
    dec double precision NOT NULL,
    dchisq real[] NOT NULL,
    ebv real NOT NULL,
    flux_g real NOT NULL,
    flux_r real NOT NULL,
    flux_z real NOT NULL,
    flux_ivar_g real NOT NULL,
    flux_ivar_r real NOT NULL,
    flux_ivar_z real NOT NULL,
    mw_transmission_g real NOT NULL,
    mw_transmission_r real NOT NULL,
    mw_transmission_z real NOT NULL,
    nobs_g smallint NOT NULL,
    nobs_r smallint NOT NULL,
    nobs_z smallint NOT NULL,
    psfdepth_g real NOT NULL,
    psfdepth_r real NOT NULL,
    psfdepth_z real NOT NULL,
    galdepth_g real NOT NULL,
    galdepth_r real NOT NULL,
    galdepth_z real NOT NULL,
    flux_w1 real NOT NULL,
    flux_w2 real NOT NULL,
    flux_ivar_w1 real NOT NULL,
    flux_ivar_w2 real NOT NULL,
    mw_transmission_w1 real NOT NULL,
    mw_transmission_w2 real NOT NULL,
    fiberflux_g real NOT NULL,
    fiberflux_r real NOT NULL,
    fiberflux_z real NOT NULL,
    fibertotflux_g real NOT NULL,
    fibertotflux_r real NOT NULL,
    fibertotflux_z real NOT NULL,
    wisemask_w1 smallint NOT NULL,
    wisemask_w2 smallint NOT NULL,
    maskbits smallint NOT NULL,
    shape_r real NOT NULL,
    photsys varchar(1) NOT NULL,
    desi_target bigint NOT NULL,
    bgs_target bigint NOT NULL,
    oii_flux real,
    oii_flux_ivar real,
    o2c double precision,
    z_rr double precision,
    absmag01_sdss_g real,
    absmag01_sdss_r real,
    weight_fkp double precision,
    weight_rf double precision,
    weight_sn double precision,
    comp_tile double precision NOT NULL,
    fracz_tilelocid double precision NOT NULL,
    lrg_mask smallint,
    frac_tlobs_tiles double precision NOT NULL,
    weight_zfail double precision NOT NULL,
    mod_success_rate double precision NOT NULL,
    weight_imlin double precision,
    weight_ntile double precision,
    weight_fkp_ntile double precision
);
{% endblock %}

{% block keys %}
CREATE UNIQUE INDEX IF NOT EXISTS {{ table }}_pkey ON {{ schema }}.{{ table }} (tracer, targetid);
ALTER TABLE {{ schema }}.{{ table }} ADD CONSTRAINT {{ table }}_pkey PRIMARY KEY USING INDEX {{ table }}_pkey;
{% endblock %}

{% block indexes %}
CREATE INDEX IF NOT EXISTS ix_{{ table }}_targetid ON {{ schema }}.{{ table }} (targetid);
{% endblock %}

{% block q3c %}
CREATE INDEX IF NOT EXISTS ix_{{ table }}_q3c ON {{ schema }}.{{ table }} ({{ q3c }}.q3c_ang2ipix(ra, dec));
{% endblock %}

{% block cluster %}
CLUSTER {{ schema }}.{{ table }} USING ix_{{ table }}_q3c;
{% endblock %}

{% block comments %}
COMMENT ON TABLE {{ schema }}.{{ table }} IS 'Large-scale structure: full catalogues, with targets that were not observed, of all tracers';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tracer IS 'Tracer, as the name of the file begins, e.g. LRG or BGS_BRIGHT-21.5 (UCD meta.id)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.targetid IS 'Unique DESI target ID';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mws_target IS 'Milky Way Survey targeting bits';
COMMENT ON COLUMN {{ schema }}.{{ table }}.subpriority IS 'Random subpriority [0-1) to break assignment ties';
COMMENT ON COLUMN {{ schema }}.{{ table }}.priority_init IS 'Target initial priority from target selection bitmasks and OBSCONDITIONS';
COMMENT ON COLUMN {{ schema }}.{{ table }}.target_state IS 'Combination of target class and its current observational state';
COMMENT ON COLUMN {{ schema }}.{{ table }}.timestamp IS 'UTC/ISO time at which the target state was updated [s]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.location IS 'Location on the focal plane PETAL_LOC*1000 + DEVICE_LOC';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tileid IS 'Unique DESI tile ID';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tilelocid IS 'Is 10000*TILEID+LOCATION';
COMMENT ON COLUMN {{ schema }}.{{ table }}.lastnight IS 'Final night of observation included in a series of coadds';
COMMENT ON COLUMN {{ schema }}.{{ table }}.z IS 'Redshift measured by Redrock in "full_noveto" files';
COMMENT ON COLUMN {{ schema }}.{{ table }}.z_not4clus IS 'Redshift measured by Redrock in "full" and "full_HPmapcut" files';
COMMENT ON COLUMN {{ schema }}.{{ table }}.zerr IS 'Redshift error from redrock';
COMMENT ON COLUMN {{ schema }}.{{ table }}.zwarn IS 'Redshift warning bitmask from Redrock';
COMMENT ON COLUMN {{ schema }}.{{ table }}.chi2 IS 'Best fit chi squared';
COMMENT ON COLUMN {{ schema }}.{{ table }}.coeff IS 'Redrock template coefficients';
COMMENT ON COLUMN {{ schema }}.{{ table }}.npixels IS 'Number of unmasked pixels contributing to the Redrock fit';
COMMENT ON COLUMN {{ schema }}.{{ table }}.spectype IS 'Spectral type of Redrock best fit template (e.g. GALAXY, QSO, STAR)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.subtype IS 'Spectral subtype';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ncoeff IS 'Number of Redrock template coefficients';
COMMENT ON COLUMN {{ schema }}.{{ table }}.deltachi2 IS 'chi2 difference between first- and second-best redrock template fits';
COMMENT ON COLUMN {{ schema }}.{{ table }}.fiber IS 'Fiber ID on the CCDs (0-4999)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.coadd_fiberstatus IS 'bitwise-AND of input FIBERSTATUS';
COMMENT ON COLUMN {{ schema }}.{{ table }}.fiberassign_x IS 'Fiberassign expected CS5 X location on focal plane [mm]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.fiberassign_y IS 'Fiberassign expected CS5 Y location on focal plane [mm]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.priority IS 'Target current priority';
COMMENT ON COLUMN {{ schema }}.{{ table }}.coadd_numexp IS 'Number of exposures in coadd';
COMMENT ON COLUMN {{ schema }}.{{ table }}.coadd_exptime IS 'Summed exposure time for coadd [s]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.coadd_numnight IS 'Number of nights in coadd';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mean_delta_x IS 'Mean (over exposures) fiber difference requested - actual CS5 X location on focal plane [mm]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.rms_delta_x IS 'RMS (over exposures) of the fiber difference between measured and requested CS5 X location on focal plane [mm]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mean_delta_y IS 'Mean (over exposures) fiber difference requested - actual CS5 Y location on focal plane [mm]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.rms_delta_y IS 'RMS (over exposures) of the fiber difference between measured and requested CS5 Y location on focal plane [mm]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mean_psf_to_fiber_specflux IS 'Mean of input exposures fraction of light from point-like source captured by 1.5 arcsec diameter fiber given atmospheric seeing';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_elg_b IS 'ELG B template (S/N)^2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_lya_b IS 'LYA B template (S/N)^2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_bgs_b IS 'BGS B template (S/N)^2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_qso_b IS 'QSO B template (S/N)^2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_lrg_b IS 'LRG B template (S/N)^2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_elg_r IS 'ELG R template (S/N)^2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_lya_r IS 'LYA R template (S/N)^2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_bgs_r IS 'BGS R template (S/N)^2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_qso_r IS 'QSO R template (S/N)^2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_lrg_r IS 'LRG R template (S/N)^2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_elg_z IS 'ELG Z template (S/N)^2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_lya_z IS 'LYA Z template (S/N)^2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_bgs_z IS 'BGS Z template (S/N)^2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_qso_z IS 'QSO Z template (S/N)^2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_lrg_z IS 'LRG Z template (S/N)^2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_elg IS 'ELG template (S/N)^2 summed over B,R,Z';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_lya IS 'LYA template (S/N)^2 summed over B,R,Z';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_bgs IS 'BGS template (S/N)^2 summed over B,R,Z';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_qso IS 'QSO template (S/N)^2 summed over B,R,Z';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tsnr2_lrg IS 'LRG template (S/N)^2 summed over B,R,Z';
COMMENT ON COLUMN {{ schema }}.{{ table }}.zwarn_mtl IS 'The ZWARN from the zmtl file (contains extra bits)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.z_qn IS 'Redshift measured by QuasarNET using line with highest confidence';
COMMENT ON COLUMN {{ schema }}.{{ table }}.z_qn_conf IS 'Redshift confidence from QuasarNET';
COMMENT ON COLUMN {{ schema }}.{{ table }}.is_qso_qn IS 'Spectroscopic classification from QuasarNET (1 for a quasar)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.priority_assigned IS '(only for data) PRIORITY of the target that was assigned to the given FIBER and TILEID (redundant with PRIORITY in the random catalogs)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.goodpri IS 'True/False whether the priority of what was assigned to the location was &lt;= the base priority of the given target class';
COMMENT ON COLUMN {{ schema }}.{{ table }}.goodhardloc IS 'True/False whether the fiber had good hardware';
COMMENT ON COLUMN {{ schema }}.{{ table }}.location_assigned IS 'True/False for assigned/unassigned for the target in question';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tilelocid_assigned IS '0/1 for unassigned/assigned for TILELOCID in question (it could have been assigned to a different target)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.goodtsnr IS 'True/False whether the TSNR (class) value used was above the minimum threshold for the given target class';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ntile IS 'Number of tiles target was available on';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tiles IS 'TILEIDs of those tile, in string form separated by -';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tilelocids IS 'TILELOCIDs that the target was available for, separated by -';
COMMENT ON COLUMN {{ schema }}.{{ table }}.brickid IS 'Brick ID from tractor input';
COMMENT ON COLUMN {{ schema }}.{{ table }}.brickname IS 'Brick name from tractor input';
COMMENT ON COLUMN {{ schema }}.{{ table }}.morphtype IS 'Imaging Surveys morphological type from Tractor';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ra IS 'Barycentric Right Ascension in ICRS [deg]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.dec IS 'Barycentric declination in ICRS [deg]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.dchisq IS 'Difference in chi-squared between Tractor model fits';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ebv IS 'Galactic extinction E(B-V) reddening from SFD98 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_g IS 'Flux in the Legacy Survey g-band (AB) [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_r IS 'Flux in the Legacy Survey r-band (AB) [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_z IS 'Flux in the Legacy Survey z-band (AB) [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_ivar_g IS 'Inverse variance of FLUX_G (AB) [nanomaggy^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_ivar_r IS 'Inverse variance of FLUX_R (AB) [nanomaggy^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_ivar_z IS 'Inverse variance of FLUX_Z (AB) [nanomaggy^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mw_transmission_g IS 'Milky Way dust transmission in LS g-band';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mw_transmission_r IS 'Milky Way dust transmission in LS r-band';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mw_transmission_z IS 'Milky Way dust transmission in LS z-band';
COMMENT ON COLUMN {{ schema }}.{{ table }}.nobs_g IS 'Number of images for central pixel in g-band';
COMMENT ON COLUMN {{ schema }}.{{ table }}.nobs_r IS 'Number of images for central pixel in r-band';
COMMENT ON COLUMN {{ schema }}.{{ table }}.nobs_z IS 'Number of images for central pixel in z-band';
COMMENT ON COLUMN {{ schema }}.{{ table }}.psfdepth_g IS 'PSF-based depth in g-band [nanomaggy^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.psfdepth_r IS 'PSF-based depth in r-band [nanomaggy^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.psfdepth_z IS 'PSF-based depth in z-band [nanomaggy^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.galdepth_g IS 'Galaxy model-based depth in LS g-band [nanomaggy^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.galdepth_r IS 'Galaxy model-based depth in LS r-band [nanomaggy^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.galdepth_z IS 'Galaxy model-based depth in LS z-band [nanomaggy^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_w1 IS 'WISE flux in W1 (AB) [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_w2 IS 'WISE flux in W2 (AB) [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_ivar_w1 IS 'Inverse variance of FLUX_W1 (AB) [nanomaggy^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_ivar_w2 IS 'Inverse variance of FLUX_W2 (AB) [nanomaggy^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mw_transmission_w1 IS 'Milky Way dust transmission in WISE W1';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mw_transmission_w2 IS 'Milky Way dust transmission in WISE W2';
COMMENT ON COLUMN {{ schema }}.{{ table }}.fiberflux_g IS 'Predicted g-band flux within a fiber of diameter 1.5 arcsec from this object in 1 arcsec Gaussian seeing [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.fiberflux_r IS 'Predicted r-band flux within a fiber of diameter 1.5 arcsec from this object in 1 arcsec Gaussian seeing [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.fiberflux_z IS 'Predicted z-band flux within a fiber of diameter 1.5 arcsec from this object in 1 arcsec Gaussian seeing [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.fibertotflux_g IS 'Predicted g-band flux within a fiber of diameter 1.5 arcsec from all sources at this location in 1 arcsec Gaussian seeing [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.fibertotflux_r IS 'Predicted r-band flux within a fiber of diameter 1.5 arcsec from all sources at this location in 1 arcsec Gaussian seeing [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.fibertotflux_z IS 'Predicted z-band flux within a fiber of diameter 1.5 arcsec from all sources at this location in 1 arcsec Gaussian seeing [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.wisemask_w1 IS 'Bitwise mask for WISE W1 data';
COMMENT ON COLUMN {{ schema }}.{{ table }}.wisemask_w2 IS 'Bitwise mask for WISE W2 data';
COMMENT ON COLUMN {{ schema }}.{{ table }}.maskbits IS 'Bitwise mask from the imaging indicating potential issue or blending';
COMMENT ON COLUMN {{ schema }}.{{ table }}.shape_r IS 'Half-light radius of galaxy model (greater than 0) [arcsec]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.photsys IS 'N for the MzLS/BASS photometric system, S for DECaLS';
COMMENT ON COLUMN {{ schema }}.{{ table }}.desi_target IS 'DESI (dark time program) target selection bitmask';
COMMENT ON COLUMN {{ schema }}.{{ table }}.bgs_target IS 'BGS (Bright Galaxy Survey) target selection bitmask';
COMMENT ON COLUMN {{ schema }}.{{ table }}.oii_flux IS 'Fitted flux for the [OII] doublet [1e-17 erg s^-1 cm^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.oii_flux_ivar IS 'Inverse variance of the fitted flux for the [OII] doublet [1e34 s^2 cm^4 erg^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.o2c IS '(lower or uppercase) The criteria for assessing strength of OII emission for ELG observations [1e34 s^2 cm^4 erg^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.z_rr IS 'Redshift collected from redrock file';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_sdss_g IS 'g-corrected (to z=0.1) absolute magnitude in the SDSS g band from fastspecfit [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_sdss_r IS 'r-corrected (to z=0.1) absolute magnitude in the SDSS r band from fastspecfit [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.weight_fkp IS '1/(1+NZ*P0), with P0 different for each tracer';
COMMENT ON COLUMN {{ schema }}.{{ table }}.weight_rf IS 'Imaging systematics weights derived with the regressis random forest regression method';
COMMENT ON COLUMN {{ schema }}.{{ table }}.weight_sn IS 'Imaging systematics weights derived with the sysnet NN regression method';
COMMENT ON COLUMN {{ schema }}.{{ table }}.comp_tile IS 'Assignment completeness for all targets of this type with the same value for TILES';
COMMENT ON COLUMN {{ schema }}.{{ table }}.fracz_tilelocid IS 'The fraction of targets of this type at this TILELOCID that received an observation (after forcing each target to a unique TILELOCID)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.lrg_mask IS '(lower or upper case) Imaging mask bits relevant to LRG targets';
COMMENT ON COLUMN {{ schema }}.{{ table }}.frac_tlobs_tiles IS 'The completeness-like quantity determined within the given TILES group, obtained when weighting each observed target by 1/FRACZ_TILELOCID and dividing by the total number of targets in the region';
COMMENT ON COLUMN {{ schema }}.{{ table }}.weight_zfail IS 'Should be all 1 at this point for main survey';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mod_success_rate IS 'Expected spectroscopic success rate given the target and observation properties';
COMMENT ON COLUMN {{ schema }}.{{ table }}.weight_imlin IS 'Imaging systematics weights derived with the eBOSS linear regression method';
COMMENT ON COLUMN {{ schema }}.{{ table }}.weight_ntile IS 'A weight to be used when calculating the angular paircounts used to correct assignment incompleteness via angular upweighting (necessary to match the weighted angular distribution of the "clustering" catalogs)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.weight_fkp_ntile IS 'An additional weight to be used when calculating the angular paircounts used to correct assignment incompleteness via angular upweighting (necessary to match the weighted angular distribution of the "clustering" catalogs), if WEIGHT_FKP is used for the overall clustering measurement';
{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.{{ table }} TO {{ role }};
{% endfor %}
{% endblock %}
