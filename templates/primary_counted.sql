{# The same, with the number of rows before it that it has to write. -#}
{% with counted = true %}
{% include "primary.sql" %}
{% endwith %}
