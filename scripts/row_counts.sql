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
-- A partitioned table is one, with all of its partitions.
SELECT string_agg(
           format(
               $$SELECT %L AS "table", %s AS rows, pg_size_pretty(sum(pg_table_size(part))) AS size,
                        pg_size_pretty(sum(pg_indexes_size(part))) AS indexes,
                        pg_size_pretty(sum(pg_total_relation_size(part))) AS total
                 FROM unnest(%L::oid[]) AS part$$,
               relname,
               CASE WHEN :'estimate'::boolean THEN
                    $$(SELECT CASE WHEN min(reltuples) >= 0 THEN sum(reltuples)::bigint END
                       FROM pg_class WHERE oid = ANY(array_agg(part)) AND relkind <> 'p')$$
                    ELSE format('(SELECT count(*) FROM %I.%I)', :'schema', relname) END,
               ARRAY(SELECT relid::oid FROM pg_partition_tree(whole.oid) UNION SELECT whole.oid)
           ),
           ' UNION ALL '
       ) || ' ORDER BY "table"'
FROM pg_class AS whole
WHERE relnamespace = :schema_oid AND relkind IN ('r', 'm', 'p') AND NOT relispartition \gexec
RESET search_path;
