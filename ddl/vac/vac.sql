-- vac: which catalogue, of which version, is in which tables of this schema, and how they were made.

{% block table %}
CREATE TABLE IF NOT EXISTS {{ schema }}.vac (
    catalogue   text NOT NULL,
    version     text NOT NULL,
    release     text NOT NULL,
    specprod    text NOT NULL,
    about       text NOT NULL,
    url         text NOT NULL,
    tables      text[] NOT NULL,
    suffix      text NOT NULL,
    root        text NOT NULL,
    description text NOT NULL,
    sql         jsonb NOT NULL,
    described_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    described_by text NOT NULL,
    CONSTRAINT vac_pkey PRIMARY KEY (catalogue, version, suffix)
);
{% endblock %}

{% block comments %}
COMMENT ON TABLE {{ schema }}.vac IS 'Value-added catalogues in this schema: which version is in which tables, and the description that they were loaded with';
COMMENT ON COLUMN {{ schema }}.vac.catalogue IS 'Name of the catalogue (UCD meta.id;meta.dataset)';
COMMENT ON COLUMN {{ schema }}.vac.version IS 'Its version (UCD meta.version)';
COMMENT ON COLUMN {{ schema }}.vac.release IS 'Data release that it belongs to (UCD meta.id)';
COMMENT ON COLUMN {{ schema }}.vac.specprod IS 'Spectroscopic production that it was made from (UCD meta.id)';
COMMENT ON COLUMN {{ schema }}.vac.about IS 'What the catalogue is (UCD meta.note)';
COMMENT ON COLUMN {{ schema }}.vac.url IS 'Where it is documented (UCD meta.ref.url)';
COMMENT ON COLUMN {{ schema }}.vac.tables IS 'Tables with its rows (UCD meta.id;meta.table)';
COMMENT ON COLUMN {{ schema }}.vac.suffix IS 'What the names of these tables have behind those of the description (UCD meta.id)';
COMMENT ON COLUMN {{ schema }}.vac.root IS 'Folder that the files lie below (UCD meta.ref;meta.file)';
COMMENT ON COLUMN {{ schema }}.vac.description IS 'How the rows come from files: the TOML file (UCD meta.note)';
COMMENT ON COLUMN {{ schema }}.vac.sql IS 'The SQL files of the tables, by name (UCD meta.note)';
COMMENT ON COLUMN {{ schema }}.vac.described_at IS 'When this was written here (UCD time.processing)';
COMMENT ON COLUMN {{ schema }}.vac.described_by IS 'Name and version of the loading program (UCD meta.id;meta.software)';
{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.vac TO {{ role }};
{% endfor %}
{% endblock %}
