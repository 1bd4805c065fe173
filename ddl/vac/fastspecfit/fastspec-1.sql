-- FastSpecFit 1.0: stellar continua and emission lines, 16 columns for each of 44 lines.

{% block table %}
{% set lines = [
    'oi_1304', 'siliv_1396', 'civ_1549', 'siliii_1892', 'ciii_1908', 'mgii_2796', 'mgii_2803',
    'nev_3346', 'nev_3426', 'oii_3726', 'oii_3729', 'neiii_3869', 'h6', 'h6_broad', 'hepsilon',
    'hepsilon_broad', 'hdelta', 'hdelta_broad', 'hgamma', 'hgamma_broad', 'oiii_4363', 'hei_4471',
    'hei_broad_4471', 'heii_4686', 'heii_broad_4686', 'hbeta', 'hbeta_broad', 'oiii_4959',
    'oiii_5007', 'nii_5755', 'hei_5876', 'hei_broad_5876', 'oi_6300', 'siii_6312', 'nii_6548',
    'halpha', 'halpha_broad', 'nii_6584', 'sii_6716', 'sii_6731', 'oii_7320', 'oii_7330',
    'siii_9069', 'siii_9532'
] %}
CREATE TABLE IF NOT EXISTS {{ schema }}.{{ table }} (
    targetid bigint NOT NULL,
    survey varchar(7) NOT NULL,
    program varchar(8) NOT NULL,
    healpix integer NOT NULL,
    continuum_z double precision,
    continuum_coeff double precision[],
    continuum_rchi2 real,
    continuum_age real,
    continuum_av real,
    continuum_av_ivar real,
    continuum_vdisp real,
    continuum_vdisp_ivar real,
    continuum_snr_b real,
    continuum_snr_r real,
    continuum_snr_z real,
    continuum_smoothcorr_b real,
    continuum_smoothcorr_r real,
    continuum_smoothcorr_z real,
    dn4000 real,
    dn4000_ivar real,
    dn4000_model real,
    flux_synth_g real,
    flux_synth_r real,
    flux_synth_z real,
    flux_synth_model_g real,
    flux_synth_model_r real,
    flux_synth_model_z real,
    rchi2 real,
    linerchi2_broad real,
    delta_linerchi2 real,
    narrow_z double precision,
    broad_z double precision,
    uv_z double precision,
    narrow_sigma real,
    broad_sigma real,
    uv_sigma real,
    mgii_doublet_ratio real,
    oii_doublet_ratio real,
    sii_doublet_ratio real
{%- for line in lines %},
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
    'oi_1304', 'siliv_1396', 'civ_1549', 'siliii_1892', 'ciii_1908', 'mgii_2796', 'mgii_2803',
    'nev_3346', 'nev_3426', 'oii_3726', 'oii_3729', 'neiii_3869', 'h6', 'h6_broad', 'hepsilon',
    'hepsilon_broad', 'hdelta', 'hdelta_broad', 'hgamma', 'hgamma_broad', 'oiii_4363', 'hei_4471',
    'hei_broad_4471', 'heii_4686', 'heii_broad_4686', 'hbeta', 'hbeta_broad', 'oiii_4959',
    'oiii_5007', 'nii_5755', 'hei_5876', 'hei_broad_5876', 'oi_6300', 'siii_6312', 'nii_6548',
    'halpha', 'halpha_broad', 'nii_6584', 'sii_6716', 'sii_6731', 'oii_7320', 'oii_7330',
    'siii_9069', 'siii_9532'
] %}
COMMENT ON TABLE {{ schema }}.{{ table }} IS 'Stellar continua and emission lines fitted by FastSpecFit, 16 columns for each line';
COMMENT ON COLUMN {{ schema }}.{{ table }}.targetid IS 'Unique target ID';
COMMENT ON COLUMN {{ schema }}.{{ table }}.survey IS 'Survey name';
COMMENT ON COLUMN {{ schema }}.{{ table }}.program IS 'Program name';
COMMENT ON COLUMN {{ schema }}.{{ table }}.healpix IS 'Healpixel number';
COMMENT ON COLUMN {{ schema }}.{{ table }}.continuum_z IS 'Stellar continuum redshift';
COMMENT ON COLUMN {{ schema }}.{{ table }}.continuum_coeff IS 'Continuum coefficients';
COMMENT ON COLUMN {{ schema }}.{{ table }}.continuum_rchi2 IS 'Reduced chi-squared of the stellar continuum fit';
COMMENT ON COLUMN {{ schema }}.{{ table }}.continuum_age IS 'Light-weighted age [Gyr]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.continuum_av IS 'Intrinsic attenuation [mag]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.continuum_av_ivar IS 'Inverse variance of CONTINUUM_AV [mag^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.continuum_vdisp IS 'Stellar velocity dispersion [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.continuum_vdisp_ivar IS 'Inverse variance of CONTINUUM_VDISP [s^2 km^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.continuum_snr_b IS 'Median signal-to-noise ratio per pixel in b camera';
COMMENT ON COLUMN {{ schema }}.{{ table }}.continuum_snr_r IS 'Median signal-to-noise ratio per pixel in r camera';
COMMENT ON COLUMN {{ schema }}.{{ table }}.continuum_snr_z IS 'Median signal-to-noise ratio per pixel in z camera';
COMMENT ON COLUMN {{ schema }}.{{ table }}.continuum_smoothcorr_b IS 'Mean value of the smooth continuum correction divided by the best-fitting continuum model in the b camera [percent]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.continuum_smoothcorr_r IS 'Mean value of the smooth continuum correction divided by the best-fitting continuum model in the r camera [percent]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.continuum_smoothcorr_z IS 'Mean value of the smooth continuum correction divided by the best-fitting continuum model in the z camera [percent]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.dn4000 IS 'Narrow 4000-A break index (from Balogh et al. 1999) measured from the data';
COMMENT ON COLUMN {{ schema }}.{{ table }}.dn4000_ivar IS 'Inverse variance of DN4000';
COMMENT ON COLUMN {{ schema }}.{{ table }}.dn4000_model IS 'Narrow 4000-A break index (from Balogh et al. 1999) measured from the best-fitting continuum model';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_synth_g IS 'g-band flux synthesized from the data [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_synth_r IS 'r-band flux synthesized from the data [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_synth_z IS 'z-band flux synthesized from the data [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_synth_model_g IS 'g-band flux synthesized from the best-fitting continuum model [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_synth_model_r IS 'r-band flux synthesized from the best-fitting continuum model [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_synth_model_z IS 'z-band flux synthesized from the best-fitting continuum model [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.rchi2 IS 'Reduced chi-squared of the full-spectrum fit (continuum plus emission lines)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.linerchi2_broad IS 'Reduced chi-squared of an emission-line model which includes broad lines';
COMMENT ON COLUMN {{ schema }}.{{ table }}.delta_linerchi2 IS 'Difference in the reduced chi-squared values between an emission-line model with narrow lines only and a model with both broad and narrow lines';
COMMENT ON COLUMN {{ schema }}.{{ table }}.narrow_z IS 'Mean redshift of well-measured narrow rest-frame optical emission lines (defaults to CONTINUUM_Z)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.broad_z IS 'Mean redshift of well-measured broad rest-frame optical emission lines (defaults to CONTINUUM_Z)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.uv_z IS 'Mean redshift of well-measured rest-frame UV emission lines (defaults to CONTINUUM_Z)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.narrow_sigma IS 'Mean line-width of well-measured narrow rest-frame optical emission lines [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.broad_sigma IS 'Mean line-width of well-measured broad rest-frame optical emission lines [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.uv_sigma IS 'Mean line-width of well-measured rest-frame UV emission lines [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mgii_doublet_ratio IS 'MgII 2796 / 2803 doublet line-ratio';
COMMENT ON COLUMN {{ schema }}.{{ table }}.oii_doublet_ratio IS '[OII] 3726 / 3729 doublet line-ratio';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sii_doublet_ratio IS '[SII] 6731 / 6716 doublet line-ratio';
{% for line in lines %}
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_amp IS '{{ line | upper }}: Emission line amplitude [1e-17 erg Angstrom^-1 cm^-2 s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_amp_ivar IS '{{ line | upper }}: Inverse variance of line-amplitude [1e34 Angstrom^2 cm^4 s^2 erg^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_flux IS '{{ line | upper }}: Gaussian-integrated emission-line flux [1e-17 erg cm^-2 s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_flux_ivar IS '{{ line | upper }}: Inverse variance of integrated flux [1e34 cm^4 s^2 erg^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_boxflux IS '{{ line | upper }}: Boxcar-integrated emission-line flux [1e-17 erg cm^-2 s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_boxflux_ivar IS '{{ line | upper }}: Inverse variance of boxcar-integrated flux [1e34 cm^4 s^2 erg^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_vshift IS '{{ line | upper }}: Velocity shift relative to CONTINUUM_Z [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_sigma IS '{{ line | upper }}: Gaussian emission-line width [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_cont IS '{{ line | upper }}: Continuum flux at line center [1e-17 erg Angstrom^-1 cm^-2 s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_cont_ivar IS '{{ line | upper }}: Inverse variance of continuum flux [1e34 Angstrom^2 cm^4 s^2 erg^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_ew IS '{{ line | upper }}: Rest-frame emission-line equivalent width [Angstrom]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_ew_ivar IS '{{ line | upper }}: Inverse variance of equivalent width [Angstrom^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_flux_limit IS '{{ line | upper }}: One-sigma upper limit on the emission line flux [erg cm^-2 s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_ew_limit IS '{{ line | upper }}: One-sigma upper limit on the emission line equivalent width [Angstrom]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_chi2 IS '{{ line | upper }}: Reduced chi^2 of the line-fit (default value 1e6)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_npix IS '{{ line | upper }}: Number of pixels attributed to the emission line';
{% endfor %}
{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.{{ table }} TO {{ role }};
{% endfor %}
{% endblock %}
