{# Bring staged rows into their table: those that differ, by a single bit, and those that are new. -#}
{% macro differ() -%}
old.{{ key }} = new.{{ key }}
  -- Without the cast the rows would be compared value by value, and 0.0 equals -0.0.
  AND ROW(old.{{ values | join(", old.") }})::record *<> ROW(new.{{ values | join(", new.") }})::record
{%- endmacro -%}
{% macro are_new() -%}
NOT EXISTS (SELECT FROM {{ schema }}.{{ table }} AS old WHERE old.{{ key }} = new.{{ key }})
{%- endmacro -%}
SELECT count(*) AS {{ table }} FROM {{ schema }}.{{ table }} AS old, pg_temp.{{ table }} AS new
WHERE {{ differ() }};
UPDATE {{ schema }}.{{ table }} AS old
SET ({{ values | join(", ") }}) = ROW(new.{{ values | join(", new.") }})
FROM pg_temp.{{ table }} AS new
WHERE {{ differ() }};

SELECT count(*) AS {{ table }} FROM pg_temp.{{ table }} AS new
WHERE {{ are_new() }};
INSERT INTO {{ schema }}.{{ table }} ({{ columns | join(", ") }})
SELECT {{ columns | join(", ") }} FROM pg_temp.{{ table }} AS new
WHERE {{ are_new() }};
