{# Which of the staged tiles differ from what is in the tables, and where. -#}
WITH
{% for table in tables %}
old_{{ table }} AS (
    SELECT * FROM {{ schema }}.{{ table }} WHERE tileid IN (SELECT tileid FROM pg_temp.staged_tile)
){{ "," if not loop.last }}
{% endfor %}
{% for table in tables %}
SELECT tileid, '{{ table }}' FROM (
    SELECT * FROM pg_temp.staged_{{ table }} EXCEPT SELECT * FROM old_{{ table }}
) AS new
UNION
SELECT tileid, '{{ table }}' FROM (
    SELECT * FROM old_{{ table }} EXCEPT SELECT * FROM pg_temp.staged_{{ table }}
) AS gone
{{ "UNION" if not loop.last else "ORDER BY 1, 2" }}
{% endfor %}
