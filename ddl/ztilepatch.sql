-- ztilepatch: corrected COEFF of ztile, from zall-tilecumulative files.

{% block table %}
CREATE TABLE IF NOT EXISTS {{ schema }}.ztilepatch (
    id       numeric(39) NOT NULL,
    targetid bigint NOT NULL,
    tileid   integer NOT NULL,
    spgrpval integer NOT NULL,
    desiname varchar(22) NOT NULL,
    coeff_0  double precision NOT NULL,
    coeff_1  double precision NOT NULL,
    coeff_2  double precision NOT NULL,
    coeff_3  double precision NOT NULL,
    coeff_4  double precision NOT NULL,
    coeff_5  double precision NOT NULL,
    coeff_6  double precision NOT NULL,
    coeff_7  double precision NOT NULL,
    coeff_8  double precision NOT NULL,
    coeff_9  double precision NOT NULL
);
-- As it is, not packed: sorts and joins would unpack it for each comparison.
ALTER TABLE {{ schema }}.ztilepatch ALTER COLUMN id SET STORAGE PLAIN;
{% endblock %}

{% block keys %}
CREATE UNIQUE INDEX IF NOT EXISTS ztilepatch_pkey ON {{ schema }}.ztilepatch (id);
ALTER TABLE {{ schema }}.ztilepatch ADD CONSTRAINT ztilepatch_pkey PRIMARY KEY USING INDEX ztilepatch_pkey;
{% endblock %}

{% block indexes %}
CREATE UNIQUE INDEX IF NOT EXISTS ix_ztilepatch_unique ON {{ schema }}.ztilepatch (targetid, tileid, spgrpval);
CREATE INDEX IF NOT EXISTS ix_ztilepatch_desiname ON {{ schema }}.ztilepatch (desiname);
CREATE INDEX IF NOT EXISTS ix_ztilepatch_spgrpval ON {{ schema }}.ztilepatch (spgrpval);
CREATE INDEX IF NOT EXISTS ix_ztilepatch_targetid ON {{ schema }}.ztilepatch (targetid);
CREATE INDEX IF NOT EXISTS ix_ztilepatch_tileid ON {{ schema }}.ztilepatch (tileid);
{% endblock %}

{% block comments %}
COMMENT ON TABLE {{ schema }}.ztilepatch IS 'Corrected template coefficients of ztile';
COMMENT ON COLUMN {{ schema }}.ztilepatch.id IS '128-bit key, same as ztile.id (UCD meta.record)';
COMMENT ON COLUMN {{ schema }}.ztilepatch.targetid IS '64-bit DESI object identifier (bit-packed) (UCD meta.id)';
COMMENT ON COLUMN {{ schema }}.ztilepatch.tileid IS 'DESI tile (pointing) number (UCD meta.id;obs.field)';
COMMENT ON COLUMN {{ schema }}.ztilepatch.spgrpval IS 'Value of the grouping: pixel, night or exposure number (UCD meta.id.part)';
COMMENT ON COLUMN {{ schema }}.ztilepatch.desiname IS 'Readable sky-position name, 22 characters (UCD meta.id)';
COMMENT ON COLUMN {{ schema }}.ztilepatch.coeff_0 IS 'Redrock template coefficient 0 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.ztilepatch.coeff_1 IS 'Redrock template coefficient 1 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.ztilepatch.coeff_2 IS 'Redrock template coefficient 2 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.ztilepatch.coeff_3 IS 'Redrock template coefficient 3 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.ztilepatch.coeff_4 IS 'Redrock template coefficient 4 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.ztilepatch.coeff_5 IS 'Redrock template coefficient 5 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.ztilepatch.coeff_6 IS 'Redrock template coefficient 6 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.ztilepatch.coeff_7 IS 'Redrock template coefficient 7 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.ztilepatch.coeff_8 IS 'Redrock template coefficient 8 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.ztilepatch.coeff_9 IS 'Redrock template coefficient 9 (UCD stat.fit.param)';
{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.ztilepatch TO {{ role }};
{% endfor %}
{% endblock %}
