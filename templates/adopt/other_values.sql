{% from "merge/macros.sql" import same -%}
{% from "adopt/macros.sql" import is_other with context -%}
{# Some rows with another value in a column: their keys, the value of the files and that of the table. -#}
SELECT new.{{ key | join(", new.") }}, new.{{ column }}, old.{{ column }}
FROM {{ schema }}.{{ table }} AS old JOIN {{ room }}.{{ staged }} AS new ON {{ same("old", "new", key) }}
WHERE {{ is_other(column) }}
ORDER BY new.{{ key | join(", new.") }} LIMIT 3;
