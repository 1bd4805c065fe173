-- Quantities of continua and photometry. All may be NULL: fits of photometry alone lack those of spectra.

{% block table %}
CREATE TABLE IF NOT EXISTS {{ schema }}.{{ table }} (
    targetid bigint NOT NULL,
    survey varchar(7) NOT NULL,
    program varchar(8) NOT NULL,
    healpix integer NOT NULL,
    seed bigint,
    coeff real[],
    rchi2 real,
    rchi2_line real,
    rchi2_cont real,
    rchi2_phot real,
    vdisp real,
    vdisp_ivar real,
    tauv real,
    tauv_ivar real,
    age real,
    age_ivar real,
    zzsun real,
    zzsun_ivar real,
    logmstar real,
    logmstar_ivar real,
    sfr real,
    sfr_ivar real,
    dn4000 real,
    dn4000_obs real,
    dn4000_ivar real,
    dn4000_model real,
    dn4000_model_ivar real,
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
    absmag10_decam_g real,
    absmag10_ivar_decam_g real,
    absmag10_synth_decam_g real,
    absmag10_synth_ivar_decam_g real,
    absmag10_decam_r real,
    absmag10_ivar_decam_r real,
    absmag10_synth_decam_r real,
    absmag10_synth_ivar_decam_r real,
    absmag10_decam_z real,
    absmag10_ivar_decam_z real,
    absmag10_synth_decam_z real,
    absmag10_synth_ivar_decam_z real,
    absmag00_u real,
    absmag00_ivar_u real,
    absmag00_synth_u real,
    absmag00_synth_ivar_u real,
    absmag00_b real,
    absmag00_ivar_b real,
    absmag00_synth_b real,
    absmag00_synth_ivar_b real,
    absmag00_v real,
    absmag00_ivar_v real,
    absmag00_synth_v real,
    absmag00_synth_ivar_v real,
    absmag00_twomass_j real,
    absmag00_ivar_twomass_j real,
    absmag00_synth_twomass_j real,
    absmag00_synth_ivar_twomass_j real,
    absmag01_sdss_u real,
    absmag01_ivar_sdss_u real,
    absmag01_synth_sdss_u real,
    absmag01_synth_ivar_sdss_u real,
    absmag01_sdss_g real,
    absmag01_ivar_sdss_g real,
    absmag01_synth_sdss_g real,
    absmag01_synth_ivar_sdss_g real,
    absmag01_sdss_r real,
    absmag01_ivar_sdss_r real,
    absmag01_synth_sdss_r real,
    absmag01_synth_ivar_sdss_r real,
    absmag01_sdss_i real,
    absmag01_ivar_sdss_i real,
    absmag01_synth_sdss_i real,
    absmag01_synth_ivar_sdss_i real,
    absmag01_sdss_z real,
    absmag01_ivar_sdss_z real,
    absmag01_synth_sdss_z real,
    absmag01_synth_ivar_sdss_z real,
    absmag01_w1 real,
    absmag01_ivar_w1 real,
    absmag01_synth_w1 real,
    absmag01_synth_ivar_w1 real,
    kcorr10_decam_g real,
    kcorr10_decam_r real,
    kcorr10_decam_z real,
    kcorr00_u real,
    kcorr00_b real,
    kcorr00_v real,
    kcorr01_sdss_u real,
    kcorr01_sdss_g real,
    kcorr01_sdss_r real,
    kcorr01_sdss_i real,
    kcorr01_sdss_z real,
    kcorr01_w1 real,
    loglnu_1500 real,
    loglnu_1500_ivar real,
    loglnu_2800 real,
    loglnu_2800_ivar real,
    logl_1450 real,
    logl_1450_ivar real,
    logl_1700 real,
    logl_1700_ivar real,
    logl_3000 real,
    logl_3000_ivar real,
    logl_5100 real,
    logl_5100_ivar real,
    flya_1215_cont real,
    flya_1215_cont_ivar real,
    foii_3727_cont real,
    foii_3727_cont_ivar real,
    fhbeta_cont real,
    fhbeta_cont_ivar real,
    foiii_5007_cont real,
    foiii_5007_cont_ivar real,
    fhalpha_cont real,
    fhalpha_cont_ivar real
);
{% endblock %}

{% block keys %}
CREATE UNIQUE INDEX IF NOT EXISTS {{ table }}_pkey ON {{ schema }}.{{ table }} (targetid, survey, program);
ALTER TABLE {{ schema }}.{{ table }} ADD CONSTRAINT {{ table }}_pkey PRIMARY KEY USING INDEX {{ table }}_pkey;
{% endblock %}

{% block comments %}
COMMENT ON TABLE {{ schema }}.{{ table }} IS 'Spectrophotometric quantities of FastSpecFit: stellar mass, ages, absolute magnitudes, K-corrections';
COMMENT ON COLUMN {{ schema }}.{{ table }}.targetid IS 'Unique target ID';
COMMENT ON COLUMN {{ schema }}.{{ table }}.survey IS 'Survey name';
COMMENT ON COLUMN {{ schema }}.{{ table }}.program IS 'Program name';
COMMENT ON COLUMN {{ schema }}.{{ table }}.healpix IS 'Healpixel number';
COMMENT ON COLUMN {{ schema }}.{{ table }}.seed IS 'Random seed used for Monte Carlo realizations';
COMMENT ON COLUMN {{ schema }}.{{ table }}.coeff IS 'Stellar continuum coefficients [1e-17 erg Angstrom^-1 cm^-2 s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.rchi2 IS 'Reduced chi-squared of the full-spectrophotometric fit';
COMMENT ON COLUMN {{ schema }}.{{ table }}.rchi2_line IS 'Reduced chi-squared of the emission-line model fit';
COMMENT ON COLUMN {{ schema }}.{{ table }}.rchi2_cont IS 'Reduced chi-squared of the fit to the stellar continuum';
COMMENT ON COLUMN {{ schema }}.{{ table }}.rchi2_phot IS 'Reduced chi-squared of the fit to the broadband photometry';
COMMENT ON COLUMN {{ schema }}.{{ table }}.vdisp IS 'Stellar velocity dispersion [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.vdisp_ivar IS 'Inverse variance of VDISP [s^2 km^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tauv IS 'V-band dust optical depth of the integrated stellar population';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tauv_ivar IS 'Inverse variance of TAUV';
COMMENT ON COLUMN {{ schema }}.{{ table }}.age IS 'Light-weighted age [Gyr]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.age_ivar IS 'Inverse variance of AGE [Gyr^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.zzsun IS 'Logarithmic stellar metallicity relative to solar';
COMMENT ON COLUMN {{ schema }}.{{ table }}.zzsun_ivar IS 'Inverse variance of ZZSUN';
COMMENT ON COLUMN {{ schema }}.{{ table }}.logmstar IS 'Logarithmic stellar mass (h=1.0, Chabrier+2003 initial mass function) [Msun]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.logmstar_ivar IS 'Inverse variance of LOGMSTAR [Msun^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sfr IS 'Instantaneous star formation rate (h=1.0, Chabrier+2003 initial mass function) [Msun yr^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sfr_ivar IS 'Inverse variance of SFR [yr^2 Msun^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.dn4000 IS 'Narrow 4000-A break index (from Balogh et al. 1999) measured from the emission-line subtracted spectrum';
COMMENT ON COLUMN {{ schema }}.{{ table }}.dn4000_obs IS 'Narrow 4000-A break index measured from the observed spectrum';
COMMENT ON COLUMN {{ schema }}.{{ table }}.dn4000_ivar IS 'Inverse variance of DN4000_OBS and of DN4000';
COMMENT ON COLUMN {{ schema }}.{{ table }}.dn4000_model IS 'Narrow 4000-A break index measured from the best-fitting continuum model';
COMMENT ON COLUMN {{ schema }}.{{ table }}.dn4000_model_ivar IS 'Inverse variance of DN4000_MODEL';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_synth_g IS 'g-band flux (in the PHOTSYS photometric system) synthesized from the observed spectrum [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_synth_r IS 'Like FLUX_SYNTH_G but for the r-band [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_synth_z IS 'Like FLUX_SYNTH_G but for the z-band [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_synth_specmodel_g IS 'g-band flux (in the PHOTSYS photometric system) synthesized from the best-fitting spectroscopic model [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_synth_specmodel_r IS 'Like FLUX_SYNTH_SPECMODEL_G but in the r-band [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_synth_specmodel_z IS 'Like FLUX_SYNTH_SPECMODEL_G but in the z-band [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_synth_photmodel_g IS 'g-band flux (in the PHOTSYS photometric system) synthesized from the best-fitting photometric continuum model [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_synth_photmodel_r IS 'Like FLUX_SYNTH_PHOTMODEL_G but in the r-band [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_synth_photmodel_z IS 'Like FLUX_SYNTH_PHOTMODEL_G but in the z-band [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_synth_photmodel_w1 IS 'Like FLUX_SYNTH_PHOTMODEL_G but in the W1-band [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_synth_photmodel_w2 IS 'Like FLUX_SYNTH_PHOTMODEL_G but in the W2-band [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_synth_photmodel_w3 IS 'Like FLUX_SYNTH_PHOTMODEL_G but in the W3-band [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_synth_photmodel_w4 IS 'Like FLUX_SYNTH_PHOTMODEL_G but in the W4-band [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag10_decam_g IS 'Absolute magnitude in DECam g-band band-shifted to z=1.0 assuming h=1.0 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag10_ivar_decam_g IS 'Inverse variance corresponding to ABSMAG10_DECAM_G [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag10_synth_decam_g IS 'Synthesized absolute magnitude in DECam g-band band-shifted to z=1.0 assuming h=1.0 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag10_synth_ivar_decam_g IS 'Inverse variance corresponding to ABSMAG10_SYNTH_DECAM_G [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag10_decam_r IS 'Like ABSMAG10_DECAM_G but for DECam r-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag10_ivar_decam_r IS 'Like ABSMAG10_IVAR_DECAM_G but for DECam r-band [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag10_synth_decam_r IS 'Like ABSMAG10_SYNTH_DECAM_G but for DECam r-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag10_synth_ivar_decam_r IS 'Like ABSMAG10_SYNTH_IVAR_DECAM_G but for DECam r-band [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag10_decam_z IS 'Like ABSMAG10_DECAM_G but for DECam z-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag10_ivar_decam_z IS 'Like ABSMAG10_IVAR_DECAM_G but for DECam z-band [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag10_synth_decam_z IS 'Like ABSMAG10_SYNTH_DECAM_G but for DECam z-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag10_synth_ivar_decam_z IS 'Like ABSMAG10_SYNTH_IVAR_DECAM_G but for DECam z-band [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag00_u IS 'Absolute magnitude in Johnson/Cousins U-band band-shifted to z=0.0 assuming h=1.0 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag00_ivar_u IS 'Inverse variance corresponding to ABSMAG00_U [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag00_synth_u IS 'Synthesized absolute magnitude in Johnson/Cousins U-band band-shifted to z=0.0 assuming h=1.0 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag00_synth_ivar_u IS 'Inverse variance corresponding to ABSMAG00_SYNTH_U [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag00_b IS 'Like ABSMAG00_U but for Johnson/Cousins B-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag00_ivar_b IS 'Like ABSMAG00_IVAR_U but for Johnson/Cousins B-band [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag00_synth_b IS 'Like ABSMAG00_SYNTH_U but for Johnson/Cousins B-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag00_synth_ivar_b IS 'Like ABSMAG00_SYNTH_IVAR_U but for Johnson/Cousins B-band [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag00_v IS 'Like ABSMAG00_U but for Johnson/Cousins V-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag00_ivar_v IS 'Like ABSMAG00_IVAR_U but for Johnson/Cousins V-band [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag00_synth_v IS 'Like ABSMAG00_SYNTH_U but for Johnson/Cousins V-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag00_synth_ivar_v IS 'Like ABSMAG00_SYNTH_IVAR_U but for Johnson/Cousins V-band [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag00_twomass_j IS 'Absolute magnitude in 2MASS J-band band-shifted to z=0.0 assuming h=1.0 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag00_ivar_twomass_j IS 'Inverse variance corresponding to ABSMAG00_TWOMASS_J [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag00_synth_twomass_j IS 'Synthesized absolute magnitude in 2MASS J-band band-shifted to z=0.0 assuming h=1.0 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag00_synth_ivar_twomass_j IS 'Inverse variance corresponding to ABSMAG01_SYNTH_TWOMASS_J [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_sdss_u IS 'Absolute magnitude in SDSS u-band band-shifted to z=0.1 assuming h=1.0 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_ivar_sdss_u IS 'Inverse variance corresponding to ABSMAG01_SDSS_U [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_synth_sdss_u IS 'Synthesized absolute magnitude in SDSS u-band band-shifted to z=0.1 assuming h=1.0 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_synth_ivar_sdss_u IS 'Inverse variance corresponding to ABSMAG01_SYNTH_SDSS_U [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_sdss_g IS 'Like ABSMAG01_SDSS_U but for SDSS g-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_ivar_sdss_g IS 'Like ABSMAG01_IVAR_SDSS_U but for SDSS g-band [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_synth_sdss_g IS 'Like ABSMAG01_SYNTH_SDSS_U but for SDSS g-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_synth_ivar_sdss_g IS 'Like ABSMAG01_SYNTH_IVAR_SDSS_U but for SDSS g-band [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_sdss_r IS 'Like ABSMAG01_SDSS_U but for SDSS r-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_ivar_sdss_r IS 'Like ABSMAG01_IVAR_SDSS_U but for SDSS r-band [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_synth_sdss_r IS 'Like ABSMAG01_SYNTH_SDSS_U but for SDSS r-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_synth_ivar_sdss_r IS 'Like ABSMAG01_SYNTH_IVAR_SDSS_U but for SDSS r-band [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_sdss_i IS 'Like ABSMAG01_SDSS_U but for SDSS i-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_ivar_sdss_i IS 'Like ABSMAG01_IVAR_SDSS_U but for SDSS i-band [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_synth_sdss_i IS 'Like ABSMAG01_SYNTH_SDSS_U but for SDSS i-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_synth_ivar_sdss_i IS 'Like ABSMAG01_SYNTH_IVAR_SDSS_U but for SDSS i-band [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_sdss_z IS 'Like ABSMAG01_SDSS_U but for SDSS z-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_ivar_sdss_z IS 'Like ABSMAG01_IVAR_SDSS_U but for SDSS z-band [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_synth_sdss_z IS 'Like ABSMAG01_SYNTH_SDSS_U but for SDSS z-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_synth_ivar_sdss_z IS 'Like ABSMAG01_SYNTH_IVAR_SDSS_U but for SDSS z-band [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_w1 IS 'Absolute magnitude in WISE W1-band band-shifted to z=0.1 assuming h=1.0 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_ivar_w1 IS 'Inverse variance corresponding to ABSMAG01_W1 [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_synth_w1 IS 'Synthesized absolute magnitude in WISE W1-band band-shifted to z=0.1 assuming h=1.0 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.absmag01_synth_ivar_w1 IS 'Inverse variance corresponding to ABSMAG01_SYNTH_W1 [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr10_decam_g IS 'K-correction used to derive ABSMAG10_DECAM_G band-shifted to z=1.0 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr10_decam_r IS 'Like KCORR10_DECAM_G but for DECam r-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr10_decam_z IS 'Like KCORR10_DECAM_G but for DECam z-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr00_u IS 'K-correction used to derive ABSMAG00_U band-shifted to z=0.0 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr00_b IS 'Like KCORR00_U but for Johnson/Cousins B-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr00_v IS 'Like KCORR00_U but for Johnson/Cousins V-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr01_sdss_u IS 'K-correction used to derive ABSMAG01_SDSS_U band-shifted to z=0.1 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr01_sdss_g IS 'Like KCORR01_SDSS_U but for SDSS g-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr01_sdss_r IS 'Like KCORR01_SDSS_U but for SDSS r-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr01_sdss_i IS 'Like KCORR01_SDSS_U but for SDSS i-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr01_sdss_z IS 'Like KCORR01_SDSS_U but for SDSS z-band [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.kcorr01_w1 IS 'K-correction used to derive ABSMAG01_W1 band-shifted to z=0.0 [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.loglnu_1500 IS 'Monochromatic luminosity at 1500 A in the rest-frame [1e-28 erg Hz^-1 s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.loglnu_1500_ivar IS 'Inverse variance in LOGLNU_1500 [1e56 Hz^2 s^2 erg^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.loglnu_2800 IS 'Monochromatic luminosity at 2800 A in the rest-frame [1e-28 erg Hz^-1 s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.loglnu_2800_ivar IS 'Inverse variance in LOGLNU_2800 [1e56 Hz^2 s^2 erg^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.logl_1450 IS 'Integrated luminosity at 1450 A in the rest-frame [1e10 Lsun]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.logl_1450_ivar IS 'Inverse variance in LOGL_1450 [1e-20 Lsun^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.logl_1700 IS 'Integrated luminosity at 1700 A in the rest-frame [1e10 Lsun]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.logl_1700_ivar IS 'Inverse variance in LOGL_1700 [1e-20 Lsun^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.logl_3000 IS 'Integrated luminosity at 3000 A in the rest-frame [1e10 Lsun]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.logl_3000_ivar IS 'Inverse variance in LOGL_3000 [1e-20 Lsun^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.logl_5100 IS 'Integrated luminosity at 5100 A in the rest-frame [1e10 Lsun]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.logl_5100_ivar IS 'Inverse variance in LOGL_5100 [1e-20 Lsun^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flya_1215_cont IS 'Continuum flux at 1215.67 A in the rest-frame [1e-17 erg Angstrom^-1 cm^-2 s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flya_1215_cont_ivar IS 'Inverse variance in FLYA_1215_CONT [1e34 cm^4 Angstrom^2 s^2 erg^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.foii_3727_cont IS 'Continuum flux at 3728.483 A in the rest-frame [1e-17 erg Angstrom^-1 cm^-2 s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.foii_3727_cont_ivar IS 'Inverse variance in FOII_3727_CONT [1e34 cm^4 Angstrom^2 s^2 erg^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.fhbeta_cont IS 'Continuum flux at 4862.683 A in the rest-frame [1e-17 erg Angstrom^-1 cm^-2 s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.fhbeta_cont_ivar IS 'Inverse variance in FHBETA_CONT [1e34 cm^4 Angstrom^2 s^2 erg^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.foiii_5007_cont IS 'Continuum flux at 5008.239 A in the rest-frame [1e-17 erg Angstrom^-1 cm^-2 s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.foiii_5007_cont_ivar IS 'Inverse variance in FOIII_5007_CONT [1e34 cm^4 Angstrom^2 s^2 erg^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.fhalpha_cont IS 'Continuum flux at 6564.613 A in the rest-frame [1e-17 erg Angstrom^-1 cm^-2 s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.fhalpha_cont_ivar IS 'Inverse variance in FHALPHA_CONT [1e34 cm^4 Angstrom^2 s^2 erg^-2]';
{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.{{ table }} TO {{ role }};
{% endfor %}
{% endblock %}
