-- The schema itself, and the extension that its sky indexes need.

{% block table %}
CREATE SCHEMA IF NOT EXISTS {{ schema }};
{% endblock %}

{% block q3c %}
-- Named, because nothing is made in the first schema of our search_path, pg_catalog.
CREATE EXTENSION IF NOT EXISTS q3c SCHEMA public;
{% endblock %}

{% block script_head %}
SET client_min_messages = warning;
-- Nothing here means an operator or a function that somebody else has made.
SET search_path = pg_catalog, pg_temp;
{% endblock %}

{% block script_q3c %}
-- It may have been in the database before, in any schema.
SELECT nspname AS q3c FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = 'q3c' \gset
{% endblock %}

{% block script_end %}
RESET search_path;
RESET client_min_messages;
{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT USAGE ON SCHEMA {{ schema }} TO {{ role }};
{% endfor %}
{% endblock %}
