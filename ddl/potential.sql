-- potential: one row per (tile, target, location), from HDU POTENTIAL_ASSIGNMENTS of fiberassign files.

{% block table %}
{% import 'partitions.jinja' as partitioning %}
CREATE TABLE IF NOT EXISTS {{ schema }}.potential (
    id       numeric(39) NOT NULL,
    tileid   integer NOT NULL,
    targetid bigint NOT NULL,
    fiber    integer NOT NULL,
    location integer NOT NULL
){{ partitioning.by_targetid(partitions) }};
-- As it is, not packed: sorts and joins would unpack it for each comparison.
ALTER TABLE {{ schema }}.potential ALTER COLUMN id SET STORAGE PLAIN;
{{ partitioning.parts(partitions, schema, 'potential') }}{% endblock %}

{% block distribution %}
{% import 'partitions.jinja' as partitioning %}
{{ partitioning.distributed(partitions, schema, 'potential') }}{% endblock %}

{% block keys %}
{% if partitions == 1 %}
CREATE UNIQUE INDEX IF NOT EXISTS potential_pkey ON {{ schema }}.potential (id);
ALTER TABLE {{ schema }}.potential ADD CONSTRAINT potential_pkey PRIMARY KEY USING INDEX potential_pkey;
{% else %}
ALTER TABLE {{ schema }}.potential ADD CONSTRAINT potential_pkey PRIMARY KEY (targetid, id);
{% endif %}
{% endblock %}

{% block indexes %}
CREATE UNIQUE INDEX IF NOT EXISTS ix_potential_unique ON {{ schema }}.potential (tileid, targetid, location);
CREATE INDEX IF NOT EXISTS ix_potential_location ON {{ schema }}.potential (location);
{% if partitions == 1 %}
CREATE INDEX IF NOT EXISTS ix_potential_targetid ON {{ schema }}.potential (targetid);
{% else %}
CREATE INDEX IF NOT EXISTS ix_potential_id ON {{ schema }}.potential (id);
{% endif %}
CREATE INDEX IF NOT EXISTS ix_potential_tileid ON {{ schema }}.potential (tileid);
{% endblock %}

{% block foreign_keys %}
{% import 'partitions.jinja' as partitioning %}
{% if 'observed_only' not in optional %}
ALTER TABLE {{ schema }}.potential ADD CONSTRAINT potential_targetid_fkey FOREIGN KEY (targetid) REFERENCES {{ schema }}.photometry (targetid){{ partitioning.not_valid(partitions) }};
{% endif %}
ALTER TABLE {{ schema }}.potential ADD CONSTRAINT potential_tileid_fkey FOREIGN KEY (tileid) REFERENCES {{ schema }}.tile (tileid){{ partitioning.not_valid(partitions) }};
{% endblock %}

{% block validation %}
{% if partitions == 1 %}
{% if 'observed_only' not in optional %}
ALTER TABLE {{ schema }}.potential VALIDATE CONSTRAINT potential_targetid_fkey;
{% endif %}
ALTER TABLE {{ schema }}.potential VALIDATE CONSTRAINT potential_tileid_fkey;
{% endif %}
{% endblock %}

{% block comments %}
COMMENT ON TABLE {{ schema }}.potential IS 'Potential assignments: targets that a fiber of a tile can reach, without sky{{ '; photometry has those that were observed' if 'observed_only' in optional }}';
COMMENT ON COLUMN {{ schema }}.potential.id IS '128-bit key of location, tile and target (UCD meta.record)';
COMMENT ON COLUMN {{ schema }}.potential.tileid IS 'DESI tile (pointing) number (UCD meta.id;obs.field)';
COMMENT ON COLUMN {{ schema }}.potential.targetid IS '64-bit DESI object identifier (bit-packed) (UCD meta.id)';
COMMENT ON COLUMN {{ schema }}.potential.fiber IS 'Fibre number 0-4999 (UCD meta.id;instr)';
COMMENT ON COLUMN {{ schema }}.potential.location IS 'Focal-plane location = 1000*PETAL_LOC + DEVICE_LOC (UCD meta.id;instr)';
{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.potential TO {{ role }};
{% endfor %}
{% endblock %}
