{# The ten coefficients of a row. -#}
{% macro coefficients(row) -%}
{{ row }}.coeff_0, {{ row }}.coeff_1, {{ row }}.coeff_2, {{ row }}.coeff_3, {{ row }}.coeff_4,
       {{ row }}.coeff_5, {{ row }}.coeff_6, {{ row }}.coeff_7, {{ row }}.coeff_8, {{ row }}.coeff_9
{%- endmacro %}

{# Whether two rows have other coefficients; NaN equals NaN, -0.0 equals 0.0. -#}
{% macro differ(one, other) -%}
({{ coefficients(one) }})
      IS DISTINCT FROM
      ({{ coefficients(other) }})
{%- endmacro %}

{# Three row counts: a table, the values for it, and both joined. -#}
{% macro counts(table, values) -%}
SELECT (SELECT count(*) FROM {{ table }}) AS table_rows,
       (SELECT count(*) FROM {{ values }}) AS values_rows,
       (SELECT count(*) FROM {{ table }} JOIN {{ values }} USING (id)) AS joined_rows
{%- endmacro %}

{# Number of rows whose coefficients are not the values for them. -#}
{% macro differences(table, values) -%}
SELECT count(*) AS differing_rows
FROM {{ table }} AS old JOIN {{ values }} AS new USING (id)
WHERE {{ differ("old", "new") }}
{%- endmacro %}

{# Number of rows whose coefficients were saved, and are now neither the saved ones nor the patch's. -#}
{% macro unmatched_rows(table, patch, backup) -%}
SELECT count(*) AS strange_rows
FROM {{ table }} AS now JOIN {{ backup }} AS saved USING (id) JOIN {{ patch }} AS new USING (id)
WHERE {{ differ("now", "saved") }}
  AND {{ differ("now", "new") }}
{%- endmacro %}

{# Number of rows that are going to be changed, and whose coefficients are not saved. -#}
{% macro unsaved(table, patch, backup) -%}
SELECT count(*) AS unsaved_rows
FROM {{ table }} AS old JOIN {{ patch }} AS new USING (id) LEFT JOIN {{ backup }} AS saved USING (id)
WHERE {{ differ("old", "new") }}
  AND saved.coeff_0 IS NULL
{%- endmacro %}

{# Number of entries of the ledger by which the patch is in a table, and no rows were loaded since. -#}
{% macro applied(schema, table) -%}
SELECT count(*) AS applied
FROM {{ schema }}.load_ledger AS procedure
WHERE (table_name, entry) = ('{{ table }}', 'procedure coeff')
  AND NOT EXISTS (SELECT 1 FROM {{ schema }}.load_ledger AS loaded
                  WHERE (loaded.table_name = procedure.table_name
                         OR loaded.stage = 'daily' AND loaded.tables ? procedure.table_name)
                    AND loaded.stage <> 'procedure'
                    AND loaded.failure IS NULL AND loaded.loaded_at > procedure.loaded_at)
{%- endmacro %}
