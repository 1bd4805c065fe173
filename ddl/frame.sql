-- frame: one row per exposure and camera, from HDU FRAMES of the top-level exposures file.

{% block table %}
{# Files have 8 bytes; tables of productions since zcatalog v2 keep them. #}
{% set float = 'double precision' if 'wide' in optional else 'real' %}
CREATE TABLE IF NOT EXISTS {{ schema }}.frame (
    frameid         integer NOT NULL,
    night           integer NOT NULL,
    expid           integer NOT NULL,
    tileid          integer NOT NULL,
    mjd             double precision NOT NULL,
    exptime         {{ float }} NOT NULL,
    ebv             {{ float }} NOT NULL,
    camera          varchar(2) NOT NULL,
    tsnr2_gpbdark   {{ float }} NOT NULL,
    tsnr2_elg       {{ float }} NOT NULL,
    tsnr2_gpbbright {{ float }} NOT NULL,
    tsnr2_lya       double precision NOT NULL,
    tsnr2_bgs       {{ float }} NOT NULL,
    tsnr2_gpbbackup {{ float }} NOT NULL,
    tsnr2_qso       {{ float }} NOT NULL,
    tsnr2_lrg       {{ float }} NOT NULL
);
{% endblock %}

{% block distribution %}
{% import 'partitions.jinja' as partitioning %}
{{ partitioning.reference(partitions, schema, 'frame') }}{% endblock %}

{% block keys %}
{% if partitions %}
CREATE UNIQUE INDEX IF NOT EXISTS frame_pkey ON {{ schema }}.frame (frameid);
ALTER TABLE {{ schema }}.frame ADD CONSTRAINT frame_pkey PRIMARY KEY USING INDEX frame_pkey;
{% else %}
ALTER TABLE {{ schema }}.frame ADD CONSTRAINT frame_pkey PRIMARY KEY (frameid);
{% endif %}
{% endblock %}

{% block indexes %}
CREATE INDEX IF NOT EXISTS ix_frame_night ON {{ schema }}.frame (night);
CREATE INDEX IF NOT EXISTS ix_frame_tileid ON {{ schema }}.frame (tileid);
{% endblock %}

{% block foreign_keys %}
ALTER TABLE {{ schema }}.frame ADD CONSTRAINT frame_expid_fkey FOREIGN KEY (expid) REFERENCES {{ schema }}.exposure (expid){{ ' NOT VALID' if partitions }};
{% endblock %}

{% block validation %}
{% if partitions %}
ALTER TABLE {{ schema }}.frame VALIDATE CONSTRAINT frame_expid_fkey;
{% endif %}
{% endblock %}

{% block comments %}
COMMENT ON TABLE {{ schema }}.frame IS 'Frames: one camera of one spectrograph in one exposure';
COMMENT ON COLUMN {{ schema }}.frame.frameid IS 'Key of exposure and camera (UCD meta.id;meta.main)';
COMMENT ON COLUMN {{ schema }}.frame.night IS 'Observing night as YYYYMMDD (date at local noon before observing) (UCD time.epoch;obs)';
COMMENT ON COLUMN {{ schema }}.frame.expid IS 'DESI exposure number (UCD meta.id;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.frame.tileid IS 'DESI tile (pointing) number (UCD meta.id;obs.field)';
COMMENT ON COLUMN {{ schema }}.frame.mjd IS 'Modified Julian Date at shutter opening [d] (UCD time.epoch;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.frame.exptime IS 'Open-shutter time [s] (UCD time.duration;obs.exposure)';
COMMENT ON COLUMN {{ schema }}.frame.ebv IS 'Galactic reddening E(B-V), SFD98 map [mag] (UCD phot.color.excess)';
COMMENT ON COLUMN {{ schema }}.frame.camera IS 'Camera name: arm letter b/r/z + spectrograph digit (UCD meta.id;instr)';
COMMENT ON COLUMN {{ schema }}.frame.tsnr2_gpbdark IS 'Squared S/N against the guider-passband (dark) template, all cameras (UCD stat.snr;arith.squared)';
COMMENT ON COLUMN {{ schema }}.frame.tsnr2_elg IS 'Squared S/N against the emission-line-galaxy template, all cameras (UCD stat.snr;arith.squared)';
COMMENT ON COLUMN {{ schema }}.frame.tsnr2_gpbbright IS 'Squared S/N against the guider-passband (bright) template, all cameras (UCD stat.snr;arith.squared)';
COMMENT ON COLUMN {{ schema }}.frame.tsnr2_lya IS 'Squared S/N against the Lyman-alpha quasar template, all cameras (UCD stat.snr;arith.squared)';
COMMENT ON COLUMN {{ schema }}.frame.tsnr2_bgs IS 'Squared S/N against the bright-galaxy template, all cameras (UCD stat.snr;arith.squared)';
COMMENT ON COLUMN {{ schema }}.frame.tsnr2_gpbbackup IS 'Squared S/N against the guider-passband (backup) template, all cameras (UCD stat.snr;arith.squared)';
COMMENT ON COLUMN {{ schema }}.frame.tsnr2_qso IS 'Squared S/N against the quasar template, all cameras (UCD stat.snr;arith.squared)';
COMMENT ON COLUMN {{ schema }}.frame.tsnr2_lrg IS 'Squared S/N against the luminous-red-galaxy template, all cameras (UCD stat.snr;arith.squared)';
{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.frame TO {{ role }};
{% endfor %}
{% endblock %}
