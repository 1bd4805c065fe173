-- version: which software and which data made the rows of this schema.

{% block table %}
CREATE TABLE IF NOT EXISTS {{ schema }}.version (
    id      serial NOT NULL,
    package varchar(20) NOT NULL,
    version varchar(20) NOT NULL
);
{% endblock %}

{% block distribution %}
{% import 'partitions.jinja' as partitioning %}
{{ partitioning.reference(partitions, schema, 'version') }}{% endblock %}

{% block keys %}
ALTER TABLE {{ schema }}.version ADD CONSTRAINT version_pkey PRIMARY KEY (id);
ALTER TABLE {{ schema }}.version ADD CONSTRAINT version_package_key UNIQUE (package);
{% endblock %}

{% block comments %}
COMMENT ON TABLE {{ schema }}.version IS 'Software and data versions behind the rows of this schema';
COMMENT ON COLUMN {{ schema }}.version.id IS 'Row number (UCD meta.record)';
COMMENT ON COLUMN {{ schema }}.version.package IS 'Name of a software package or data set (UCD meta.id;meta.software)';
COMMENT ON COLUMN {{ schema }}.version.version IS 'Its version or tag (UCD meta.version)';
{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.version TO {{ role }};
{% endfor %}
{% endblock %}
