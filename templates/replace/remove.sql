{# Remove the rows that no file gives any more. -#}
{% macro given_by_no_file() -%}
NOT EXISTS (SELECT FROM pg_temp.{{ table }} AS new WHERE new.{{ key }} = old.{{ key }})
  AND NOT EXISTS (SELECT FROM pg_temp.{{ kept }} AS kept WHERE kept.{{ key }} = old.{{ key }})
{%- endmacro -%}
SELECT count(*) AS {{ table }} FROM {{ schema }}.{{ table }} AS old
WHERE {{ given_by_no_file() }};
DELETE FROM {{ schema }}.{{ table }} AS old
WHERE {{ given_by_no_file() }};
