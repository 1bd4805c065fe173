{% from "merge/macros.sql" import same, differ -%}
{# Bring staged rows into their table: those that differ, and those that are new. Equal ones are not touched. -#}
UPDATE {{ schema }}.{{ table }} AS old
SET ({{ values | join(", ") }}) = ROW(new.{{ values | join(", new.") }})
FROM pg_temp.{{ staged }} AS new
WHERE {{ same("old", "new", key) }}
  AND {{ differ("old", "new", values) }};

INSERT INTO {{ schema }}.{{ table }} ({{ columns | join(", ") }})
SELECT {{ columns | join(", ") }} FROM pg_temp.{{ staged }} AS new
WHERE NOT EXISTS (SELECT FROM {{ schema }}.{{ table }} AS old WHERE {{ same("old", "new", key) }});
