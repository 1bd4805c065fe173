-- Emission lines that FASTSPEC has no room for, in files of FastSpecFit since 3.6 with more than 999 columns: the weak
-- ones of the list that was fitted. Of the lines of both lists that come with FastSpecFit others are NULL.

{% block table %}
{% set lines = [
    'oi_1304', 'siliv_1396', 'heii_1640', 'aliii_1857', 'h6', 'h6_broad', 'nev_3346', 'nev_3426',
    'h12', 'h11', 'h10', 'h9', 'neiii_3869', 'h8', 'neiii_3968', 'hepsilon', 'hepsilon_broad',
    'hei_4026', 'sii_4069', 'sii_4076', 'hdelta', 'hdelta_broad', 'feii_4288', 'feii_4360',
    'oiii_4363', 'hei_4388', 'hei_4471', 'heii_4686', 'ariv_4711', 'hei_4713', 'ariv_4740',
    'hei_4922', 'hei_5016', 'nii_5755', 'hei_5876', 'oi_6300', 'siii_6312', 'hei_6678', 'hei_7065',
    'ariii_7135', 'hei_7281', 'oii_7320', 'oii_7330', 'pa15', 'pa14', 'pa13', 'pa12', 'pa11',
    'pa10', 'siii_9069', 'pa9', 'siii_9532', 'pa8'
] %}
CREATE TABLE IF NOT EXISTS {{ schema }}.{{ table }} (
    targetid bigint NOT NULL,
    survey varchar(7) NOT NULL,
    program varchar(8) NOT NULL
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

);
{% endblock %}

{% block keys %}
CREATE UNIQUE INDEX IF NOT EXISTS {{ table }}_pkey ON {{ schema }}.{{ table }} (targetid, survey, program);
ALTER TABLE {{ schema }}.{{ table }} ADD CONSTRAINT {{ table }}_pkey PRIMARY KEY USING INDEX {{ table }}_pkey;
{% endblock %}

{% block comments %}
{% set lines = [
    'oi_1304', 'siliv_1396', 'heii_1640', 'aliii_1857', 'h6', 'h6_broad', 'nev_3346', 'nev_3426',
    'h12', 'h11', 'h10', 'h9', 'neiii_3869', 'h8', 'neiii_3968', 'hepsilon', 'hepsilon_broad',
    'hei_4026', 'sii_4069', 'sii_4076', 'hdelta', 'hdelta_broad', 'feii_4288', 'feii_4360',
    'oiii_4363', 'hei_4388', 'hei_4471', 'heii_4686', 'ariv_4711', 'hei_4713', 'ariv_4740',
    'hei_4922', 'hei_5016', 'nii_5755', 'hei_5876', 'oi_6300', 'siii_6312', 'hei_6678', 'hei_7065',
    'ariii_7135', 'hei_7281', 'oii_7320', 'oii_7330', 'pa15', 'pa14', 'pa13', 'pa12', 'pa11',
    'pa10', 'siii_9069', 'pa9', 'siii_9532', 'pa8'
] %}
COMMENT ON TABLE {{ schema }}.{{ table }} IS 'More emission lines fitted by FastSpecFit, 18 columns for each';
COMMENT ON COLUMN {{ schema }}.{{ table }}.targetid IS 'Unique target ID';
COMMENT ON COLUMN {{ schema }}.{{ table }}.survey IS 'Survey name';
COMMENT ON COLUMN {{ schema }}.{{ table }}.program IS 'Program name';
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
{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.{{ table }} TO {{ role }};
{% endfor %}
{% endblock %}
