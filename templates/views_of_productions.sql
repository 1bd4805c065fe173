{#
Views over the redshift table of several productions, the oldest first. Positions come from the photometry of
the same production. Plain UNION ALL, inner joins and NOT EXISTS, so that a condition on targetid, ra and dec
goes down to the indexes of each production; columns that one does not have are null there.
#}
{% macro rows_of(production) %}
SELECT {{ production.label }}::pg_catalog.text AS production,
{% for column in columns %}
    {% if column.name in production.columns %}z.{{ column.name }}{% else %}NULL::pg_catalog.{{ column.type }} AS {{ column.name }}{% endif %},
{% endfor %}
    p.ra, p.dec
FROM {{ production.schema }}.{{ table }} AS z
JOIN {{ production.schema }}.{{ positions }} AS p ON p.targetid = z.targetid
{% endmacro %}
CREATE VIEW {{ schema }}.{{ views.all }} AS
{% for production in productions %}
{{ "UNION ALL\n" if not loop.first }}{{ rows_of(production) }}
{%- endfor %}
;

CREATE VIEW {{ schema }}.{{ views.best }} AS
{% for production in productions %}
{{ "UNION ALL\n" if not loop.first }}{{ rows_of(production) }}WHERE z.zcat_primary
{% for newer in productions[loop.index:] %}
  AND NOT EXISTS (
      SELECT 1 FROM {{ newer.schema }}.{{ table }} AS newer
      WHERE newer.targetid = z.targetid AND newer.zcat_primary
  )
{% endfor %}
{%- endfor %}
;

CREATE VIEW {{ schema }}.{{ views.change }} AS
SELECT new.targetid,
{% for side in ("old", "new") %}
{% for column in compared %}
    {{ side }}.{{ column.name }} AS {{ column[side] }},
{% endfor %}
{% endfor %}
    p.ra, p.dec
FROM {{ old.schema }}.{{ table }} AS old
JOIN {{ new.schema }}.{{ table }} AS new ON new.targetid = old.targetid
JOIN {{ new.schema }}.{{ positions }} AS p ON p.targetid = new.targetid
WHERE old.zcat_primary AND new.zcat_primary;
