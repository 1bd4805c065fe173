{% from "merge/macros.sql" import same -%}
{# Which of the staged tiles differ from what is in the tables, and where. -#}
{% for table, key in keys.items() %}
SELECT coalesce(new.tileid, old.tileid), '{{ table }}'
FROM {{ room }}.staged_{{ table }} AS new
FULL JOIN (
    SELECT {{ columns[table] | join(", ") }} FROM {{ schema }}.{{ table }} WHERE tileid IN (SELECT tileid FROM {{ room }}.staged_tile)
) AS old ON {{ same("old", "new", key) }}
WHERE record_image_ne(ROW(new.*), ROW(old.*))
{{ "UNION" if not loop.last else "ORDER BY 1, 2" }}
{% endfor %}
