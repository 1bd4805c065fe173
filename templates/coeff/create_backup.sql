CREATE TABLE IF NOT EXISTS {{ patch_schema }}.{{ backup }} (
    id      numeric(39) CONSTRAINT {{ backup_key }} PRIMARY KEY,
{% for n in range(10) %}
    coeff_{{ n }} double precision NOT NULL{{ "" if loop.last else "," }}
{% endfor %}
);
