-- tile: one row per TILEID, from the top-level tiles file.

{% block table %}
CREATE TABLE IF NOT EXISTS {{ schema }}.tile (
    tileid             integer NOT NULL,
    survey             varchar(20) NOT NULL,
    program            varchar(8) NOT NULL,
    faprgrm            varchar(20) NOT NULL,
    faflavor           varchar(20) NOT NULL,
    nexp               bigint NOT NULL,
    exptime            double precision NOT NULL,
    tilera             double precision NOT NULL,
    tiledec            double precision NOT NULL,
    efftime_etc        double precision NOT NULL,
    efftime_spec       double precision NOT NULL,
    efftime_gfa        double precision NOT NULL,
    goaltime           double precision NOT NULL,
    obsstatus          varchar(20) NOT NULL,
    lrg_efftime_dark   double precision NOT NULL,
    elg_efftime_dark   double precision NOT NULL,
    bgs_efftime_bright double precision NOT NULL,
    lya_efftime_dark   double precision NOT NULL,
    goaltype           varchar(20) NOT NULL,
    mintfrac           double precision NOT NULL,
    lastnight          integer NOT NULL
);
{% endblock %}

{% block distribution %}
{% import 'partitions.jinja' as partitioning %}
{{ partitioning.reference(partitions, schema, 'tile') }}{% endblock %}

{% block keys %}
{% if partitions %}
CREATE UNIQUE INDEX IF NOT EXISTS tile_pkey ON {{ schema }}.tile (tileid);
ALTER TABLE {{ schema }}.tile ADD CONSTRAINT tile_pkey PRIMARY KEY USING INDEX tile_pkey;
{% else %}
ALTER TABLE {{ schema }}.tile ADD CONSTRAINT tile_pkey PRIMARY KEY (tileid);
{% endif %}
{% endblock %}

{% block q3c %}
CREATE INDEX IF NOT EXISTS ix_tile_q3c_ang2ipix ON {{ schema }}.tile ({{ q3c }}.q3c_ang2ipix(tilera, tiledec));
{% endblock %}

{% block cluster %}
CLUSTER {{ schema }}.tile USING ix_tile_q3c_ang2ipix;
{% endblock %}

{% block comments %}
COMMENT ON TABLE {{ schema }}.tile IS 'Tiles: telescope pointings with an assignment of fibers to targets';
COMMENT ON COLUMN {{ schema }}.tile.tileid IS 'DESI tile (pointing) number (UCD meta.id;obs.field;meta.main)';
COMMENT ON COLUMN {{ schema }}.tile.survey IS 'Survey phase: cmx, special, sv1, sv2, sv3 or main (UCD meta.code.class;obs)';
COMMENT ON COLUMN {{ schema }}.tile.program IS 'Observing program: backup, bright, dark or other (newer: bright1b, dark1b) (UCD meta.code.class;obs)';
COMMENT ON COLUMN {{ schema }}.tile.faprgrm IS 'Program name as written in the fiberassign file (UCD meta.code.class;obs)';
COMMENT ON COLUMN {{ schema }}.tile.faflavor IS 'Flavor string of the fiberassign file (survey + program) (UCD meta.code.class;obs)';
COMMENT ON COLUMN {{ schema }}.tile.nexp IS 'Number of exposures contributing to the effective times of the tile (UCD meta.number;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.tile.exptime IS 'Open-shutter time [s] (UCD time.duration;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.tile.tilera IS 'Right ascension of the tile centre [deg] (UCD pos.eq.ra;obs.field)';
COMMENT ON COLUMN {{ schema }}.tile.tiledec IS 'Declination of the tile centre [deg] (UCD pos.eq.dec;obs.field)';
COMMENT ON COLUMN {{ schema }}.tile.efftime_etc IS 'Effective time from the exposure-time calculator [s] (UCD time.duration;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.tile.efftime_spec IS 'Effective time from spectroscopic template S/N [s] (UCD time.duration;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.tile.efftime_gfa IS 'Effective time from guide-camera data (0 = some input missing) [s] (UCD time.duration;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.tile.goaltime IS 'Effective time the tile needs to be finished [s] (UCD time.duration;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.tile.obsstatus IS 'Observation status of the tile (obsend, obsstart, other, unknown) (UCD meta.code.status;obs)';
COMMENT ON COLUMN {{ schema }}.tile.lrg_efftime_dark IS 'Effective dark-time exposure for LRG targets, from TSNR2 [s] (UCD time.duration;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.tile.elg_efftime_dark IS 'Effective dark-time exposure for ELG targets, from TSNR2 [s] (UCD time.duration;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.tile.bgs_efftime_bright IS 'Effective bright-time exposure for BGS targets, from TSNR2 [s] (UCD time.duration;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.tile.lya_efftime_dark IS 'Effective dark-time exposure for LYA targets, from TSNR2 [s] (UCD time.duration;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.tile.goaltype IS 'Condition type the goal time refers to (dark, bright, backup, other, unknown) (UCD meta.code.class;obs)';
COMMENT ON COLUMN {{ schema }}.tile.mintfrac IS 'Fraction of GOALTIME from which a tile counts as complete (UCD arith.factor;time.duration)';
COMMENT ON COLUMN {{ schema }}.tile.lastnight IS 'Latest night contributing to the tile/coadd (UCD time.epoch;stat.max)';
{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.tile TO {{ role }};
{% endfor %}
{% endblock %}
