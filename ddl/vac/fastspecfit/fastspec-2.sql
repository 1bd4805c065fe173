-- FastSpecFit 2.1 to 2.5: stellar continua, absolute magnitudes and emission lines, 17 columns for each of 47 lines.
-- What a version does not have is NULL: 2.1 has absolute magnitudes and K-corrections of other names.

{% block table %}
{% set lines = [
    'lyalpha', 'oi_1304', 'siliv_1396', 'civ_1549', 'heii_1640', 'aliii_1857', 'siliii_1892',
    'ciii_1908', 'mgii_2796', 'mgii_2803', 'nev_3346', 'nev_3426', 'oii_3726', 'oii_3729',
    'neiii_3869', 'h6', 'h6_broad', 'hepsilon', 'hepsilon_broad', 'hdelta', 'hdelta_broad',
    'hgamma', 'hgamma_broad', 'oiii_4363', 'hei_4471', 'hei_broad_4471', 'heii_4686',
    'heii_broad_4686', 'hbeta', 'hbeta_broad', 'oiii_4959', 'oiii_5007', 'nii_5755', 'hei_5876',
    'hei_broad_5876', 'oi_6300', 'siii_6312', 'nii_6548', 'halpha', 'halpha_broad', 'nii_6584',
    'sii_6716', 'sii_6731', 'oii_7320', 'oii_7330', 'siii_9069', 'siii_9532'
] %}
CREATE TABLE IF NOT EXISTS {{ schema }}.{{ table }} (
    targetid bigint NOT NULL,
    survey varchar(7) NOT NULL,
    program varchar(8) NOT NULL,
    healpix integer NOT NULL,
    z double precision,
    coeff real[],
    rchi2 real,
    rchi2_cont real,
    rchi2_phot real,
    snr_b real,
    snr_r real,
    snr_z real,
    smoothcorr_b real,
    smoothcorr_r real,
    smoothcorr_z real,
    vdisp real,
    vdisp_ivar real,
    av real,
    age real,
    zzsun real,
    logmstar real,
    sfr real,
    dn4000 real,
    dn4000_obs real,
    dn4000_ivar real,
    dn4000_model real,
    flux_synth_g real,
    flux_synth_r real,
    flux_synth_z real,
    flux_synth_specmodel_g real,
    flux_synth_specmodel_r real,
    flux_synth_specmodel_z real,
    flux_synth_photmodel_g real,
    flux_synth_photmodel_r real,
    flux_synth_photmodel_z real,
    flux_synth_photmodel_w1 real,
    flux_synth_photmodel_w2 real,
    flux_synth_photmodel_w3 real,
    flux_synth_photmodel_w4 real,
    kcorr_u real,
    absmag_u real,
    absmag_ivar_u real,
    kcorr_b real,
    absmag_b real,
    absmag_ivar_b real,
    kcorr_v real,
    absmag_v real,
    absmag_ivar_v real,
    kcorr_sdss_u real,
    absmag_sdss_u real,
    absmag_ivar_sdss_u real,
    kcorr_sdss_g real,
    absmag_sdss_g real,
    absmag_ivar_sdss_g real,
    kcorr_sdss_r real,
    absmag_sdss_r real,
    absmag_ivar_sdss_r real,
    kcorr_sdss_i real,
    absmag_sdss_i real,
    absmag_ivar_sdss_i real,
    kcorr_sdss_z real,
    absmag_sdss_z real,
    absmag_ivar_sdss_z real,
    kcorr_w1 real,
    absmag_w1 real,
    absmag_ivar_w1 real,
    kcorr_w2 real,
    absmag_w2 real,
    absmag_ivar_w2 real,
    absmag10_decam_g real,
    absmag10_ivar_decam_g real,
    kcorr10_decam_g real,
    absmag10_decam_r real,
    absmag10_ivar_decam_r real,
    kcorr10_decam_r real,
    absmag10_decam_z real,
    absmag10_ivar_decam_z real,
    kcorr10_decam_z real,
    absmag00_u real,
    absmag00_ivar_u real,
    kcorr00_u real,
    absmag00_b real,
    absmag00_ivar_b real,
    kcorr00_b real,
    absmag00_v real,
    absmag00_ivar_v real,
    kcorr00_v real,
    absmag01_sdss_u real,
    absmag01_ivar_sdss_u real,
    kcorr01_sdss_u real,
    absmag01_sdss_g real,
    absmag01_ivar_sdss_g real,
    kcorr01_sdss_g real,
    absmag01_sdss_r real,
    absmag01_ivar_sdss_r real,
    kcorr01_sdss_r real,
    absmag01_sdss_i real,
    absmag01_ivar_sdss_i real,
    kcorr01_sdss_i real,
    absmag01_sdss_z real,
    absmag01_ivar_sdss_z real,
    kcorr01_sdss_z real,
    absmag01_w1 real,
    absmag01_ivar_w1 real,
    kcorr01_w1 real,
    loglnu_1500 real,
    loglnu_2800 real,
    logl_1450 real,
    logl_1700 real,
    logl_3000 real,
    logl_5100 real,
    flya_1215_cont real,
    foii_3727_cont real,
    fhbeta_cont real,
    foiii_5007_cont real,
    fhalpha_cont real,
    rchi2_line real,
    delta_linerchi2 real,
    delta_linechi2 real,
    delta_linendof integer,
    apercorr real,
    apercorr_g real,
    apercorr_r real,
    apercorr_z real,
    narrow_z double precision,
    narrow_zrms double precision,
    broad_z double precision,
    broad_zrms double precision,
    uv_z double precision,
    uv_zrms double precision,
    narrow_sigma real,
    narrow_sigmarms real,
    broad_sigma real,
    broad_sigmarms real,
    uv_sigma real,
    uv_sigmarms real,
    mgii_doublet_ratio real,
    oii_doublet_ratio real,
    sii_doublet_ratio real
{%- for line in lines %},
    {{ line }}_modelamp real,
    {{ line }}_amp real,
    {{ line }}_amp_ivar real,
    {{ line }}_flux real,
    {{ line }}_flux_ivar real,
    {{ line }}_boxflux real,
    {{ line }}_boxflux_ivar real,
    {{ line }}_vshift real,
    {{ line }}_sigma real,
    {{ line }}_cont real,
    {{ line }}_cont_ivar real,
    {{ line }}_ew real,
    {{ line }}_ew_ivar real,
    {{ line }}_flux_limit real,
    {{ line }}_ew_limit real,
    {{ line }}_chi2 real,
    {{ line }}_npix integer
{%- endfor %}

);
{% endblock %}

{% block keys %}
CREATE UNIQUE INDEX IF NOT EXISTS {{ table }}_pkey ON {{ schema }}.{{ table }} (targetid, survey, program);
ALTER TABLE {{ schema }}.{{ table }} ADD CONSTRAINT {{ table }}_pkey PRIMARY KEY USING INDEX {{ table }}_pkey;
{% endblock %}

{% block comments %}
{% set lines = [
    'lyalpha', 'oi_1304', 'siliv_1396', 'civ_1549', 'heii_1640', 'aliii_1857', 'siliii_1892',
    'ciii_1908', 'mgii_2796', 'mgii_2803', 'nev_3346', 'nev_3426', 'oii_3726', 'oii_3729',
    'neiii_3869', 'h6', 'h6_broad', 'hepsilon', 'hepsilon_broad', 'hdelta', 'hdelta_broad',
    'hgamma', 'hgamma_broad', 'oiii_4363', 'hei_4471', 'hei_broad_4471', 'heii_4686',
    'heii_broad_4686', 'hbeta', 'hbeta_broad', 'oiii_4959', 'oiii_5007', 'nii_5755', 'hei_5876',
    'hei_broad_5876', 'oi_6300', 'siii_6312', 'nii_6548', 'halpha', 'halpha_broad', 'nii_6584',
    'sii_6716', 'sii_6731', 'oii_7320', 'oii_7330', 'siii_9069', 'siii_9532'
] %}
COMMENT ON TABLE {{ schema }}.{{ table }} IS 'Stellar continua, absolute magnitudes and emission lines fitted by FastSpecFit, 17 columns for each line';
COMMENT ON COLUMN {{ schema }}.{{ table }}.targetid IS 'Unique target ID';
COMMENT ON COLUMN {{ schema }}.{{ table }}.survey IS 'Survey name';
COMMENT ON COLUMN {{ schema }}.{{ table }}.program IS 'Program name';
COMMENT ON COLUMN {{ schema }}.{{ table }}.healpix IS 'Healpixel number';
COMMENT ON COLUMN {{ schema }}.{{ table }}.z IS 'Stellar continuum redshift';
COMMENT ON COLUMN {{ schema }}.{{ table }}.coeff IS 'Continuum coefficients';
COMMENT ON COLUMN {{ schema }}.{{ table }}.rchi2 IS 'Reduced chi-squared of the full-spectrum fit';
COMMENT ON COLUMN {{ schema }}.{{ table }}.rchi2_cont IS 'Reduced chi-squared of the fit to the stellar continuum';
COMMENT ON COLUMN {{ schema }}.{{ table }}.rchi2_phot IS 'Reduced chi-squared of the fit to the broadband photometry';
COMMENT ON COLUMN {{ schema }}.{{ table }}.snr_b IS 'Median signal-to-noise ratio per pixel in b camera';
COMMENT ON COLUMN {{ schema }}.{{ table }}.snr_r IS 'Median signal-to-noise ratio per pixel in r camera';
COMMENT ON COLUMN {{ schema }}.{{ table }}.snr_z IS 'Median signal-to-noise ratio per pixel in z camera';
COMMENT ON COLUMN {{ schema }}.{{ table }}.smoothcorr_b IS 'Mean value of the smooth continuum correction divided by the best-fitting continuum model in the b camera [percent]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.smoothcorr_r IS 'Mean value of the smooth continuum correction divided by the best-fitting continuum model in the r camera [percent]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.smoothcorr_z IS 'Mean value of the smooth continuum correction divided by the best-fitting continuum model in the z camera [percent]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.vdisp IS 'Stellar velocity dispersion [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.vdisp_ivar IS 'Inverse variance of VDISP [s^2 km^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.av IS 'Attenuation of the integrated stellar population [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.age IS 'Light-weighted age [Gyr]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.zzsun IS 'Logarithmic stellar metallicity relative to solar';
COMMENT ON COLUMN {{ schema }}.{{ table }}.logmstar IS 'Logarithmic stellar mass (h=1.0, Chabrier+2003 initial mass function) [Msun]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sfr IS 'Instantaneous star formation rate (h=1.0, Chabrier+2003 initial mass function) [Msun yr^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.dn4000 IS 'Narrow 4000-A break index (from Balogh et al. 1999) measured from the emission-line subtracted data';
COMMENT ON COLUMN {{ schema }}.{{ table }}.dn4000_obs IS 'Narrow 4000-A break index measured from the observed spectroscopic data';
COMMENT ON COLUMN {{ schema }}.{{ table }}.dn4000_ivar IS 'Inverse variance of DN4000_OBS or DN4000';
COMMENT ON COLUMN {{ schema }}.{{ table }}.dn4000_model IS 'Narrow 4000-A break index measured from the best-fitting continuum model';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_synth_g IS 'g-band flux synthesized from the data [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_synth_r IS 'r-band flux synthesized from the data [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_synth_z IS 'z-band flux synthesized from the data [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_synth_specmodel_g IS 'g-band flux synthesized from the best-fitting spectroscopic model [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_synth_specmodel_r IS 'r-band flux synthesized from the best-fitting spectroscopic model [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_synth_specmodel_z IS 'z-band flux synthesized from the best-fitting spectroscopic model [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_synth_photmodel_g IS 'g-band flux synthesized from the best-fitting photometric continuum model [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_synth_photmodel_r IS 'r-band flux synthesized from the best-fitting photometric continuum model [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_synth_photmodel_z IS 'z-band flux synthesized from the best-fitting photometric continuum model [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_synth_photmodel_w1 IS 'W1-band flux synthesized from the best-fitting photometric continuum model [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_synth_photmodel_w2 IS 'W2-band flux synthesized from the best-fitting photometric continuum model [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_synth_photmodel_w3 IS 'W3-band flux synthesized from the best-fitting photometric continuum model [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_synth_photmodel_w4 IS 'W4-band flux synthesized from the best-fitting photometric continuum model [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr_u IS 'K-correction used to derive ABSMAG_U band-shifted to z=0.0 assuming h=1.0 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag_u IS 'Absolute magnitude in Johnson/Cousins U-band band-shifted to z=0.0 assuming h=1.0 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag_ivar_u IS 'Inverse variance corresponding to ABSMAG_U [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr_b IS 'Like KCORR_U but for Johnson/Cousins B-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag_b IS 'Like ABSMAG_U but for Johnson/Cousins B-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag_ivar_b IS 'Like ABSMAG_IVAR_U but for Johnson/Cousins B-band [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr_v IS 'Like KCORR_U but for Johnson/Cousins V-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag_v IS 'Like ABSMAG_U but for Johnson/Cousins V-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag_ivar_v IS 'Like ABSMAG_IVAR_U but for Johnson/Cousins V-band [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr_sdss_u IS 'K-correction used to derive ABSMAG_SDSS_U band-shifted to z=0.1 assuming h=1.0 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag_sdss_u IS 'Absolute magnitude in SDSS u-band band-shifted to z=0.1 assuming h=1.0 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag_ivar_sdss_u IS 'Inverse variance corresponding to ABSMAG_SDSS_U [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr_sdss_g IS 'Like KCORR_SDSS_U but for SDSS g-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag_sdss_g IS 'Like ABSMAG_SDSS_U but for SDSS g-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag_ivar_sdss_g IS 'Like ABSMAG_IVAR_SDSS_U but for SDSS g-band [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr_sdss_r IS 'Like KCORR_SDSS_U but for SDSS r-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag_sdss_r IS 'Like ABSMAG_SDSS_U but for SDSS r-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag_ivar_sdss_r IS 'Like ABSMAG_IVAR_SDSS_U but for SDSS r-band [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr_sdss_i IS 'Like KCORR_SDSS_U but for SDSS i-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag_sdss_i IS 'Like ABSMAG_SDSS_U but for SDSS i-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag_ivar_sdss_i IS 'Like ABSMAG_IVAR_SDSS_U but for SDSS i-band [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr_sdss_z IS 'Like KCORR_SDSS_U but for SDSS z-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag_sdss_z IS 'Like ABSMAG_SDSS_U but for SDSS z-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag_ivar_sdss_z IS 'Like ABSMAG_IVAR_SDSS_U but for SDSS z-band [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr_w1 IS 'K-correction used to derive ABSMAG_W1 band-shifted to z=0.0 assuming h=1.0 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag_w1 IS 'Absolute magnitude in WISE W1-band band-shifted to z=0.0 assuming h=1.0 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag_ivar_w1 IS 'Inverse variance corresponding to ABSMAG_W1 [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr_w2 IS 'K-correction used to derive ABSMAG_W2 band-shifted to z=0.0 assuming h=1.0 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag_w2 IS 'Absolute magnitude in WISE W2-band band-shifted to z=0.0 assuming h=1.0 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag_ivar_w2 IS 'Inverse variance corresponding to ABSMAG_W2 [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag10_decam_g IS 'Absolute magnitude in DECam g-band band-shifted to z=1.0 assuming h=1.0 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag10_ivar_decam_g IS 'Inverse variance corresponding to ABSMAG10_DECAM_G [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr10_decam_g IS 'K-correction used to derive ABSMAG10_DECAM_G band-shifted to z=1.0 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag10_decam_r IS 'Absolute magnitude in DECam r-band band-shifted to z=1.0 assuming h=1.0 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag10_ivar_decam_r IS 'Inverse variance corresponding to ABSMAG10_DECAM_R [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr10_decam_r IS 'K-correction used to derive ABSMAG10_DECAM_R band-shifted to z=1.0 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag10_decam_z IS 'Absolute magnitude in DECam z-band band-shifted to z=1.0 assuming h=1.0 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag10_ivar_decam_z IS 'Inverse variance corresponding to ABSMAG10_DECAM_Z [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr10_decam_z IS 'K-correction used to derive ABSMAG10_DECAM_Z band-shifted to z=1.0 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag00_u IS 'Absolute magnitude in Johnson/Cousins U-band band-shifted to z=0.0 assuming h=1.0 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag00_ivar_u IS 'Inverse variance corresponding to ABSMAG00_U [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr00_u IS 'K-correction used to derive ABSMAG00_U band-shifted to z=0.0 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag00_b IS 'Like ABSMAG00_U but for Johnson/Cousins B-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag00_ivar_b IS 'Like ABSMAG00_IVAR_U but for Johnson/Cousins B-band [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr00_b IS 'Like KCORR00_U but for Johnson/Cousins B-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag00_v IS 'Like ABSMAG00_U but for Johnson/Cousins V-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag00_ivar_v IS 'Like ABSMAG00_IVAR_U but for Johnson/Cousins V-band [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr00_v IS 'Like KCORR00_U but for Johnson/Cousins V-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_sdss_u IS 'Absolute magnitude in SDSS u-band band-shifted to z=0.1 assuming h=1.0 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_ivar_sdss_u IS 'Inverse variance corresponding to ABSMAG01_SDSS_U [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr01_sdss_u IS 'K-correction used to derive ABSMAG01_SDSS_U band-shifted to z=0.1 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_sdss_g IS 'Like ABSMAG01_SDSS_U but for SDSS g-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_ivar_sdss_g IS 'Like ABSMAG01_IVAR_SDSS_U but for SDSS g-band [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr01_sdss_g IS 'Like KCORR01_SDSS_U but for SDSS g-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_sdss_r IS 'Like ABSMAG01_SDSS_U but for SDSS r-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_ivar_sdss_r IS 'Like ABSMAG01_IVAR_SDSS_U but for SDSS r-band [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr01_sdss_r IS 'Like KCORR01_SDSS_U but for SDSS r-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_sdss_i IS 'Like ABSMAG01_SDSS_U but for SDSS i-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_ivar_sdss_i IS 'Like ABSMAG01_IVAR_SDSS_U but for SDSS i-band [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr01_sdss_i IS 'Like KCORR01_SDSS_U but for SDSS i-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_sdss_z IS 'Like ABSMAG01_SDSS_U but for SDSS z-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_ivar_sdss_z IS 'Like ABSMAG01_IVAR_SDSS_U but for SDSS z-band [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr01_sdss_z IS 'Like KCORR01_SDSS_U but for SDSS z-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_w1 IS 'Absolute magnitude in WISE W1-band band-shifted to z=0.0 assuming h=1.0 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_ivar_w1 IS 'Inverse variance corresponding to ABSMAG01_W1 [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr01_w1 IS 'K-correction used to derive ABSMAG01_W1 band-shifted to z=0.0 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.loglnu_1500 IS 'Monochromatic luminosity at 1500 A in the rest-frame [1e28 erg s^-1 Hz^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.loglnu_2800 IS 'Monochromatic luminosity at 2800 A in the rest-frame [1e28 erg s^-1 Hz^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.logl_1450 IS 'Integrated luminosity at 1450 A in the rest-frame [1e10 Lsun]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.logl_1700 IS 'Integrated luminosity at 1700 A in the rest-frame [1e10 Lsun]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.logl_3000 IS 'Integrated luminosity at 3000 A in the rest-frame [1e10 Lsun]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.logl_5100 IS 'Integrated luminosity at 5100 A in the rest-frame [1e10 Lsun]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flya_1215_cont IS 'Continuum flux at 1215.67 A in the rest-frame [1e-17 erg Angstrom^-1 cm^-2 s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.foii_3727_cont IS 'Continuum flux at 3728.483 A in the rest-frame [1e-17 erg Angstrom^-1 cm^-2 s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.fhbeta_cont IS 'Continuum flux at 4862.683 A in the rest-frame [1e-17 erg Angstrom^-1 cm^-2 s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.foiii_5007_cont IS 'Continuum flux at 5008.239 A in the rest-frame [1e-17 erg Angstrom^-1 cm^-2 s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.fhalpha_cont IS 'Continuum flux at 6564.613 A in the rest-frame [1e-17 erg Angstrom^-1 cm^-2 s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.rchi2_line IS 'Reduced chi-squared of the emission-line model fit';
COMMENT ON COLUMN {{ schema }}.{{ table }}.delta_linerchi2 IS 'Difference in the reduced chi-squared values between an emission-line model with narrow lines only and a model with both broad and narrow lines';
COMMENT ON COLUMN {{ schema }}.{{ table }}.delta_linechi2 IS 'Chi-squared difference between an emission-line model without and with broad lines';
COMMENT ON COLUMN {{ schema }}.{{ table }}.delta_linendof IS 'Difference in the degrees of freedom between an emission-line model without and with broad lines';
COMMENT ON COLUMN {{ schema }}.{{ table }}.apercorr IS 'Median aperture correction factor';
COMMENT ON COLUMN {{ schema }}.{{ table }}.apercorr_g IS 'Aperture correction factor measured in the g-band';
COMMENT ON COLUMN {{ schema }}.{{ table }}.apercorr_r IS 'Like APERCORR_G but measured in the r-band';
COMMENT ON COLUMN {{ schema }}.{{ table }}.apercorr_z IS 'Like APERCORR_G but measured in the z-band';
COMMENT ON COLUMN {{ schema }}.{{ table }}.narrow_z IS 'Mean redshift of well-measured narrow rest-frame optical emission lines (defaults to Z)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.narrow_zrms IS 'Root-mean-square scatter in NARROW_Z';
COMMENT ON COLUMN {{ schema }}.{{ table }}.broad_z IS 'Mean redshift of well-measured broad rest-frame optical emission lines (defaults to Z)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.broad_zrms IS 'Root-mean-square scatter in BROAD_Z';
COMMENT ON COLUMN {{ schema }}.{{ table }}.uv_z IS 'Mean redshift of well-measured rest-frame UV emission lines (defaults to Z)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.uv_zrms IS 'Root-mean-square scatter in UV_Z';
COMMENT ON COLUMN {{ schema }}.{{ table }}.narrow_sigma IS 'Mean line-width of well-measured narrow rest-frame optical emission lines [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.narrow_sigmarms IS 'Root-mean-square scatter in NARROW_SIGMA [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.broad_sigma IS 'Mean line-width of well-measured broad rest-frame optical emission lines [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.broad_sigmarms IS 'Root-mean-square scatter in BROAD_SIGMA [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.uv_sigma IS 'Mean line-width of well-measured rest-frame UV emission lines [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.uv_sigmarms IS 'Root-mean-square scatter in UV_SIGMA [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mgii_doublet_ratio IS 'MgII 2796 / 2803 doublet line-ratio';
COMMENT ON COLUMN {{ schema }}.{{ table }}.oii_doublet_ratio IS '[OII] 3726 / 3729 doublet line-ratio';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sii_doublet_ratio IS '[SII] 6731 / 6716 doublet line-ratio';
{% for line in lines %}
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_modelamp IS '{{ line | upper }}: Model emission line amplitude [1e-17 erg Angstrom^-1 cm^-2 s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_amp IS '{{ line | upper }}: Emission line amplitude [1e-17 erg Angstrom^-1 cm^-2 s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_amp_ivar IS '{{ line | upper }}: Inverse variance of line-amplitude [1e34 Angstrom^2 cm^4 s^2 erg^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_flux IS '{{ line | upper }}: Gaussian-integrated emission-line flux [1e-17 erg cm^-2 s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_flux_ivar IS '{{ line | upper }}: Inverse variance of integrated flux [1e34 cm^4 s^2 erg^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_boxflux IS '{{ line | upper }}: Boxcar-integrated emission-line flux [1e-17 erg cm^-2 s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_boxflux_ivar IS '{{ line | upper }}: Inverse variance of boxcar-integrated flux [1e34 cm^4 s^2 erg^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_vshift IS '{{ line | upper }}: Velocity shift relative to Z [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_sigma IS '{{ line | upper }}: Gaussian emission-line width [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_cont IS '{{ line | upper }}: Continuum flux at line center [1e-17 erg Angstrom^-1 cm^-2 s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_cont_ivar IS '{{ line | upper }}: Inverse variance of continuum flux [1e34 Angstrom^2 cm^4 s^2 erg^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_ew IS '{{ line | upper }}: Rest-frame emission-line equivalent width [Angstrom]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_ew_ivar IS '{{ line | upper }}: Inverse variance of equivalent width [Angstrom^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_flux_limit IS '{{ line | upper }}: One-sigma upper limit on the emission line flux [erg cm^-2 s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_ew_limit IS '{{ line | upper }}: One-sigma upper limit on the emission line equivalent width [Angstrom]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_chi2 IS '{{ line | upper }}: Chi-squared of the line-fit';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_npix IS '{{ line | upper }}: Number of pixels attributed to the emission line';
{% endfor %}
{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.{{ table }} TO {{ role }};
{% endfor %}
{% endblock %}
