{# The name that desiutil before 3.5 wrote for what is called `name` since: fewer digits where degrees are below 0.1. -#}
{% macro earlier_name(name) -%}
CASE WHEN {{ name }} ~ '^DESI J[0-9]{3}\.[0-9]{4}[+-][0-9]{2}\.[0-9]{4}$' THEN (
      SELECT 'DESI J' || lpad(left(ra, -4), 3, '0') || '.' || right(ra, 4)
             || CASE WHEN dec NOT LIKE '-%' THEN '+' || lpad(left(dec, -4), 2, '0')
                     WHEN left(dec, -4) = '' THEN '000'
                     ELSE '-' || lpad(substr(left(dec, -4), 2), 2, '0') END
             || '.' || right(dec, 4)
      FROM (SELECT (substr({{ name }}, 7, 3) || substr({{ name }}, 11, 4))::integer::text AS ra,
                   (substr({{ name }}, 15, 3) || substr({{ name }}, 19, 4))::integer::text AS dec) AS parts
  ) END
{%- endmacro %}

{# Whether a value of the table is another one than that of the files: 0 and -0 are not, nor is the earlier name of the same position. -#}
{% macro is_other(column) -%}
old.{{ column }} IS DISTINCT FROM new.{{ column }}
{%- if column in names %} AND old.{{ column }} IS DISTINCT FROM {{ earlier_name("new." ~ column) }}{% endif %}
{%- endmacro %}
