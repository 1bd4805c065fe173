-- The rows of gaia_source that belong to the spectra. The HDU has no TARGETID: the number of the row matches.

{% block table %}
CREATE TABLE IF NOT EXISTS {{ schema }}.{{ table }} (
    targetid bigint NOT NULL,
    survey varchar(7) NOT NULL,
    program varchar(8) NOT NULL,
    solution_id bigint NOT NULL,
    designation varchar(28) NOT NULL,
    source_id bigint NOT NULL,
    random_index bigint NOT NULL,
    ref_epoch double precision NOT NULL,
    ra double precision NOT NULL,
    ra_error real NOT NULL,
    dec double precision NOT NULL,
    dec_error real NOT NULL,
    parallax double precision NOT NULL,
    parallax_error real NOT NULL,
    parallax_over_error real NOT NULL,
    pm real NOT NULL,
    pmra double precision NOT NULL,
    pmra_error real NOT NULL,
    pmdec double precision NOT NULL,
    pmdec_error real NOT NULL,
    ra_dec_corr real NOT NULL,
    ra_parallax_corr real NOT NULL,
    ra_pmra_corr real NOT NULL,
    ra_pmdec_corr real NOT NULL,
    dec_parallax_corr real NOT NULL,
    dec_pmra_corr real NOT NULL,
    dec_pmdec_corr real NOT NULL,
    parallax_pmra_corr real NOT NULL,
    parallax_pmdec_corr real NOT NULL,
    pmra_pmdec_corr real NOT NULL,
    astrometric_n_obs_al smallint NOT NULL,
    astrometric_n_obs_ac smallint NOT NULL,
    astrometric_n_good_obs_al smallint NOT NULL,
    astrometric_n_bad_obs_al smallint NOT NULL,
    astrometric_gof_al real NOT NULL,
    astrometric_chi2_al real NOT NULL,
    astrometric_excess_noise real NOT NULL,
    astrometric_excess_noise_sig real NOT NULL,
    astrometric_params_solved smallint NOT NULL,
    astrometric_primary_flag boolean NOT NULL,
    nu_eff_used_in_astrometry real NOT NULL,
    pseudocolour real NOT NULL,
    pseudocolour_error real NOT NULL,
    ra_pseudocolour_corr real NOT NULL,
    dec_pseudocolour_corr real NOT NULL,
    parallax_pseudocolour_corr real NOT NULL,
    pmra_pseudocolour_corr real NOT NULL,
    pmdec_pseudocolour_corr real NOT NULL,
    astrometric_matched_transits smallint NOT NULL,
    visibility_periods_used smallint NOT NULL,
    astrometric_sigma5d_max real NOT NULL,
    matched_transits smallint NOT NULL,
    new_matched_transits smallint NOT NULL,
    matched_transits_removed smallint NOT NULL,
    ipd_gof_harmonic_amplitude real NOT NULL,
    ipd_gof_harmonic_phase real NOT NULL,
    ipd_frac_multi_peak smallint NOT NULL,
    ipd_frac_odd_win smallint NOT NULL,
    ruwe real NOT NULL,
    scan_direction_strength_k1 real NOT NULL,
    scan_direction_strength_k2 real NOT NULL,
    scan_direction_strength_k3 real NOT NULL,
    scan_direction_strength_k4 real NOT NULL,
    scan_direction_mean_k1 real NOT NULL,
    scan_direction_mean_k2 real NOT NULL,
    scan_direction_mean_k3 real NOT NULL,
    scan_direction_mean_k4 real NOT NULL,
    duplicated_source boolean NOT NULL,
    phot_g_n_obs smallint NOT NULL,
    phot_g_mean_flux double precision NOT NULL,
    phot_g_mean_flux_error real NOT NULL,
    phot_g_mean_flux_over_error real NOT NULL,
    phot_g_mean_mag real NOT NULL,
    phot_bp_n_obs smallint NOT NULL,
    phot_bp_mean_flux double precision NOT NULL,
    phot_bp_mean_flux_error real NOT NULL,
    phot_bp_mean_flux_over_error real NOT NULL,
    phot_bp_mean_mag real NOT NULL,
    phot_rp_n_obs smallint NOT NULL,
    phot_rp_mean_flux double precision NOT NULL,
    phot_rp_mean_flux_error real NOT NULL,
    phot_rp_mean_flux_over_error real NOT NULL,
    phot_rp_mean_mag real NOT NULL,
    phot_bp_rp_excess_factor real NOT NULL,
    phot_bp_n_contaminated_transits smallint NOT NULL,
    phot_bp_n_blended_transits smallint NOT NULL,
    phot_rp_n_contaminated_transits smallint NOT NULL,
    phot_rp_n_blended_transits smallint NOT NULL,
    phot_proc_mode smallint NOT NULL,
    bp_rp real NOT NULL,
    bp_g real NOT NULL,
    g_rp real NOT NULL,
    radial_velocity real NOT NULL,
    radial_velocity_error real NOT NULL,
    rv_method_used smallint NOT NULL,
    rv_nb_transits smallint NOT NULL,
    rv_nb_deblended_transits smallint NOT NULL,
    rv_visibility_periods_used smallint NOT NULL,
    rv_expected_sig_to_noise real NOT NULL,
    rv_renormalised_gof real NOT NULL,
    rv_chisq_pvalue real NOT NULL,
    rv_time_duration real NOT NULL,
    rv_amplitude_robust real NOT NULL,
    rv_template_teff real NOT NULL,
    rv_template_logg real NOT NULL,
    rv_template_fe_h real NOT NULL,
    rv_atm_param_origin smallint NOT NULL,
    vbroad real NOT NULL,
    vbroad_error real NOT NULL,
    vbroad_nb_transits smallint NOT NULL,
    grvs_mag real NOT NULL,
    grvs_mag_error real NOT NULL,
    grvs_mag_nb_transits smallint NOT NULL,
    rvs_spec_sig_to_noise real NOT NULL,
    phot_variable_flag varchar(20) NOT NULL,
    l double precision NOT NULL,
    b double precision NOT NULL,
    ecl_lon double precision NOT NULL,
    ecl_lat double precision NOT NULL,
    in_qso_candidates boolean NOT NULL,
    in_galaxy_candidates boolean NOT NULL,
    non_single_star smallint NOT NULL,
    has_xp_continuous boolean NOT NULL,
    has_xp_sampled boolean NOT NULL,
    has_rvs boolean NOT NULL,
    has_epoch_photometry boolean NOT NULL,
    has_epoch_rv boolean NOT NULL,
    has_mcmc_gspphot boolean NOT NULL,
    has_mcmc_msc boolean NOT NULL,
    in_andromeda_survey boolean NOT NULL,
    classprob_dsc_combmod_quasar real NOT NULL,
    classprob_dsc_combmod_galaxy real NOT NULL,
    classprob_dsc_combmod_star real NOT NULL,
    teff_gspphot real NOT NULL,
    teff_gspphot_lower real NOT NULL,
    teff_gspphot_upper real NOT NULL,
    logg_gspphot real NOT NULL,
    logg_gspphot_lower real NOT NULL,
    logg_gspphot_upper real NOT NULL,
    mh_gspphot real NOT NULL,
    mh_gspphot_lower real NOT NULL,
    mh_gspphot_upper real NOT NULL,
    distance_gspphot real NOT NULL,
    distance_gspphot_lower real NOT NULL,
    distance_gspphot_upper real NOT NULL,
    azero_gspphot real NOT NULL,
    azero_gspphot_lower real NOT NULL,
    azero_gspphot_upper real NOT NULL,
    ag_gspphot real NOT NULL,
    ag_gspphot_lower real NOT NULL,
    ag_gspphot_upper real NOT NULL,
    ebpminrp_gspphot real NOT NULL,
    ebpminrp_gspphot_lower real NOT NULL,
    ebpminrp_gspphot_upper real NOT NULL,
    libname_gspphot varchar(20) NOT NULL,
    ebv real NOT NULL
);
{% endblock %}

{% block keys %}
CREATE UNIQUE INDEX IF NOT EXISTS {{ table }}_pkey ON {{ schema }}.{{ table }} (targetid, survey, program);
ALTER TABLE {{ schema }}.{{ table }} ADD CONSTRAINT {{ table }}_pkey PRIMARY KEY USING INDEX {{ table }}_pkey;
{% endblock %}

{% block indexes %}
CREATE INDEX IF NOT EXISTS ix_{{ table }}_source_id ON {{ schema }}.{{ table }} (source_id);
{% endblock %}

{% block comments %}
COMMENT ON TABLE {{ schema }}.{{ table }} IS 'Milky Way Survey: Gaia DR3 sources of the spectra, matched row by row';
COMMENT ON COLUMN {{ schema }}.{{ table }}.targetid IS 'Object identifier, of HDU RVTAB: this HDU is matched with it row by row (UCD meta.id)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.survey IS 'Survey of the spectrum, of HDU RVTAB (UCD meta.id;obs)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.program IS 'Program of the spectrum, of HDU RVTAB (UCD meta.id;obs)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.solution_id IS 'solution_id of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.designation IS 'designation of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.source_id IS 'source_id of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.random_index IS 'random_index of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ref_epoch IS 'Reference epoch for Gaia/Tycho astrometry. Typically 2015.5 for Gaia [yr]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ra IS 'Target Right Ascension [deg]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ra_error IS 'ra_error of Gaia DR3, gaia_source [mas]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.dec IS 'Target declination [deg]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.dec_error IS 'dec_error of Gaia DR3, gaia_source [mas]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.parallax IS 'Reference catalog parallax [mas]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.parallax_error IS 'parallax_error of Gaia DR3, gaia_source [mas]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.parallax_over_error IS 'parallax_over_error of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.pm IS 'pm of Gaia DR3, gaia_source [mas yr^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.pmra IS 'proper motion in the +RA direction (already including cos(dec)) [mas yr^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.pmra_error IS 'pmra_error of Gaia DR3, gaia_source [mas yr^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.pmdec IS 'Proper motion in the +Dec direction [mas yr^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.pmdec_error IS 'pmdec_error of Gaia DR3, gaia_source [mas yr^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ra_dec_corr IS 'ra_dec_corr of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ra_parallax_corr IS 'ra_parallax_corr of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ra_pmra_corr IS 'ra_pmra_corr of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ra_pmdec_corr IS 'ra_pmdec_corr of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.dec_parallax_corr IS 'dec_parallax_corr of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.dec_pmra_corr IS 'dec_pmra_corr of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.dec_pmdec_corr IS 'dec_pmdec_corr of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.parallax_pmra_corr IS 'parallax_pmra_corr of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.parallax_pmdec_corr IS 'parallax_pmdec_corr of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.pmra_pmdec_corr IS 'pmra_pmdec_corr of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.astrometric_n_obs_al IS 'astrometric_n_obs_al of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.astrometric_n_obs_ac IS 'astrometric_n_obs_ac of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.astrometric_n_good_obs_al IS 'astrometric_n_good_obs_al of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.astrometric_n_bad_obs_al IS 'astrometric_n_bad_obs_al of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.astrometric_gof_al IS 'astrometric_gof_al of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.astrometric_chi2_al IS 'astrometric_chi2_al of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.astrometric_excess_noise IS 'astrometric_excess_noise of Gaia DR3, gaia_source [mas]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.astrometric_excess_noise_sig IS 'astrometric_excess_noise_sig of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.astrometric_params_solved IS 'astrometric_params_solved of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.astrometric_primary_flag IS 'astrometric_primary_flag of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.nu_eff_used_in_astrometry IS 'nu_eff_used_in_astrometry of Gaia DR3, gaia_source [um^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.pseudocolour IS 'pseudocolour of Gaia DR3, gaia_source [um^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.pseudocolour_error IS 'pseudocolour_error of Gaia DR3, gaia_source [um^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ra_pseudocolour_corr IS 'ra_pseudocolour_corr of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.dec_pseudocolour_corr IS 'dec_pseudocolour_corr of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.parallax_pseudocolour_corr IS 'parallax_pseudocolour_corr of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.pmra_pseudocolour_corr IS 'pmra_pseudocolour_corr of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.pmdec_pseudocolour_corr IS 'pmdec_pseudocolour_corr of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.astrometric_matched_transits IS 'astrometric_matched_transits of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.visibility_periods_used IS 'visibility_periods_used of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.astrometric_sigma5d_max IS 'astrometric_sigma5d_max of Gaia DR3, gaia_source [mas]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.matched_transits IS 'matched_transits of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.new_matched_transits IS 'new_matched_transits of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.matched_transits_removed IS 'matched_transits_removed of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ipd_gof_harmonic_amplitude IS 'ipd_gof_harmonic_amplitude of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ipd_gof_harmonic_phase IS 'ipd_gof_harmonic_phase of Gaia DR3, gaia_source [deg]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ipd_frac_multi_peak IS 'ipd_frac_multi_peak of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ipd_frac_odd_win IS 'ipd_frac_odd_win of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ruwe IS 'ruwe of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.scan_direction_strength_k1 IS 'scan_direction_strength_k1 of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.scan_direction_strength_k2 IS 'scan_direction_strength_k2 of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.scan_direction_strength_k3 IS 'scan_direction_strength_k3 of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.scan_direction_strength_k4 IS 'scan_direction_strength_k4 of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.scan_direction_mean_k1 IS 'scan_direction_mean_k1 of Gaia DR3, gaia_source [deg]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.scan_direction_mean_k2 IS 'scan_direction_mean_k2 of Gaia DR3, gaia_source [deg]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.scan_direction_mean_k3 IS 'scan_direction_mean_k3 of Gaia DR3, gaia_source [deg]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.scan_direction_mean_k4 IS 'scan_direction_mean_k4 of Gaia DR3, gaia_source [deg]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.duplicated_source IS 'duplicated_source of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.phot_g_n_obs IS 'phot_g_n_obs of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.phot_g_mean_flux IS 'phot_g_mean_flux of Gaia DR3, gaia_source [electron s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.phot_g_mean_flux_error IS 'phot_g_mean_flux_error of Gaia DR3, gaia_source [electron s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.phot_g_mean_flux_over_error IS 'phot_g_mean_flux_over_error of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.phot_g_mean_mag IS 'phot_g_mean_mag of Gaia DR3, gaia_source [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.phot_bp_n_obs IS 'phot_bp_n_obs of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.phot_bp_mean_flux IS 'phot_bp_mean_flux of Gaia DR3, gaia_source [electron s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.phot_bp_mean_flux_error IS 'phot_bp_mean_flux_error of Gaia DR3, gaia_source [electron s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.phot_bp_mean_flux_over_error IS 'phot_bp_mean_flux_over_error of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.phot_bp_mean_mag IS 'phot_bp_mean_mag of Gaia DR3, gaia_source [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.phot_rp_n_obs IS 'phot_rp_n_obs of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.phot_rp_mean_flux IS 'phot_rp_mean_flux of Gaia DR3, gaia_source [electron s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.phot_rp_mean_flux_error IS 'phot_rp_mean_flux_error of Gaia DR3, gaia_source [electron s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.phot_rp_mean_flux_over_error IS 'phot_rp_mean_flux_over_error of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.phot_rp_mean_mag IS 'phot_rp_mean_mag of Gaia DR3, gaia_source [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.phot_bp_rp_excess_factor IS 'phot_bp_rp_excess_factor of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.phot_bp_n_contaminated_transits IS 'phot_bp_n_contaminated_transits of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.phot_bp_n_blended_transits IS 'phot_bp_n_blended_transits of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.phot_rp_n_contaminated_transits IS 'phot_rp_n_contaminated_transits of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.phot_rp_n_blended_transits IS 'phot_rp_n_blended_transits of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.phot_proc_mode IS 'phot_proc_mode of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.bp_rp IS 'bp_rp of Gaia DR3, gaia_source [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.bp_g IS 'bp_g of Gaia DR3, gaia_source [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.g_rp IS 'g_rp of Gaia DR3, gaia_source [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.radial_velocity IS 'radial_velocity of Gaia DR3, gaia_source [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.radial_velocity_error IS 'radial_velocity_error of Gaia DR3, gaia_source [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.rv_method_used IS 'rv_method_used of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.rv_nb_transits IS 'rv_nb_transits of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.rv_nb_deblended_transits IS 'rv_nb_deblended_transits of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.rv_visibility_periods_used IS 'rv_visibility_periods_used of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.rv_expected_sig_to_noise IS 'rv_expected_sig_to_noise of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.rv_renormalised_gof IS 'rv_renormalised_gof of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.rv_chisq_pvalue IS 'rv_chisq_pvalue of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.rv_time_duration IS 'rv_time_duration of Gaia DR3, gaia_source [d]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.rv_amplitude_robust IS 'rv_amplitude_robust of Gaia DR3, gaia_source [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.rv_template_teff IS 'rv_template_teff of Gaia DR3, gaia_source [K]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.rv_template_logg IS 'rv_template_logg of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.rv_template_fe_h IS 'rv_template_fe_h of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.rv_atm_param_origin IS 'rv_atm_param_origin of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.vbroad IS 'vbroad of Gaia DR3, gaia_source [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.vbroad_error IS 'vbroad_error of Gaia DR3, gaia_source [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.vbroad_nb_transits IS 'vbroad_nb_transits of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.grvs_mag IS 'grvs_mag of Gaia DR3, gaia_source [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.grvs_mag_error IS 'grvs_mag_error of Gaia DR3, gaia_source [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.grvs_mag_nb_transits IS 'grvs_mag_nb_transits of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.rvs_spec_sig_to_noise IS 'rvs_spec_sig_to_noise of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.phot_variable_flag IS 'phot_variable_flag of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.l IS 'l of Gaia DR3, gaia_source [deg]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.b IS 'b of Gaia DR3, gaia_source [deg]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ecl_lon IS 'ecl_lon of Gaia DR3, gaia_source [deg]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ecl_lat IS 'ecl_lat of Gaia DR3, gaia_source [deg]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.in_qso_candidates IS 'in_qso_candidates of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.in_galaxy_candidates IS 'in_galaxy_candidates of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.non_single_star IS 'non_single_star of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.has_xp_continuous IS 'has_xp_continuous of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.has_xp_sampled IS 'has_xp_sampled of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.has_rvs IS 'has_rvs of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.has_epoch_photometry IS 'has_epoch_photometry of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.has_epoch_rv IS 'has_epoch_rv of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.has_mcmc_gspphot IS 'has_mcmc_gspphot of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.has_mcmc_msc IS 'has_mcmc_msc of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.in_andromeda_survey IS 'in_andromeda_survey of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.classprob_dsc_combmod_quasar IS 'classprob_dsc_combmod_quasar of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.classprob_dsc_combmod_galaxy IS 'classprob_dsc_combmod_galaxy of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.classprob_dsc_combmod_star IS 'classprob_dsc_combmod_star of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.teff_gspphot IS 'teff_gspphot of Gaia DR3, gaia_source [K]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.teff_gspphot_lower IS 'teff_gspphot_lower of Gaia DR3, gaia_source [K]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.teff_gspphot_upper IS 'teff_gspphot_upper of Gaia DR3, gaia_source [K]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.logg_gspphot IS 'logg_gspphot of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.logg_gspphot_lower IS 'logg_gspphot_lower of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.logg_gspphot_upper IS 'logg_gspphot_upper of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mh_gspphot IS 'mh_gspphot of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mh_gspphot_lower IS 'mh_gspphot_lower of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mh_gspphot_upper IS 'mh_gspphot_upper of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.distance_gspphot IS 'distance_gspphot of Gaia DR3, gaia_source [pc]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.distance_gspphot_lower IS 'distance_gspphot_lower of Gaia DR3, gaia_source [pc]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.distance_gspphot_upper IS 'distance_gspphot_upper of Gaia DR3, gaia_source [pc]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.azero_gspphot IS 'azero_gspphot of Gaia DR3, gaia_source [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.azero_gspphot_lower IS 'azero_gspphot_lower of Gaia DR3, gaia_source [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.azero_gspphot_upper IS 'azero_gspphot_upper of Gaia DR3, gaia_source [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ag_gspphot IS 'ag_gspphot of Gaia DR3, gaia_source [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ag_gspphot_lower IS 'ag_gspphot_lower of Gaia DR3, gaia_source [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ag_gspphot_upper IS 'ag_gspphot_upper of Gaia DR3, gaia_source [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ebpminrp_gspphot IS 'ebpminrp_gspphot of Gaia DR3, gaia_source [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ebpminrp_gspphot_lower IS 'ebpminrp_gspphot_lower of Gaia DR3, gaia_source [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ebpminrp_gspphot_upper IS 'ebpminrp_gspphot_upper of Gaia DR3, gaia_source [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.libname_gspphot IS 'libname_gspphot of Gaia DR3, gaia_source';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ebv IS 'Galactic extinction E(B-V) reddening from SFD98 [mag]';
{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.{{ table }} TO {{ role }};
{% endfor %}
{% endblock %}
