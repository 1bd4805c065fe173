-- target: one row per (TARGETID, survey, tile), from targetphot files.

{% block table %}
{% import 'partitions.jinja' as partitioning %}
CREATE TABLE IF NOT EXISTS {{ schema }}.target (
    id              numeric(39) NOT NULL,
    targetid        bigint NOT NULL,
    photsys         varchar(1) NOT NULL,
    subpriority     double precision NOT NULL,
    obsconditions   bigint NOT NULL,
    priority_init   bigint NOT NULL,
    numobs_init     bigint NOT NULL,
    hpxpixel        bigint NOT NULL,
    cmx_target      bigint NOT NULL,
    desi_target     bigint NOT NULL,
    bgs_target      bigint NOT NULL,
    mws_target      bigint NOT NULL,
    sv1_desi_target bigint NOT NULL,
    sv1_bgs_target  bigint NOT NULL,
    sv1_mws_target  bigint NOT NULL,
    sv2_desi_target bigint NOT NULL,
    sv2_bgs_target  bigint NOT NULL,
    sv2_mws_target  bigint NOT NULL,
    sv3_desi_target bigint NOT NULL,
    sv3_bgs_target  bigint NOT NULL,
    sv3_mws_target  bigint NOT NULL,
    scnd_target     bigint NOT NULL,
    sv1_scnd_target bigint NOT NULL,
    sv2_scnd_target bigint NOT NULL,
    sv3_scnd_target bigint NOT NULL,
    survey          varchar(7) NOT NULL,
    program         varchar(8) NOT NULL,
    tileid          integer NOT NULL
){{ partitioning.by_targetid(partitions) }};
-- As it is, not packed: sorts and joins would unpack it for each comparison.
ALTER TABLE {{ schema }}.target ALTER COLUMN id SET STORAGE PLAIN;
{{ partitioning.parts(partitions, schema, 'target') }}{% endblock %}

{% block distribution %}
{% import 'partitions.jinja' as partitioning %}
{{ partitioning.distributed(partitions, schema, 'target') }}{% endblock %}

{% block keys %}
{% if partitions == 1 %}
CREATE UNIQUE INDEX IF NOT EXISTS target_pkey ON {{ schema }}.target (id);
ALTER TABLE {{ schema }}.target ADD CONSTRAINT target_pkey PRIMARY KEY USING INDEX target_pkey;
{% else %}
ALTER TABLE {{ schema }}.target ADD CONSTRAINT target_pkey PRIMARY KEY (targetid, id);
{% endif %}
{% endblock %}

{% block indexes %}
CREATE UNIQUE INDEX IF NOT EXISTS ix_target_unique ON {{ schema }}.target (targetid, survey, tileid);
CREATE INDEX IF NOT EXISTS ix_target_hpxpixel ON {{ schema }}.target (hpxpixel);
CREATE INDEX IF NOT EXISTS ix_target_program ON {{ schema }}.target (program);
CREATE INDEX IF NOT EXISTS ix_target_survey ON {{ schema }}.target (survey);
{% if partitions == 1 %}
CREATE INDEX IF NOT EXISTS ix_target_targetid ON {{ schema }}.target (targetid);
{% else %}
CREATE INDEX IF NOT EXISTS ix_target_id ON {{ schema }}.target (id);
{% endif %}
CREATE INDEX IF NOT EXISTS ix_target_tileid ON {{ schema }}.target (tileid);
{% endblock %}

{% block foreign_keys %}
{% import 'partitions.jinja' as partitioning %}
ALTER TABLE {{ schema }}.target ADD CONSTRAINT target_targetid_fkey FOREIGN KEY (targetid) REFERENCES {{ schema }}.photometry (targetid){{ partitioning.not_valid(partitions) }};
ALTER TABLE {{ schema }}.target ADD CONSTRAINT target_tileid_fkey FOREIGN KEY (tileid) REFERENCES {{ schema }}.tile (tileid){{ partitioning.not_valid(partitions) }};
{% endblock %}

{% block validation %}
{% if partitions == 1 %}
ALTER TABLE {{ schema }}.target VALIDATE CONSTRAINT target_targetid_fkey;
ALTER TABLE {{ schema }}.target VALIDATE CONSTRAINT target_tileid_fkey;
{% endif %}
{% endblock %}

{% block comments %}
COMMENT ON TABLE {{ schema }}.target IS 'Targeting information, one row per potential target of a tile';
COMMENT ON COLUMN {{ schema }}.target.id IS '128-bit key of survey, tile and target (UCD meta.record)';
COMMENT ON COLUMN {{ schema }}.target.targetid IS '64-bit DESI object identifier (bit-packed) (UCD meta.id)';
COMMENT ON COLUMN {{ schema }}.target.photsys IS 'Photometric system: N (BASS/MzLS), S (DECam), G (Gaia only), blank (UCD meta.code;instr.bandpass)';
COMMENT ON COLUMN {{ schema }}.target.subpriority IS 'Random tie-break in [0,1) (UCD stat.rank)';
COMMENT ON COLUMN {{ schema }}.target.obsconditions IS 'Bitmask of allowed observing conditions (UCD meta.code;obs.param)';
COMMENT ON COLUMN {{ schema }}.target.priority_init IS 'Initial priority from target bits (UCD stat.rank)';
COMMENT ON COLUMN {{ schema }}.target.numobs_init IS 'Initial number of requested observations (UCD meta.number;obs)';
COMMENT ON COLUMN {{ schema }}.target.hpxpixel IS 'HEALPixel of the target (nside 64, nested) (UCD pos.healpix)';
COMMENT ON COLUMN {{ schema }}.target.cmx_target IS 'Commissioning target-selection bitmask (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.target.desi_target IS 'Dark-time target-selection bitmask of the main survey (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.target.bgs_target IS 'Bright-galaxy target-selection bitmask of the main survey (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.target.mws_target IS 'Milky-Way target-selection bitmask of the main survey (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.target.sv1_desi_target IS 'Dark-time target-selection bitmask of sv1 (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.target.sv1_bgs_target IS 'Bright-galaxy target-selection bitmask of sv1 (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.target.sv1_mws_target IS 'Milky-Way target-selection bitmask of sv1 (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.target.sv2_desi_target IS 'Dark-time target-selection bitmask of sv2 (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.target.sv2_bgs_target IS 'Bright-galaxy target-selection bitmask of sv2 (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.target.sv2_mws_target IS 'Milky-Way target-selection bitmask of sv2 (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.target.sv3_desi_target IS 'Dark-time target-selection bitmask of sv3 (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.target.sv3_bgs_target IS 'Bright-galaxy target-selection bitmask of sv3 (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.target.sv3_mws_target IS 'Milky-Way target-selection bitmask of sv3 (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.target.scnd_target IS 'Secondary target-selection bitmask of the main survey (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.target.sv1_scnd_target IS 'Secondary target-selection bitmask of sv1 (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.target.sv2_scnd_target IS 'Secondary target-selection bitmask of sv2 (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.target.sv3_scnd_target IS 'Secondary target-selection bitmask of sv3 (UCD meta.code.member)';
COMMENT ON COLUMN {{ schema }}.target.survey IS 'Survey phase: cmx, special, sv1, sv2, sv3 or main (UCD meta.code.class;obs)';
COMMENT ON COLUMN {{ schema }}.target.program IS 'Observing program: backup, bright, dark or other (newer: bright1b, dark1b) (UCD meta.code.class;obs)';
COMMENT ON COLUMN {{ schema }}.target.tileid IS 'DESI tile (pointing) number (UCD meta.id;obs.field)';
{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.target TO {{ role }};
{% endfor %}
{% endblock %}
