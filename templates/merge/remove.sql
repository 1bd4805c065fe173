{% from "merge/macros.sql" import same -%}
{# Remove rows whose keys no staged table has: all of them, or those that share values with rows of another one. -#}
{% macro gone() -%}
{% if among is defined %}EXISTS (SELECT 1 FROM {{ room }}.{{ among }} AS one WHERE {{ same("one", "old", shared) }})
  AND {% endif %}
{% for staged in but %}
{{ "  AND " if not loop.first }}NOT EXISTS (SELECT 1 FROM {{ room }}.{{ staged }} AS kept WHERE {{ same("kept", "old", key) }})
{% endfor %}
{%- endmacro -%}
SELECT count(*) AS {{ table }} FROM {{ schema }}.{{ table }} AS old
WHERE {{ gone() }};
DELETE FROM {{ schema }}.{{ table }} AS old
WHERE {{ gone() }};
