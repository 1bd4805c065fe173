{# Bring staged rows into their table: new ones, and those that differ. Equal ones are not touched. -#}
{% macro of_this_tile() -%}
{% if table == "photometry" %}
-- Of the tiles that share a target the one of the lowest number decides, in whatever order they come.
NOT EXISTS (
    SELECT FROM {{ schema }}.target AS known
    WHERE known.targetid = new.targetid
      AND known.tileid < (SELECT tileid FROM pg_temp.staged_tile)
)
{%- else -%}
true
{%- endif %}
{%- endmacro -%}
SELECT count(*) AS {{ table }}
FROM pg_temp.staged_{{ table }} AS new LEFT JOIN {{ schema }}.{{ table }} AS old USING ({{ key }})
WHERE {{ of_this_tile() }}
  AND (old.tableoid IS NULL
       OR (old.{{ values | join(", old.") }})
          IS DISTINCT FROM
          (new.{{ values | join(", new.") }}));
INSERT INTO {{ schema }}.{{ table }} AS old ({{ columns | join(", ") }})
SELECT {{ columns | join(", ") }} FROM pg_temp.staged_{{ table }} AS new
WHERE {{ of_this_tile() }}
ON CONFLICT ({{ key }}) DO UPDATE
SET ({{ values | join(", ") }}) = (EXCLUDED.{{ values | join(", EXCLUDED.") }})
WHERE (old.{{ values | join(", old.") }})
      IS DISTINCT FROM
      (EXCLUDED.{{ values | join(", EXCLUDED.") }});
