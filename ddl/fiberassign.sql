-- fiberassign: one row per assigned fiber of a tile, from HDU FIBERASSIGN of fiberassign files.

{% block table %}
{% import 'partitions.jinja' as partitioning %}
CREATE TABLE IF NOT EXISTS {{ schema }}.fiberassign (
    id            numeric(39) NOT NULL,
    tileid        integer NOT NULL,
    targetid      bigint NOT NULL,
    petal_loc     smallint NOT NULL,
    device_loc    integer NOT NULL,
    location      integer NOT NULL,
    fiber         integer NOT NULL,
    fiberstatus   integer NOT NULL,
    target_ra     double precision NOT NULL,
    target_dec    double precision NOT NULL,
    pmra          real NOT NULL,
    pmdec         real NOT NULL,
    ref_epoch     real NOT NULL,
    lambda_ref    real NOT NULL,
    fa_target     bigint NOT NULL,
    fa_type       smallint NOT NULL,
    fiberassign_x real NOT NULL,
    fiberassign_y real NOT NULL,
    priority      integer NOT NULL,
    subpriority   double precision NOT NULL,
    parallax      real NOT NULL
){{ partitioning.by_targetid(partitions) }};
-- As it is, not packed: sorts and joins would unpack it for each comparison.
ALTER TABLE {{ schema }}.fiberassign ALTER COLUMN id SET STORAGE PLAIN;
{{ partitioning.parts(partitions, schema, 'fiberassign') }}{% endblock %}

{% block distribution %}
{% import 'partitions.jinja' as partitioning %}
{{ partitioning.distributed(partitions, schema, 'fiberassign') }}{% endblock %}

{% block keys %}
{% if partitions == 1 %}
CREATE UNIQUE INDEX IF NOT EXISTS fiberassign_pkey ON {{ schema }}.fiberassign (id);
ALTER TABLE {{ schema }}.fiberassign ADD CONSTRAINT fiberassign_pkey PRIMARY KEY USING INDEX fiberassign_pkey;
{% else %}
ALTER TABLE {{ schema }}.fiberassign ADD CONSTRAINT fiberassign_pkey PRIMARY KEY (targetid, id);
{% endif %}
{% endblock %}

{% block indexes %}
CREATE UNIQUE INDEX IF NOT EXISTS ix_fiberassign_unique ON {{ schema }}.fiberassign (tileid, targetid, location);
CREATE INDEX IF NOT EXISTS ix_fiberassign_location ON {{ schema }}.fiberassign (location);
{% if partitions == 1 %}
CREATE INDEX IF NOT EXISTS ix_fiberassign_targetid ON {{ schema }}.fiberassign (targetid);
{% else %}
CREATE INDEX IF NOT EXISTS ix_fiberassign_id ON {{ schema }}.fiberassign (id);
{% endif %}
CREATE INDEX IF NOT EXISTS ix_fiberassign_tileid ON {{ schema }}.fiberassign (tileid);
{% endblock %}

{% block foreign_keys %}
{% import 'partitions.jinja' as partitioning %}
ALTER TABLE {{ schema }}.fiberassign ADD CONSTRAINT fiberassign_targetid_fkey FOREIGN KEY (targetid) REFERENCES {{ schema }}.photometry (targetid){{ partitioning.not_valid(partitions) }};
ALTER TABLE {{ schema }}.fiberassign ADD CONSTRAINT fiberassign_tileid_fkey FOREIGN KEY (tileid) REFERENCES {{ schema }}.tile (tileid){{ partitioning.not_valid(partitions) }};
{% endblock %}

{% block validation %}
{% if partitions == 1 %}
ALTER TABLE {{ schema }}.fiberassign VALIDATE CONSTRAINT fiberassign_targetid_fkey;
ALTER TABLE {{ schema }}.fiberassign VALIDATE CONSTRAINT fiberassign_tileid_fkey;
{% endif %}
{% endblock %}

{% block q3c %}
CREATE INDEX IF NOT EXISTS ix_fiberassign_q3c_ang2ipix ON {{ schema }}.fiberassign ({{ q3c }}.q3c_ang2ipix(target_ra, target_dec));
{% endblock %}

{% block cluster %}
{% if partitions == 1 %}
CLUSTER {{ schema }}.fiberassign USING ix_fiberassign_q3c_ang2ipix;
{% endif %}
{% endblock %}

{% block comments %}
COMMENT ON TABLE {{ schema }}.fiberassign IS 'Fibers as assigned on a tile, without sky fibers';
COMMENT ON COLUMN {{ schema }}.fiberassign.id IS '128-bit key of location, tile and target (UCD meta.record)';
COMMENT ON COLUMN {{ schema }}.fiberassign.tileid IS 'DESI tile (pointing) number (UCD meta.id;obs.field)';
COMMENT ON COLUMN {{ schema }}.fiberassign.targetid IS '64-bit DESI object identifier (bit-packed) (UCD meta.id)';
COMMENT ON COLUMN {{ schema }}.fiberassign.petal_loc IS 'Focal-plane petal number 0-9 (UCD meta.id.part;instr)';
COMMENT ON COLUMN {{ schema }}.fiberassign.device_loc IS 'Device position within the petal 0-523 (up to 542 for non-positioners) (UCD meta.id.part;instr)';
COMMENT ON COLUMN {{ schema }}.fiberassign.location IS 'Focal-plane location = 1000*PETAL_LOC + DEVICE_LOC (UCD meta.id;instr)';
COMMENT ON COLUMN {{ schema }}.fiberassign.fiber IS 'Fibre number 0-4999 (UCD meta.id;instr)';
COMMENT ON COLUMN {{ schema }}.fiberassign.fiberstatus IS 'Fibre status bitmask, 0 is good (UCD meta.code.status;instr)';
COMMENT ON COLUMN {{ schema }}.fiberassign.target_ra IS 'Right ascension of the target (ICRS, barycentric) [deg] (UCD pos.eq.ra;meta.main)';
COMMENT ON COLUMN {{ schema }}.fiberassign.target_dec IS 'Declination of the target (ICRS, barycentric) [deg] (UCD pos.eq.dec;meta.main)';
COMMENT ON COLUMN {{ schema }}.fiberassign.pmra IS 'Proper motion in RA including cos(dec) [mas yr^-1] (UCD pos.pm;pos.eq.ra)';
COMMENT ON COLUMN {{ schema }}.fiberassign.pmdec IS 'Proper motion in Dec [mas yr^-1] (UCD pos.pm;pos.eq.dec)';
COMMENT ON COLUMN {{ schema }}.fiberassign.ref_epoch IS 'Epoch of the astrometry (e.g. 2015.5 for Gaia DR2) [yr] (UCD time.epoch)';
COMMENT ON COLUMN {{ schema }}.fiberassign.lambda_ref IS 'Wavelength for which the fibre is centred on the target [Angstrom] (UCD em.wl;instr.setup)';
COMMENT ON COLUMN {{ schema }}.fiberassign.fa_target IS 'Internal fiberassign target bitmask (UCD meta.code.class)';
COMMENT ON COLUMN {{ schema }}.fiberassign.fa_type IS 'Internal fiberassign class bits (science, standard, sky, safe, suppsky) (UCD meta.code.class)';
COMMENT ON COLUMN {{ schema }}.fiberassign.fiberassign_x IS 'Planned focal-plane X (CS5) [mm] (UCD pos.cartesian.x;instr)';
COMMENT ON COLUMN {{ schema }}.fiberassign.fiberassign_y IS 'Planned focal-plane Y (CS5) [mm] (UCD pos.cartesian.y;instr)';
COMMENT ON COLUMN {{ schema }}.fiberassign.priority IS 'Target priority at assignment (larger first) (UCD stat.rank)';
COMMENT ON COLUMN {{ schema }}.fiberassign.subpriority IS 'Random tie-break in [0,1) (UCD stat.rank)';
COMMENT ON COLUMN {{ schema }}.fiberassign.parallax IS 'Parallax from the reference catalogue [mas] (UCD pos.parallax.trig)';
{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.fiberassign TO {{ role }};
{% endfor %}
{% endblock %}
