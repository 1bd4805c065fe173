{% from "merge/macros.sql" import same, differ -%}
{% from "adopt/macros.sql" import is_other with context -%}
{# For each column: how many values differ by any bit, and how many are other ones. -#}
SELECT {% for column in values %}
  count(*) FILTER (WHERE {{ differ("old", "new", [column]) }}),
  count(*) FILTER (WHERE {{ is_other(column) }}){{ "," if not loop.last }}{% endfor %}

FROM {{ schema }}.{{ table }} AS old JOIN {{ room }}.{{ staged }} AS new ON {{ same("old", "new", key) }}
WHERE {{ differ("old", "new", values) }};
