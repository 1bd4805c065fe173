-- Emission lines: 18 columns for each of 46 lines, and 6 moments of 4. Which lines are fitted depends on the version; others are NULL.

{% block table %}
{% set lines = [
    'lyalpha', 'nv_1240', 'oi_1304', 'siliv_1396', 'civ_1549', 'heii_1640', 'aliii_1857',
    'siliii_1892', 'ciii_1908', 'mgii_2796', 'mgii_2803', 'nev_3346', 'nev_3426', 'oii_3726',
    'oii_3729', 'neiii_3869', 'h6', 'h6_broad', 'hepsilon', 'hepsilon_broad', 'hdelta',
    'hdelta_broad', 'hgamma', 'hgamma_broad', 'oiii_4363', 'hei_4471', 'heii_4686', 'hbeta',
    'hbeta_broad', 'oiii_4959', 'oiii_5007', 'nii_5755', 'hei_5876', 'oi_6300', 'siii_6312',
    'nii_6548', 'halpha', 'halpha_broad', 'nii_6584', 'sii_6716', 'sii_6731', 'ariii_7135',
    'oii_7320', 'oii_7330', 'siii_9069', 'siii_9532'
] %}
CREATE TABLE IF NOT EXISTS {{ schema }}.{{ table }} (
    targetid bigint NOT NULL,
    survey varchar(7) NOT NULL,
    program varchar(8) NOT NULL,
    healpix integer NOT NULL,
    snr_b real NOT NULL,
    snr_r real NOT NULL,
    snr_z real NOT NULL,
    smoothcorr_b real NOT NULL,
    smoothcorr_r real NOT NULL,
    smoothcorr_z real NOT NULL,
    apercorr real NOT NULL,
    apercorr_g real NOT NULL,
    apercorr_r real NOT NULL,
    apercorr_z real NOT NULL,
    init_sigma_uv real NOT NULL,
    init_sigma_narrow real NOT NULL,
    init_sigma_balmer real NOT NULL,
    init_vshift_uv real NOT NULL,
    init_vshift_narrow real NOT NULL,
    init_vshift_balmer real NOT NULL,
    init_balmer_broad boolean NOT NULL,
    delta_linechi2 real NOT NULL,
    delta_linendof integer NOT NULL,
    delta_kinechi2 real,
    delta_kinendof integer,
    mgii_doublet_ratio real NOT NULL,
    mgii_doublet_ratio_ivar real NOT NULL,
    oii_doublet_ratio real NOT NULL,
    oii_doublet_ratio_ivar real NOT NULL,
    oiii_doublet_ratio real NOT NULL,
    oiii_doublet_ratio_ivar real NOT NULL,
    sii_doublet_ratio real NOT NULL,
    sii_doublet_ratio_ivar real NOT NULL,
    nii_doublet_ratio real NOT NULL,
    nii_doublet_ratio_ivar real NOT NULL,
    oiired_doublet_ratio real NOT NULL,
    oiired_doublet_ratio_ivar real NOT NULL
{%- for line in lines %},
    {{ line }}_modelamp real,
    {{ line }}_amp real,
    {{ line }}_amp_ivar real,
    {{ line }}_flux real,
    {{ line }}_flux_ivar real,
    {{ line }}_boxflux real,
    {{ line }}_boxflux_ivar real,
    {{ line }}_vshift real,
    {{ line }}_vshift_ivar real,
    {{ line }}_sigma real,
    {{ line }}_sigma_ivar real,
    {{ line }}_cont real,
    {{ line }}_cont_ivar real,
    {{ line }}_ew real,
    {{ line }}_ew_ivar real,
    {{ line }}_flux_limit real,
    {{ line }}_chi2 real,
    {{ line }}_npix integer
{%- endfor %}
{%- for line in ['civ_1549', 'mgii_2800', 'hbeta', 'oiii_5007'] %},
    {{ line }}_moment1 real,
    {{ line }}_moment1_ivar real,
    {{ line }}_moment2 real,
    {{ line }}_moment2_ivar real,
    {{ line }}_moment3 real,
    {{ line }}_moment3_ivar real
{%- endfor %}

);
{% endblock %}

{% block keys %}
CREATE UNIQUE INDEX IF NOT EXISTS {{ table }}_pkey ON {{ schema }}.{{ table }} (targetid, survey, program);
ALTER TABLE {{ schema }}.{{ table }} ADD CONSTRAINT {{ table }}_pkey PRIMARY KEY USING INDEX {{ table }}_pkey;
{% endblock %}

{% block comments %}
COMMENT ON TABLE {{ schema }}.{{ table }} IS 'Emission lines fitted by FastSpecFit, 18 columns for each';
COMMENT ON COLUMN {{ schema }}.{{ table }}.targetid IS 'Unique target ID';
COMMENT ON COLUMN {{ schema }}.{{ table }}.survey IS 'Survey name';
COMMENT ON COLUMN {{ schema }}.{{ table }}.program IS 'Program name';
COMMENT ON COLUMN {{ schema }}.{{ table }}.healpix IS 'Healpixel number';
COMMENT ON COLUMN {{ schema }}.{{ table }}.snr_b IS 'Median signal-to-noise ratio per pixel in the b camera';
COMMENT ON COLUMN {{ schema }}.{{ table }}.snr_r IS 'Like SNR_B but in the r camera';
COMMENT ON COLUMN {{ schema }}.{{ table }}.snr_z IS 'Like SNR_B but in z camera';
COMMENT ON COLUMN {{ schema }}.{{ table }}.smoothcorr_b IS 'Median value of the smooth continuum correction relative to the data in the b camera [percent]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.smoothcorr_r IS 'Like SMOOTHCORR_B but in the r camera [percent]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.smoothcorr_z IS 'Like SMOOTHCORR_B but in the z camera [percent]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.apercorr IS 'Median aperture correction factor';
COMMENT ON COLUMN {{ schema }}.{{ table }}.apercorr_g IS 'Aperture correction factor measured in the g-band';
COMMENT ON COLUMN {{ schema }}.{{ table }}.apercorr_r IS 'Like APERCORR_G but measured in the r-band';
COMMENT ON COLUMN {{ schema }}.{{ table }}.apercorr_z IS 'Like APERCORR_G but measured in the z-band';
COMMENT ON COLUMN {{ schema }}.{{ table }}.init_sigma_uv IS 'Initial line width for the rest-frame UV emission lines [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.init_sigma_narrow IS 'Like INIT_SIGMA_UV but for the forbidden plus narrow Balmer emission lines [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.init_sigma_balmer IS 'Like INIT_SIGMA_UV but for broad Balmer emission lines [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.init_vshift_uv IS 'Initial velocity shift for the UV emission lines [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.init_vshift_narrow IS 'Like INIT_VSHIFT_UV but for narrow (forbidden and narrow Balmer) emission lines [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.init_vshift_balmer IS 'Like INIT_VSHIFT_UV but for broad Balmer emission lines [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.init_balmer_broad IS 'Boolean flag indicating whether a broad Balmer emission line was initially identified in the spectral range';
COMMENT ON COLUMN {{ schema }}.{{ table }}.delta_linechi2 IS 'Chi-squared difference between an emission-line model without and with broad lines';
COMMENT ON COLUMN {{ schema }}.{{ table }}.delta_linendof IS 'Difference in the degrees of freedom between an emission-line model without and with broad lines';
COMMENT ON COLUMN {{ schema }}.{{ table }}.delta_kinechi2 IS 'Chi-squared difference between the constrained and relaxed emission-line model';
COMMENT ON COLUMN {{ schema }}.{{ table }}.delta_kinendof IS 'Difference in the degrees of freedom between the constrained and relaxed emission-line model';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mgii_doublet_ratio IS 'MgII 2796 / 2803 doublet line-ratio';
COMMENT ON COLUMN {{ schema }}.{{ table }}.mgii_doublet_ratio_ivar IS 'Inverse variance in MGII_DOUBLET_RATIO';
COMMENT ON COLUMN {{ schema }}.{{ table }}.oii_doublet_ratio IS '[OII] 3726 / 3729 doublet line-ratio';
COMMENT ON COLUMN {{ schema }}.{{ table }}.oii_doublet_ratio_ivar IS 'Inverse variance in OII_DOUBLET_RATIO';
COMMENT ON COLUMN {{ schema }}.{{ table }}.oiii_doublet_ratio IS '[OIII] 5007 / 4959 doublet line-ratio';
COMMENT ON COLUMN {{ schema }}.{{ table }}.oiii_doublet_ratio_ivar IS 'Inverse variance in OIII_DOUBLET_RATIO';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sii_doublet_ratio IS '[SII] 6731 / 6716 doublet line-ratio';
COMMENT ON COLUMN {{ schema }}.{{ table }}.sii_doublet_ratio_ivar IS 'Inverse variance in SII_DOUBLET_RATIO';
COMMENT ON COLUMN {{ schema }}.{{ table }}.nii_doublet_ratio IS '[NII] 6584 / 6548 doublet line-ratio';
COMMENT ON COLUMN {{ schema }}.{{ table }}.nii_doublet_ratio_ivar IS 'Inverse variance in NII_DOUBLET_RATIO';
COMMENT ON COLUMN {{ schema }}.{{ table }}.oiired_doublet_ratio IS '[OII] 7320 / 7330 doublet (actually a quadruplet) line-ratio';
COMMENT ON COLUMN {{ schema }}.{{ table }}.oiired_doublet_ratio_ivar IS 'Inverse variance in OIIRED_DOUBLET_RATIO';
{% set lines = [
    'lyalpha', 'nv_1240', 'oi_1304', 'siliv_1396', 'civ_1549', 'heii_1640', 'aliii_1857',
    'siliii_1892', 'ciii_1908', 'mgii_2796', 'mgii_2803', 'nev_3346', 'nev_3426', 'oii_3726',
    'oii_3729', 'neiii_3869', 'h6', 'h6_broad', 'hepsilon', 'hepsilon_broad', 'hdelta',
    'hdelta_broad', 'hgamma', 'hgamma_broad', 'oiii_4363', 'hei_4471', 'heii_4686', 'hbeta',
    'hbeta_broad', 'oiii_4959', 'oiii_5007', 'nii_5755', 'hei_5876', 'oi_6300', 'siii_6312',
    'nii_6548', 'halpha', 'halpha_broad', 'nii_6584', 'sii_6716', 'sii_6731', 'ariii_7135',
    'oii_7320', 'oii_7330', 'siii_9069', 'siii_9532'
] %}
{% for line in lines %}
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_modelamp IS '{{ line | upper }}: Model emission-line amplitude (before convolution with the resolution matrix) [1e-17 erg Angstrom^-1 cm^-2 s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_amp IS '{{ line | upper }}: Emission line amplitude [1e-17 erg Angstrom^-1 cm^-2 s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_amp_ivar IS '{{ line | upper }}: Inverse variance in {{ line | upper }}_AMP [1e34 Angstrom^2 cm^4 s^2 erg^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_flux IS '{{ line | upper }}: Gaussian-integrated emission-line flux [1e-17 erg cm^-2 s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_flux_ivar IS '{{ line | upper }}: Inverse variance in {{ line | upper }}_FLUX [1e34 cm^4 s^2 erg^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_boxflux IS '{{ line | upper }}: Boxcar-integrated emission-line flux [1e-17 erg cm^-2 s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_boxflux_ivar IS '{{ line | upper }}: Inverse variance in {{ line | upper }}_BOXFLUX [1e34 cm^4 s^2 erg^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_vshift IS '{{ line | upper }}: Velocity shift relative to Z [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_vshift_ivar IS '{{ line | upper }}: Inverse variance in {{ line | upper }}_VSHIFT [s^2 km^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_sigma IS '{{ line | upper }}: Gaussian emission-line width (before convolution with the resolution matrix) [km s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_sigma_ivar IS '{{ line | upper }}: Inverse variance in {{ line | upper }}_SIGMA [s^2 km^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_cont IS '{{ line | upper }}: Continuum flux at line center [1e-17 erg Angstrom^-1 cm^-2 s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_cont_ivar IS '{{ line | upper }}: Inverse variance in {{ line | upper }}_CONT [1e34 Angstrom^2 cm^4 s^2 erg^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_ew IS '{{ line | upper }}: Rest-frame emission-line equivalent width [Angstrom]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_ew_ivar IS '{{ line | upper }}: Inverse variance in {{ line | upper }}_EW [Angstrom^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_flux_limit IS '{{ line | upper }}: One-sigma upper-limit on the emission line flux [erg cm^-2 s^-1]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_chi2 IS '{{ line | upper }}: Chi-squared of the line-fit';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_npix IS '{{ line | upper }}: Number of pixels attributed to the emission line';
{% endfor %}
{% for line in ['civ_1549', 'mgii_2800', 'hbeta', 'oiii_5007'] %}
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_moment1 IS '{{ line | upper }}: First moment of the continuum-subtracted pixel values within +/- 5-sigma of the Gaussian line-center [Angstrom]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_moment1_ivar IS '{{ line | upper }}: Inverse variance in {{ line | upper }}_MOMENT1 [Angstrom^-2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_moment2 IS '{{ line | upper }}: Second moment of the flux relative to {{ line | upper }}_MOMENT1 [Angstrom^2]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_moment2_ivar IS '{{ line | upper }}: Inverse variance in {{ line | upper }}_MOMENT2 [Angstrom^-4]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_moment3 IS '{{ line | upper }}: Third moment of the flux relative to {{ line | upper }}_MOMENT1 [Angstrom^3]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.{{ line }}_moment3_ivar IS '{{ line | upper }}: Inverse variance in {{ line | upper }}_MOMENT3 [Angstrom^-6]';
{% endfor %}
{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.{{ table }} TO {{ role }};
{% endfor %}
{% endblock %}
