{# Remove all rows of the replaced files from a table without keys: nothing refers to them. -#}
{% macro replaced() -%}
NOT EXISTS (SELECT FROM pg_temp.{{ kept }} AS kept WHERE kept.{{ key }} = old.{{ key }})
{%- endmacro -%}
SELECT count(*) AS {{ table }} FROM {{ schema }}.{{ table }} AS old
WHERE {{ replaced() }};
DELETE FROM {{ schema }}.{{ table }} AS old
WHERE {{ replaced() }};
