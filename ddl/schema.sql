-- The schema itself, and the extension that its sky indexes need.

{% block table %}
CREATE SCHEMA IF NOT EXISTS {{ schema }};
{% endblock %}

{% block q3c %}
CREATE EXTENSION IF NOT EXISTS q3c;
{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT USAGE ON SCHEMA {{ schema }} TO {{ role }};
{% endfor %}
{% endblock %}
