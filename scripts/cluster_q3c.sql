-- Put the rows of tile, exposure, photometry and fiberassign in the order of their q3c index, so that a
-- search on the sky reads few pages; the index is made where it is missing.
--
--   psql -v schema=fuji -f scripts/cluster_q3c.sql
--
-- Variables: schema.
-- Needs the extension q3c in the database (CREATE EXTENSION q3c).
-- Locks: CLUSTER takes ACCESS EXCLUSIVE, so nobody can read the table meanwhile; making an index stops
-- writers. One table at a time, each in its own transaction. While others use a table, it waits for 2 s, and
-- whoever comes later waits behind it; then it gives up: run it again, it goes on with that table.
-- Time: CLUSTER rewrites a table and all its indexes, which takes about as long as loading it did and, until
-- it is done, as much disk again; PGOPTIONS='-c maintenance_work_mem=2GB' helps. A table whose rows are in
-- order already (ANALYZE finds correlation 1) is left alone, so running it again rewrites nothing.
--
-- The CREATE INDEX statements are those of ddl/, to the letter; tests/test_scripts.py compares them.

\set ON_ERROR_STOP on
\set AUTOCOMMIT on
\set QUIET on
\set SHOW_CONTEXT never
-- Nothing here means an operator or a function that somebody else has made.
SET search_path = pg_catalog, pg_temp;
SET lock_timeout = '2s';

\if :{?schema}
\else
    DO $$ BEGIN RAISE 'which schema? psql -v schema=fuji -f scripts/cluster_q3c.sql'; END $$;
\endif

SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'q3c') AS have_q3c \gset
\if :have_q3c
\else
    DO $$ BEGIN
        RAISE 'this database has no extension q3c: nothing done'
            USING HINT = 'an administrator installs it: CREATE EXTENSION q3c';
    END $$;
\endif

SET client_min_messages = warning;
-- q3c may be in any schema.
SELECT nspname AS q3c FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = 'q3c' \gset

CREATE INDEX IF NOT EXISTS ix_tile_q3c_ang2ipix ON :"schema".tile (:"q3c".q3c_ang2ipix(tilera, tiledec));
CREATE INDEX IF NOT EXISTS ix_exposure_q3c_ang2ipix ON :"schema".exposure (:"q3c".q3c_ang2ipix(tilera, tiledec));
CREATE INDEX IF NOT EXISTS ix_photometry_q3c_ang2ipix ON :"schema".photometry (:"q3c".q3c_ang2ipix(ra, dec));
CREATE INDEX IF NOT EXISTS ix_fiberassign_q3c_ang2ipix ON :"schema".fiberassign (:"q3c".q3c_ang2ipix(target_ra, target_dec));

ANALYZE :"schema".tile, :"schema".exposure, :"schema".photometry, :"schema".fiberassign;

-- A table of at most one row has no correlation; then only CLUSTER's own mark tells that it was done.
CREATE OR REPLACE TEMPORARY VIEW sky_order AS
SELECT n.nspname AS schema, t.relname AS "table", i.relname AS index,
       t.reltuples::bigint AS rows, pg_relation_size(t.oid) AS bytes,
       COALESCE(s.correlation = 1, x.indisclustered) AS ordered
FROM pg_index x
JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_class t ON t.oid = x.indrelid
JOIN pg_namespace n ON n.oid = t.relnamespace
LEFT JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = i.relname
WHERE n.nspname = :'schema'
  AND i.relname IN ('ix_tile_q3c_ang2ipix', 'ix_exposure_q3c_ang2ipix',
                    'ix_photometry_q3c_ang2ipix', 'ix_fiberassign_q3c_ang2ipix');

SELECT "table", rows, pg_size_pretty(bytes) AS size,
       CASE WHEN ordered THEN 'in order already' ELSE 'to be clustered' END AS state
FROM pg_temp.sky_order ORDER BY bytes;

SELECT format('CLUSTER %I.%I USING %I', schema, "table", index),
       format('ANALYZE %I.%I', schema, "table")
FROM pg_temp.sky_order WHERE NOT ordered ORDER BY bytes \gexec

DROP VIEW pg_temp.sky_order;
RESET search_path;
RESET lock_timeout;
RESET client_min_messages;
\echo done
