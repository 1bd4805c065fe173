{% from "coeff/macros.sql" import applied, counts, differences, unmatched_rows, unsaved -%}
{# A comment must not hold the line breaks that a name may have. -#}
{% macro plain(name) %}{{ name.split() | join(" ") }}{% endmacro -%}
{# The schema of the tables as a literal; names are given as identifiers. -#}
{% macro literal(name) %}'{{ name.replace("'", "''") }}'{% endmacro -%}
{# A name, not as an identifier. -#}
{% macro name(identifier) %}(parse_ident({{ literal(identifier) }}))[1]{% endmacro -%}
{# Whether there is a ledger that tells verify where the coefficients come from. -#}
{% macro if_ledger(schema) -%}
SELECT count(*) > 0 AS has_ledger FROM pg_attribute
WHERE attrelid = to_regclass({{ literal(schema ~ ".load_ledger") }}) AND attname = 'format' \gset
\if :has_ledger
{%- endmacro -%}
{# SQL has no assertions; but a cast that fails gives the reason and ends the transaction. -#}
{% macro require(holds, complaint) -%}
CASE WHEN {{ holds }} THEN true
            ELSE CAST({{ complaint }} AS boolean) END
{%- endmacro -%}
{% macro known(table, patch, backup) -%}
SELECT {{ require("strange_rows = 0",
                  "concat(strange_rows, ' rows have neither their saved coefficients nor those of the patch')") }} AS known
FROM (
{{ unmatched_rows(table, patch, backup) }}
) AS unmatched_rows;
{%- endmacro -%}
-- The coefficient patch, whole procedure, for psql:
--
--   psql -X -f THIS_FILE                  steps 2 to 3: moves patches to their place, applies them
--   psql -X -v revert=on -f THIS_FILE     restores the coefficients that step 3 replaced
--   psql -X -v datalab=on -f THIS_FILE    step 5: makes the patches ready for Data Lab
--
-- It stops at the first error. Every part may be run again.

\set ON_ERROR_STOP on
\set ECHO queries
SET client_min_messages = warning;
-- Nothing here means an operator or a function that somebody else has made.
SET search_path = pg_catalog, pg_temp;

\if :{?revert}

{% for production in productions %}
-- {{ plain(production.name) }}

BEGIN;
{% for patch in production.patches %}
{% with schema = patch.schema, table = patch.table, patch = patch.patch, backup = patch.backup, values = patch.backup %}

{% include "coeff/lock.sql" %}
SELECT values_rows AS saved_rows, joined_rows,
       {{ require("joined_rows = values_rows",
                  "concat('of ', values_rows, ' saved rows only ', joined_rows, ' are in the table')") }} AS complete
FROM (
{{ counts(schema ~ "." ~ table, patch_schema ~ "." ~ values) }}
) AS counts;
{{ if_ledger(schema) }}
SELECT {{ require("applied > 0 OR differing_rows = 0",
                  "concat(differing_rows, ' rows do not have their saved coefficients, and by the ledger no patch was applied since rows were loaded')") }} AS patched
FROM (
{{ applied(schema, table) }}
) AS applied, (
{{ differences(schema ~ "." ~ table, patch_schema ~ "." ~ values) }}
) AS differences;
\else
SELECT to_regclass({{ literal(patch_schema ~ "." ~ patch) }}) IS NOT NULL AS has_patch \gset
\if :has_patch
{{ known(schema ~ "." ~ table, patch_schema ~ "." ~ patch, patch_schema ~ "." ~ backup) }}
\endif
\endif
{% include "coeff/update.sql" %}
SELECT {{ require("differing_rows = 0",
                  "concat(differing_rows, ' rows do not have their old coefficients')") }} AS restored
FROM (
{{ differences(schema ~ "." ~ table, patch_schema ~ "." ~ values) }}
) AS differences;
{{ if_ledger(schema) }}
{% include "coeff/forget.sql" %}
\endif
{% endwith %}
{% endfor %}

COMMIT;

{% endfor %}
\elif :{?datalab}

-- 5. For Data Lab: without the productions that it does not have, the others by their names there.
--    Saved coefficients stay as they are; they are those of this database.

BEGIN;
{% for table in datalab.dropped %}
{% with schema = patch_schema %}
{% include "coeff/drop_table.sql" %}
{% endwith %}
{% endfor %}
{% for renamed in datalab.renamed %}
{% with schema = patch_schema, indexes = renamed.indexes, table = renamed.table, new = renamed.new %}
{% include "coeff/rename.sql" %}
{% endwith %}
{% endfor %}
COMMIT;

-- 6. Dump the patches again (shell), restore them at Data Lab, and apply them there:
--
--    pg_dump --schema={{ plain(patch_schema) }} --exclude-table='*_before' --file=datalab.sql
{% for name in datalab.names %}
--    specprod-copy patch coeff apply --production {{ plain(name) }} --patch-schema {{ plain(patch_schema) }}
{% endfor %}

\else

-- 1. Make the patch files of all productions, and load them (shell):
--
--    specprod-copy patch coeff extract ZALL_PIX ZALL_TILECUMULATIVE
{% for production in productions %}
--    specprod-copy patch coeff load --production {{ plain(production.name) }} --patch-schema {{ plain(patch_schema) }} PATCH_FILES
{% endfor %}
--
-- 2. Patches that another program has loaded, each production into a schema of its own, are moved
--    to where the command above puts them. There tables and indexes bear the name of the
--    production, because names of indexes are unique in a schema.

{% with schema = patch_schema %}
{% include "coeff/create_schema.sql" %}
{% endwith %}

{% for production in productions %}
BEGIN;
{% for patch in production.patches %}
{% with schema = patch.own_schema, indexes = patch.indexes, table = patch.plain, new = patch.patch %}
{% include "coeff/rename.sql" %}
{% endwith %}
{% with schema = patch.own_schema, table = patch.patch, new = patch_schema %}
{% include "coeff/move.sql" %}
{% endwith %}
{% endfor %}
COMMIT;

{% endfor %}
-- 3. Apply them, one production after the other. What is replaced is saved, so every production
--    can be restored.

{% for production in productions %}
-- {{ plain(production.name) }}

BEGIN;
{% for patch in production.patches %}
{% with schema = patch.schema, table = patch.table, patch = patch.patch, backup = patch.backup, backup_key = patch.backup_key, values = patch.patch %}

{% include "coeff/lock.sql" %}
SELECT table_rows, values_rows AS patch_rows, joined_rows,
       {{ require("table_rows = values_rows AND values_rows = joined_rows",
                  "concat('counts do not match: ', table_rows, ' rows in the table, ', values_rows, ' in the patch, ', joined_rows, ' in both')") }} AS counts_match
FROM (
{{ counts(schema ~ "." ~ table, patch_schema ~ "." ~ values) }}
) AS counts;
{% include "coeff/sample.sql" %}
{% include "coeff/create_backup.sql" %}
{{ known(schema ~ "." ~ table, patch_schema ~ "." ~ patch, patch_schema ~ "." ~ backup) }}
{% include "coeff/save.sql" %}
SELECT {{ require("unsaved_rows = 0",
                  "concat(unsaved_rows, ' rows that are going to be changed are not saved')") }} AS saved
FROM (
{{ unsaved(schema ~ "." ~ table, patch_schema ~ "." ~ patch, patch_schema ~ "." ~ backup) }}
) AS unsaved;
{% include "coeff/update.sql" %}
SELECT {{ require("differing_rows = 0",
                  "concat(differing_rows, ' rows do not have the coefficients of the patch')") }} AS verified
FROM (
{{ differences(schema ~ "." ~ table, patch_schema ~ "." ~ values) }}
) AS differences;
{{ if_ledger(schema) }}
{% include "coeff/forget.sql" %}
INSERT INTO {{ schema }}.load_ledger (
    table_name, entry, first_row, last_row, stage, inputs, tables, details, rows_read, rows_kept,
    values_changed, bytes_sent, seconds, loaded_by
)
SELECT '{{ table }}', 'procedure coeff', 0, 0, 'procedure', '[]', jsonb_build_object('{{ table }}', oid::bigint),
       jsonb_build_object(
           'procedure', 'coeff',
           'columns', jsonb_build_array({% for n in range(10) %}'coeff_{{ n }}'{{ "" if loop.last else ", " }}{% endfor %}),
           'patch_schema', {{ name(patch_schema) }}, 'patch', {{ name(patch) }}
       ), 0, 0, 0, 0, 0, 'procedure for psql'
FROM pg_class WHERE oid = to_regclass({{ literal(schema ~ "." ~ table) }});
\endif
{% endwith %}
{% endfor %}

COMMIT;
{% for patch in production.patches %}
{% with schema = patch.schema, table = patch.table %}
{% include "coeff/vacuum_full.sql" %}
{% endwith %}
{% endfor %}

{% endfor %}
-- 4. Dump the patches (shell):
--
--    pg_dump --schema={{ plain(patch_schema) }} --file=patches.sql

\endif
RESET search_path;
