-- Catalogues for clustering: what counts, with weights; one file per tracer and galactic cap.

{% block table %}
CREATE TABLE IF NOT EXISTS {{ schema }}.{{ table }} (
    tracer varchar(24) NOT NULL,
    targetid bigint NOT NULL,
    z double precision NOT NULL,
    ntile bigint NOT NULL,
    ra double precision NOT NULL,
    dec double precision NOT NULL,
    photsys varchar(1) NOT NULL,
    frac_tlobs_tiles double precision NOT NULL,
    weight_zfail double precision NOT NULL,
    weight_rf double precision,
    weight_sn double precision,
    weight_sys double precision NOT NULL,
    weight double precision NOT NULL,
    weight_comp double precision NOT NULL,
    nx double precision NOT NULL,
    weight_fkp double precision NOT NULL,
    weight_rescaled double precision,
    effective_bias double precision,
    flux_g_dered real,
    flux_r_dered real,
    flux_z_dered real,
    flux_w1_dered real,
    flux_w2_dered real
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
COMMENT ON TABLE {{ schema }}.{{ table }} IS 'Large-scale structure: catalogues for clustering, of all tracers';
COMMENT ON COLUMN {{ schema }}.{{ table }}.tracer IS 'Tracer, as the name of the file begins, e.g. LRG or BGS_BRIGHT-21.5 (UCD meta.id)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.targetid IS 'Unique DESI target ID';
COMMENT ON COLUMN {{ schema }}.{{ table }}.z IS 'Redshift measured by Redrock';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ntile IS 'Number of tiles target was available on';
COMMENT ON COLUMN {{ schema }}.{{ table }}.ra IS 'Barycentric Right Ascension in ICRS [deg]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.dec IS 'Barycentric declination in ICRS [deg]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.photsys IS 'N for the MzLS/BASS photometric system, S for DECaLS';
COMMENT ON COLUMN {{ schema }}.{{ table }}.frac_tlobs_tiles IS 'Fraction of targets with the same TILES value that contribute to FRACZ_TILELOCID';
COMMENT ON COLUMN {{ schema }}.{{ table }}.weight_zfail IS 'Should be all 1 at this point for main survey';
COMMENT ON COLUMN {{ schema }}.{{ table }}.weight_rf IS 'Imaging systematics weights derived with the regressis random forest regression method';
COMMENT ON COLUMN {{ schema }}.{{ table }}.weight_sn IS 'Imaging systematics weights derived with the sysnet NN regression method';
COMMENT ON COLUMN {{ schema }}.{{ table }}.weight_sys IS 'Correction for fluctuations in projected density with imaging conditions, from random forrest method';
COMMENT ON COLUMN {{ schema }}.{{ table }}.weight IS 'The combination of all weights to use';
COMMENT ON COLUMN {{ schema }}.{{ table }}.weight_comp IS 'Completeness weight accounting for the local chance of being assigned a fiber';
COMMENT ON COLUMN {{ schema }}.{{ table }}.nx IS 'Estimated mean number density given the redshift and number of overlapping tiles (NTILE)';
COMMENT ON COLUMN {{ schema }}.{{ table }}.weight_fkp IS '1/(1+NX*P0), with P0 different for each tracer';
COMMENT ON COLUMN {{ schema }}.{{ table }}.weight_rescaled IS 'Rescaled weight when unifying different targets into a single frame';
COMMENT ON COLUMN {{ schema }}.{{ table }}.effective_bias IS 'Effective bias used to weight the galaxy when unifying several tracers';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_g_dered IS '(lower or uppercase) Flux in the g-band after correcting for Galactic extinction (AB system) [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_r_dered IS '(lower or uppercase) Flux in the r-band after correcting for Galactic extinction (AB system) [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_z_dered IS '(lower or uppercase) Flux in the z-band after correcting for Galactic extinction (AB system) [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_w1_dered IS '(lower or uppercase) Flux in the WISE W1-band after correcting for Galactic extinction (AB system) [nanomaggy]';
COMMENT ON COLUMN {{ schema }}.{{ table }}.flux_w2_dered IS '(lower or uppercase) Flux in the WISE W2-band after correcting for Galactic extinction (AB system) [nanomaggy]';
{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.{{ table }} TO {{ role }};
{% endfor %}
{% endblock %}
