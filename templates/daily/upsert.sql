{# Bring staged rows into their table: new ones, and those that differ. Equal ones are not touched. -#}
INSERT INTO {{ schema }}.{{ table }} AS old ({{ columns | join(", ") }})
SELECT {{ columns | join(", ") }} FROM pg_temp.staged_{{ table }} AS new
{% if table == "photometry" %}
-- Of the tiles that share a target the one of the lowest number decides, in whatever order they come.
WHERE NOT EXISTS (
    SELECT FROM {{ schema }}.target AS known
    WHERE known.targetid = new.targetid
      AND known.tileid < (SELECT tileid FROM pg_temp.staged_tile)
)
{% endif %}
ON CONFLICT ({{ key }}) DO UPDATE
SET ({{ values | join(", ") }}) = (EXCLUDED.{{ values | join(", EXCLUDED.") }})
WHERE (old.{{ values | join(", old.") }})
      IS DISTINCT FROM
      (EXCLUDED.{{ values | join(", EXCLUDED.") }});
