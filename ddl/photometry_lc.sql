-- photometry_lc: light curves of unWISE photometry, one row per TARGETID of the tractorphot files; only where they were asked for.

{% block table %}
CREATE TABLE IF NOT EXISTS {{ schema }}.photometry_lc (
    targetid          bigint NOT NULL,
    lc_flux_w1        real[],
    lc_flux_w2        real[],
    lc_flux_ivar_w1   real[],
    lc_flux_ivar_w2   real[],
    lc_nobs_w1        smallint[],
    lc_nobs_w2        smallint[],
    lc_fracflux_w1    real[],
    lc_fracflux_w2    real[],
    lc_rchisq_w1      real[],
    lc_rchisq_w2      real[],
    lc_mjd_w1         double precision[],
    lc_mjd_w2         double precision[],
    lc_epoch_index_w1 smallint[],
    lc_epoch_index_w2 smallint[]
);
{% endblock %}

{% block distribution %}
{% import 'partitions.jinja' as partitioning %}
{{ partitioning.distributed(partitions, schema, 'photometry_lc') }}{% endblock %}

{% block keys %}
{% if partitions %}
CREATE UNIQUE INDEX IF NOT EXISTS photometry_lc_pkey ON {{ schema }}.photometry_lc (targetid);
ALTER TABLE {{ schema }}.photometry_lc ADD CONSTRAINT photometry_lc_pkey PRIMARY KEY USING INDEX photometry_lc_pkey;
{% else %}
ALTER TABLE {{ schema }}.photometry_lc ADD CONSTRAINT photometry_lc_pkey PRIMARY KEY (targetid);
{% endif %}
{% endblock %}

{% block foreign_keys %}
ALTER TABLE {{ schema }}.photometry_lc ADD CONSTRAINT photometry_lc_targetid_fkey FOREIGN KEY (targetid) REFERENCES {{ schema }}.photometry (targetid){{ ' NOT VALID' if partitions }};
{% endblock %}

{% block validation %}
{% if partitions %}
ALTER TABLE {{ schema }}.photometry_lc VALIDATE CONSTRAINT photometry_lc_targetid_fkey;
{% endif %}
{% endblock %}

{% block comments %}
COMMENT ON TABLE {{ schema }}.photometry_lc IS 'Light curves in WISE W1 and W2, one row per TARGETID with Tractor photometry. The elements of the arrays are epochs, up to the last one that has any value; NULL where a band has no epoch. NaN stays NaN';
COMMENT ON COLUMN {{ schema }}.photometry_lc.targetid IS '64-bit DESI object identifier (bit-packed) (UCD meta.id;meta.main)';
COMMENT ON COLUMN {{ schema }}.photometry_lc.lc_flux_w1 IS 'Flux in this epoch, W1 [nanomaggy] (UCD phot.flux;em.IR.3-4um)';
COMMENT ON COLUMN {{ schema }}.photometry_lc.lc_flux_w2 IS 'Flux in this epoch, W2 [nanomaggy] (UCD phot.flux;em.IR.4-8um)';
COMMENT ON COLUMN {{ schema }}.photometry_lc.lc_flux_ivar_w1 IS 'Inverse variance of the flux in this epoch, W1 [nanomaggy^-2] (UCD stat.weight;phot.flux;em.IR.3-4um)';
COMMENT ON COLUMN {{ schema }}.photometry_lc.lc_flux_ivar_w2 IS 'Inverse variance of the flux in this epoch, W2 [nanomaggy^-2] (UCD stat.weight;phot.flux;em.IR.4-8um)';
COMMENT ON COLUMN {{ schema }}.photometry_lc.lc_nobs_w1 IS 'Exposures in this epoch, W1 (UCD meta.number;obs.exposure;em.IR.3-4um)';
COMMENT ON COLUMN {{ schema }}.photometry_lc.lc_nobs_w2 IS 'Exposures in this epoch, W2 (UCD meta.number;obs.exposure;em.IR.4-8um)';
COMMENT ON COLUMN {{ schema }}.photometry_lc.lc_fracflux_w1 IS 'Neighbour flux over own flux in this epoch, W1 (UCD phot.flux;arith.ratio;em.IR.3-4um)';
COMMENT ON COLUMN {{ schema }}.photometry_lc.lc_fracflux_w2 IS 'Neighbour flux over own flux in this epoch, W2 (UCD phot.flux;arith.ratio;em.IR.4-8um)';
COMMENT ON COLUMN {{ schema }}.photometry_lc.lc_rchisq_w1 IS 'Profile-weighted chi-squared per pixel of the fit in this epoch, W1 (UCD stat.fit.chi2;em.IR.3-4um)';
COMMENT ON COLUMN {{ schema }}.photometry_lc.lc_rchisq_w2 IS 'Profile-weighted chi-squared per pixel of the fit in this epoch, W2 (UCD stat.fit.chi2;em.IR.4-8um)';
COMMENT ON COLUMN {{ schema }}.photometry_lc.lc_mjd_w1 IS 'Mean Modified Julian Date of the exposures of this epoch, W1 [d] (UCD time.epoch)';
COMMENT ON COLUMN {{ schema }}.photometry_lc.lc_mjd_w2 IS 'Mean Modified Julian Date of the exposures of this epoch, W2 [d] (UCD time.epoch)';
COMMENT ON COLUMN {{ schema }}.photometry_lc.lc_epoch_index_w1 IS 'Index of the unWISE epoch; -1: none in this slot, W1 (UCD meta.number;time.epoch)';
COMMENT ON COLUMN {{ schema }}.photometry_lc.lc_epoch_index_w2 IS 'Index of the unWISE epoch; -1: none in this slot, W2 (UCD meta.number;time.epoch)';
{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.photometry_lc TO {{ role }};
{% endfor %}
{% endblock %}
