-- Set the 17 targeting bitmasks of zpix to the bitwise OR of those of all rows of target that have the
-- same TARGETID, survey and program: a spectrum coadded over tiles gets the bits of all of them.
--
--   psql -v schema=fuji -f scripts/target_bitmasks.sql
--
-- Variables: schema.
-- Rows of zpix that have no such rows in target keep what they have; the report says how many.
-- ztile has no bitmasks: each of its rows belongs to one tile and reaches them through its targetphotid,
-- which is target.id.
-- Locks: ROW EXCLUSIVE on zpix: readers go on, and see the old values until the end.
-- Time: a hash join of target and zpix, grouped by row of zpix, and one join of zpix with the result, which
-- takes about 160 bytes per row of zpix in temporary files. Only rows that differ are written; each of them
-- leaves a dead one: scripts/vacuum_analyze.sql afterwards.
-- One transaction; running it again changes no row.

\set ON_ERROR_STOP on
\set AUTOCOMMIT on
\set QUIET on
\set SHOW_CONTEXT never
-- Nothing here means an operator or a function that somebody else has made.
SET search_path = pg_catalog, pg_temp;

\if :{?schema}
\else
    DO $$ BEGIN RAISE 'which schema? psql -v schema=fuji -f scripts/target_bitmasks.sql'; END $$;
\endif

BEGIN;

WITH combined AS MATERIALIZED (
    SELECT zpix.targetid, zpix.id,
           bit_or(target.cmx_target) AS cmx_target,
           bit_or(target.desi_target) AS desi_target,
           bit_or(target.bgs_target) AS bgs_target,
           bit_or(target.mws_target) AS mws_target,
           bit_or(target.scnd_target) AS scnd_target,
           bit_or(target.sv1_desi_target) AS sv1_desi_target,
           bit_or(target.sv1_bgs_target) AS sv1_bgs_target,
           bit_or(target.sv1_mws_target) AS sv1_mws_target,
           bit_or(target.sv1_scnd_target) AS sv1_scnd_target,
           bit_or(target.sv2_desi_target) AS sv2_desi_target,
           bit_or(target.sv2_bgs_target) AS sv2_bgs_target,
           bit_or(target.sv2_mws_target) AS sv2_mws_target,
           bit_or(target.sv2_scnd_target) AS sv2_scnd_target,
           bit_or(target.sv3_desi_target) AS sv3_desi_target,
           bit_or(target.sv3_bgs_target) AS sv3_bgs_target,
           bit_or(target.sv3_mws_target) AS sv3_mws_target,
           bit_or(target.sv3_scnd_target) AS sv3_scnd_target
    FROM :"schema".zpix AS zpix JOIN :"schema".target AS target USING (targetid, survey, program)
    GROUP BY zpix.targetid, zpix.id
), updated AS (
    UPDATE :"schema".zpix AS old
    SET cmx_target = new.cmx_target, desi_target = new.desi_target, bgs_target = new.bgs_target,
        mws_target = new.mws_target, scnd_target = new.scnd_target,
        sv1_desi_target = new.sv1_desi_target, sv1_bgs_target = new.sv1_bgs_target,
        sv1_mws_target = new.sv1_mws_target, sv1_scnd_target = new.sv1_scnd_target,
        sv2_desi_target = new.sv2_desi_target, sv2_bgs_target = new.sv2_bgs_target,
        sv2_mws_target = new.sv2_mws_target, sv2_scnd_target = new.sv2_scnd_target,
        sv3_desi_target = new.sv3_desi_target, sv3_bgs_target = new.sv3_bgs_target,
        sv3_mws_target = new.sv3_mws_target, sv3_scnd_target = new.sv3_scnd_target
    FROM combined AS new
    WHERE old.id = new.id
      AND (old.cmx_target, old.desi_target, old.bgs_target, old.mws_target, old.scnd_target,
           old.sv1_desi_target, old.sv1_bgs_target, old.sv1_mws_target, old.sv1_scnd_target,
           old.sv2_desi_target, old.sv2_bgs_target, old.sv2_mws_target, old.sv2_scnd_target,
           old.sv3_desi_target, old.sv3_bgs_target, old.sv3_mws_target, old.sv3_scnd_target)
          IS DISTINCT FROM
          (new.cmx_target, new.desi_target, new.bgs_target, new.mws_target, new.scnd_target,
           new.sv1_desi_target, new.sv1_bgs_target, new.sv1_mws_target, new.sv1_scnd_target,
           new.sv2_desi_target, new.sv2_bgs_target, new.sv2_mws_target, new.sv2_scnd_target,
           new.sv3_desi_target, new.sv3_bgs_target, new.sv3_mws_target, new.sv3_scnd_target)
    RETURNING 1
)
SELECT (SELECT count(*) FROM :"schema".zpix) AS "rows of zpix",
       (SELECT count(*) FROM combined) AS "with target rows",
       (SELECT count(*) FROM :"schema".zpix) - (SELECT count(*) FROM combined) AS "without, left alone",
       (SELECT count(*) FROM updated) AS updated;

-- What was derived is written to the ledger, if there is one: verify then follows the rule, not the files.
SELECT count(*) > 0 AS has_ledger FROM pg_attribute
WHERE attrelid = to_regclass(quote_ident(:'schema') || '.load_ledger') AND attname = 'format' \gset
\if :has_ledger
    INSERT INTO :"schema".load_ledger (
        table_name, entry, first_row, last_row, stage, inputs, tables, details, rows_read, rows_kept,
        values_changed, bytes_sent, seconds, loaded_by
    )
    SELECT relname, 'procedure target_bitmasks', 0, 0, 'procedure', '[]',
           jsonb_build_object(relname, pg_class.oid::bigint),
           '{"procedure": "target_bitmasks", "columns": [
               "cmx_target", "desi_target", "bgs_target", "mws_target", "scnd_target",
               "sv1_desi_target", "sv1_bgs_target", "sv1_mws_target", "sv1_scnd_target",
               "sv2_desi_target", "sv2_bgs_target", "sv2_mws_target", "sv2_scnd_target",
               "sv3_desi_target", "sv3_bgs_target", "sv3_mws_target", "sv3_scnd_target"
           ]}', 0, 0, 0, 0, 0, 'scripts/target_bitmasks.sql'
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = :'schema' AND relname IN ('zpix')
    ON CONFLICT (table_name, entry, first_row) DO UPDATE
    SET tables = EXCLUDED.tables, details = EXCLUDED.details, loaded_at = clock_timestamp(),
        loaded_by = EXCLUDED.loaded_by;
\endif

COMMIT;
RESET search_path;
