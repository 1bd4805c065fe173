{% from "merge/macros.sql" import same -%}
{# Which of the staged tiles differ from what is in the tables, and where. -#}
{% for table, key in keys.items() %}
SELECT coalesce(new.tileid, old.tileid), '{{ table }}'
FROM pg_temp.staged_{{ table }} AS new
FULL JOIN (
    SELECT {{ columns[table] | join(", ") }} FROM {{ schema }}.{{ table }} WHERE tileid IN (SELECT tileid FROM pg_temp.staged_tile)
) AS old ON {{ same("old", "new", key) }}
WHERE ROW(new.*)::record *<> ROW(old.*)::record
{{ "UNION" if not loop.last else "ORDER BY 1, 2" }}
{% endfor %}
