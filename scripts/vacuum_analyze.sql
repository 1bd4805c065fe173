-- VACUUM (ANALYZE) every table of a schema: give back the room of dead rows, and renew the statistics.
--
--   psql -v schema=fuji -f scripts/vacuum_analyze.sql
--   psql -v schema=fuji -v full=1 -f scripts/vacuum_analyze.sql
--
-- Variables: schema; full=1 for VACUUM FULL, which rewrites the tables and so gives room back to the disk.
-- Locks: SHARE UPDATE EXCLUSIVE (readers and writers go on); with full=1 ACCESS EXCLUSIVE (nobody reads) on
-- one table at a time.
-- Time: plain, one reading of what changed since the last time; with full=1 each table and its indexes are
-- written again, which needs as much disk again until the table is done.
-- Each table in a transaction of its own (VACUUM cannot run inside one), small ones first; run it as often as
-- you like.

\set ON_ERROR_STOP on
\set AUTOCOMMIT on
\set QUIET on
\set SHOW_CONTEXT never
-- Nothing here means an operator or a function that somebody else has made.
SET search_path = pg_catalog, pg_temp;

\if :{?schema}
\else
    DO $$ BEGIN RAISE 'which schema? psql -v schema=fuji -f scripts/vacuum_analyze.sql'; END $$;
\endif
\if :{?full}
\else
    \set full 0
\endif
\if :full
    \set options 'FULL, ANALYZE'
\else
    \set options ANALYZE
\endif

SELECT quote_ident(:'schema')::regnamespace::oid AS schema_oid \gset

SELECT format('VACUUM (%s) %I.%I', :'options', :'schema', relname)
FROM pg_class
WHERE relnamespace = :schema_oid AND relkind IN ('r', 'm')
ORDER BY pg_relation_size(oid), relname \gexec

\echo VACUUM (:options)
SELECT relname AS "table", reltuples::bigint AS rows, pg_size_pretty(pg_table_size(oid)) AS size,
       pg_size_pretty(pg_indexes_size(oid)) AS indexes
FROM pg_class
WHERE relnamespace = :schema_oid AND relkind IN ('r', 'm')
ORDER BY relname;
RESET search_path;
