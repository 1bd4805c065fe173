-- zpixpatch: corrected COEFF of zpix, from zall-pix files.

{% block table %}
CREATE TABLE IF NOT EXISTS {{ schema }}.zpixpatch (
    id       numeric(39) NOT NULL,
    targetid bigint NOT NULL,
    desiname varchar(22) NOT NULL,
    survey   varchar(7) NOT NULL,
    program  varchar(8) NOT NULL,
    healpix  integer NOT NULL,
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
ALTER TABLE {{ schema }}.zpixpatch ALTER COLUMN id SET STORAGE PLAIN;
{% endblock %}

{% block keys %}
CREATE UNIQUE INDEX IF NOT EXISTS zpixpatch_pkey ON {{ schema }}.zpixpatch (id);
ALTER TABLE {{ schema }}.zpixpatch ADD CONSTRAINT zpixpatch_pkey PRIMARY KEY USING INDEX zpixpatch_pkey;
{% endblock %}

{% block indexes %}
CREATE UNIQUE INDEX IF NOT EXISTS ix_zpixpatch_unique ON {{ schema }}.zpixpatch (targetid, survey, program);
CREATE INDEX IF NOT EXISTS ix_zpixpatch_desiname ON {{ schema }}.zpixpatch (desiname);
CREATE INDEX IF NOT EXISTS ix_zpixpatch_healpix ON {{ schema }}.zpixpatch (healpix);
CREATE INDEX IF NOT EXISTS ix_zpixpatch_program ON {{ schema }}.zpixpatch (program);
CREATE INDEX IF NOT EXISTS ix_zpixpatch_survey ON {{ schema }}.zpixpatch (survey);
CREATE INDEX IF NOT EXISTS ix_zpixpatch_targetid ON {{ schema }}.zpixpatch (targetid);
{% endblock %}

{% block comments %}
COMMENT ON TABLE {{ schema }}.zpixpatch IS 'Corrected template coefficients of zpix';
COMMENT ON COLUMN {{ schema }}.zpixpatch.id IS '128-bit key, same as zpix.id (UCD meta.record)';
COMMENT ON COLUMN {{ schema }}.zpixpatch.targetid IS '64-bit DESI object identifier (bit-packed) (UCD meta.id)';
COMMENT ON COLUMN {{ schema }}.zpixpatch.desiname IS 'Readable sky-position name, 22 characters (UCD meta.id)';
COMMENT ON COLUMN {{ schema }}.zpixpatch.survey IS 'Survey phase: cmx, special, sv1, sv2, sv3 or main (UCD meta.code.class;obs)';
COMMENT ON COLUMN {{ schema }}.zpixpatch.program IS 'Observing program: backup, bright, dark or other (newer: bright1b, dark1b) (UCD meta.code.class;obs)';
COMMENT ON COLUMN {{ schema }}.zpixpatch.healpix IS 'HEALPixel of the coadd (nside 64, nested) (UCD pos.healpix)';
COMMENT ON COLUMN {{ schema }}.zpixpatch.coeff_0 IS 'Redrock template coefficient 0 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.zpixpatch.coeff_1 IS 'Redrock template coefficient 1 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.zpixpatch.coeff_2 IS 'Redrock template coefficient 2 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.zpixpatch.coeff_3 IS 'Redrock template coefficient 3 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.zpixpatch.coeff_4 IS 'Redrock template coefficient 4 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.zpixpatch.coeff_5 IS 'Redrock template coefficient 5 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.zpixpatch.coeff_6 IS 'Redrock template coefficient 6 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.zpixpatch.coeff_7 IS 'Redrock template coefficient 7 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.zpixpatch.coeff_8 IS 'Redrock template coefficient 8 (UCD stat.fit.param)';
COMMENT ON COLUMN {{ schema }}.zpixpatch.coeff_9 IS 'Redrock template coefficient 9 (UCD stat.fit.param)';
{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.zpixpatch TO {{ role }};
{% endfor %}
{% endblock %}
