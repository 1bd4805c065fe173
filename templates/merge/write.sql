{% from "merge/macros.sql" import same, differ -%}
{# Bring staged rows into their table: those that differ, and those that are new. Equal ones are not touched. -#}
{% macro differing() -%}
{{ same("old", "new", key) }}
  AND {{ differ("old", "new", values) }}
{%- endmacro -%}
{% macro are_new() -%}
NOT EXISTS (SELECT 1 FROM {{ schema }}.{{ table }} AS old WHERE {{ same("old", "new", key) }})
{%- endmacro -%}
SELECT count(*) AS {{ table }} FROM {{ schema }}.{{ table }} AS old, {{ room }}.{{ staged }} AS new
WHERE {{ differing() }};
UPDATE {{ schema }}.{{ table }} AS old
SET ({{ values | join(", ") }}) = ROW(new.{{ values | join(", new.") }})
FROM {{ room }}.{{ staged }} AS new
WHERE {{ differing() }};

SELECT count(*) AS {{ table }} FROM {{ room }}.{{ staged }} AS new
WHERE {{ are_new() }};
INSERT INTO {{ schema }}.{{ table }} ({{ columns | join(", ") }})
SELECT {{ columns | join(", ") }} FROM {{ room }}.{{ staged }} AS new
WHERE {{ are_new() }};
