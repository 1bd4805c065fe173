{# Whether two rows have the same key. -#}
{% macro same(one, other, key) -%}
{% for column in key %}{{ one }}.{{ column }} = {{ other }}.{{ column }}{{ " AND " if not loop.last }}{% endfor %}
{%- endmacro %}

{# Whether two rows differ, by a single bit. Without the cast they would be compared value by value, and 0.0 equals -0.0. -#}
{% macro differ(one, other, columns) -%}
ROW({{ one }}.{{ columns | join(", " ~ one ~ ".") }})::record
      *<> ROW({{ other }}.{{ columns | join(", " ~ other ~ ".") }})::record
{%- endmacro %}
