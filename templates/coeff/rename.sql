{# A constraint goes by the name of its index. -#}
{% for index, renamed in indexes %}
ALTER INDEX IF EXISTS {{ schema }}.{{ index }} RENAME TO {{ renamed }};
{% endfor %}
ALTER TABLE IF EXISTS {{ schema }}.{{ table }} RENAME TO {{ new }};
