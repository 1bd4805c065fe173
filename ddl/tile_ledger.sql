-- tile_ledger: which tiles are loaded one by one, and from what. A row commits together with the tile's rows.

{% block table %}
CREATE TABLE IF NOT EXISTS {{ schema }}.tile_ledger (
    tileid    integer NOT NULL,
    updated   text NOT NULL,
    files     jsonb NOT NULL,
    seconds   double precision NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    loaded_by text NOT NULL,
    CONSTRAINT tile_ledger_pkey PRIMARY KEY (tileid)
);
{% endblock %}

{% block comments %}
COMMENT ON TABLE {{ schema }}.tile_ledger IS 'Tiles loaded one by one: the state of their files that is in the tables';
COMMENT ON COLUMN {{ schema }}.tile_ledger.tileid IS 'DESI tile (pointing) number';
COMMENT ON COLUMN {{ schema }}.tile_ledger.updated IS 'UPDATED of the tiles file, empty where it has no such column';
COMMENT ON COLUMN {{ schema }}.tile_ledger.files IS 'Files of this tile alone, relative to the data root where they lie below it, each with its size in bytes';
COMMENT ON COLUMN {{ schema }}.tile_ledger.seconds IS 'Time taken, in seconds';
COMMENT ON COLUMN {{ schema }}.tile_ledger.loaded_at IS 'When the rows were written';
COMMENT ON COLUMN {{ schema }}.tile_ledger.loaded_by IS 'Name and version of the loader';
{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.tile_ledger TO {{ role }};
{% endfor %}
{% endblock %}
