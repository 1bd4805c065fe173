{# Whether two rows have the same key. -#}
{% macro same(one, other, key) -%}
{% for column in key %}{{ one }}.{{ column }} = {{ other }}.{{ column }}{{ " AND " if not loop.last }}{% endfor %}
{%- endmacro %}

{# Whether two rows differ, by a single bit: 0.0 and -0.0 do. Not by the operator *<> for records: it would need casts to
   record, which Citus loses on the way to its servers, and then compares value by value. -#}
{% macro differ(one, other, columns) -%}
record_image_ne(ROW({{ one }}.{{ columns | join(", " ~ one ~ ".") }}), ROW({{ other }}.{{ columns | join(", " ~ other ~ ".") }}))
{%- endmacro %}
