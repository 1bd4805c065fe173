-- Rows and size of every table of a schema.
--
--   psql -v schema=fuji -f scripts/row_counts.sql
--   psql -v schema=fuji -v estimate=1 -f scripts/row_counts.sql
--
-- Variables: schema; estimate=1 for the numbers of the last VACUUM or ANALYZE (no number: there was none)
-- instead of exact ones.
-- Locks: ACCESS SHARE: everybody else can work.
-- Time: exact numbers need one reading of every table, or of its smallest index; estimates nothing.
-- Changes nothing. All exact numbers are of the same moment.

\set ON_ERROR_STOP on
\set AUTOCOMMIT on
\set QUIET on
\set SHOW_CONTEXT never
-- Nothing here means an operator or a function that somebody else has made.
SET search_path = pg_catalog, pg_temp;

\if :{?schema}
\else
    DO $$ BEGIN RAISE 'which schema? psql -v schema=fuji -f scripts/row_counts.sql'; END $$;
\endif
\if :{?estimate}
\else
    \set estimate 0
\endif

SELECT quote_ident(:'schema')::regnamespace::oid AS schema_oid \gset

-- One statement that asks every table: SELECT ... UNION ALL SELECT ... ORDER BY.
SELECT string_agg(
           format(
               $$SELECT %L AS "table", %s AS rows, pg_size_pretty(pg_table_size(%s)) AS size,
                        pg_size_pretty(pg_indexes_size(%3$s)) AS indexes,
                        pg_size_pretty(pg_total_relation_size(%3$s)) AS total$$,
               relname,
               CASE WHEN :'estimate'::boolean THEN format('NULLIF(%s, -1)', reltuples::bigint)
                    ELSE format('(SELECT count(*) FROM %I.%I)', :'schema', relname) END,
               oid
           ),
           ' UNION ALL '
       ) || ' ORDER BY "table"'
FROM pg_class
WHERE relnamespace = :schema_oid AND relkind IN ('r', 'm') \gexec
RESET search_path;
