-- Recompute nspec and primary of zpix and ztile over all their rows: which spectrum of a target is
-- the best one, and how many there are.
--
--   psql -v schema=fuji -f scripts/primary.sql
--
-- Variables: schema.
-- Locks: ROW EXCLUSIVE on both tables until the end: readers go on, and see the old values until then.
-- Time: two sorts of each table by TARGETID and one join with itself; PGOPTIONS='-c work_mem=1GB' lets more
-- of that stay in memory. Each row that changes leaves a dead one: scripts/vacuum_analyze.sql afterwards.
-- One transaction; running it again changes no row.
--
-- The statements are templates/primary.sql and templates/primary_ties.sql, which the loader runs, to the letter;
-- tests/scripts/test_scripts_redshifts.py fails when they drift apart. Edit the templates, then copy them.

\set ON_ERROR_STOP on
\set AUTOCOMMIT on
\set QUIET on
\set SHOW_CONTEXT never
-- Nothing here means an operator or a function that somebody else has made.
SET search_path = pg_catalog, pg_temp;

\if :{?schema}
\else
    DO $$ BEGIN RAISE 'which schema? psql -v schema=fuji -f scripts/primary.sql'; END $$;
\endif

BEGIN;

SELECT CASE WHEN EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = to_regclass(format('%I.zpix', :'schema')) AND attname = 'efftime_spec'
      AND atttypid IN ('real'::regtype, 'double precision'::regtype) AND NOT attisdropped
) THEN 'efftime_spec' ELSE 'tsnr2_lrg' END AS rank \gset
-- zpix: targets for which the spectrum that is marked in the table is as good as the one that will be
-- chosen, or is ranked last because of a value of 0 or less, or none. Other programs may rank such spectra in any order.
SELECT count(*) AS ties
FROM (
    SELECT targetid
    FROM (
        SELECT targetid, marked, rank, bad, bool_and(bad) OVER (PARTITION BY targetid, scope) AS all_bad,
               dense_rank() OVER (PARTITION BY targetid, scope ORDER BY bad, rank DESC NULLS LAST) AS place,
               row_number() OVER (PARTITION BY targetid, scope ORDER BY bad, rank DESC NULLS LAST, id) AS number
        FROM (
            SELECT id, targetid, zwarn <> 0 AS bad, NULLIF(:"rank", 'NaN') AS rank, scope, marked
            FROM :"schema".zpix,
                 LATERAL (VALUES (1, true, zcat_primary), (2, survey IN ('sv1', 'sv2', 'sv3'), sv_primary),
                                 (3, survey = 'main', main_primary)) AS scopes (scope, inside, marked)
            WHERE inside
        ) AS spectra
    ) AS ranked
    WHERE marked
    GROUP BY targetid
    HAVING bool_or(number > 1)
       AND bool_and(number = 1 OR bad = all_bad AND (place = 1 OR rank IS NULL OR rank <= 0))
) AS targets \gset
-- zpix: for every TARGETID the number of its spectra (nspec) and the best of them (primary), over
-- all rows (zcat), those of the surveys sv1, sv2 and sv3 (sv) and those of survey main (main).
-- Outside its scope a row has 0 and false. The best spectrum is the first one in this order:
-- ZWARN = 0 before others; then the larger EFFTIME_SPEC where the table has it, else the larger TSNR2_LRG, so
-- that zero, negative values, -9999 (which stands for a missing value) and NaN come last, in this order; then
-- the smaller id.
-- Only rows that change are written, so running it again does nothing.
UPDATE :"schema".zpix AS old
SET sv_nspec = new.sv_nspec, sv_primary = new.sv_primary,
    main_nspec = new.main_nspec, main_primary = new.main_primary,
    zcat_nspec = new.zcat_nspec, zcat_primary = new.zcat_primary
FROM (
    SELECT targetid, id,
           CASE WHEN sv THEN count(*) FILTER (WHERE sv) OVER all_of_target ELSE 0 END AS sv_nspec,
           sv AND count(*) FILTER (WHERE sv) OVER best_so_far = 1 AS sv_primary,
           CASE WHEN main THEN count(*) FILTER (WHERE main) OVER all_of_target ELSE 0 END AS main_nspec,
           main AND count(*) FILTER (WHERE main) OVER best_so_far = 1 AS main_primary,
           count(*) OVER all_of_target AS zcat_nspec,
           count(*) OVER best_so_far = 1 AS zcat_primary
    FROM (
        SELECT id, targetid, zwarn <> 0 AS bad, NULLIF(:"rank", 'NaN') AS rank,
               survey IN ('sv1', 'sv2', 'sv3') AS sv, survey = 'main' AS main
        FROM :"schema".zpix
    ) AS spectra
    WINDOW all_of_target AS (PARTITION BY targetid),
           best_so_far AS (all_of_target ORDER BY bad, rank DESC NULLS LAST, id
                           ROWS UNBOUNDED PRECEDING)
) AS new
WHERE old.targetid = new.targetid AND old.id = new.id
  AND (old.sv_nspec, old.sv_primary, old.main_nspec, old.main_primary, old.zcat_nspec, old.zcat_primary)
      IS DISTINCT FROM
      (new.sv_nspec, new.sv_primary, new.main_nspec, new.main_primary, new.zcat_nspec, new.zcat_primary);
\echo zpix: :ROW_COUNT rows changed
SELECT :ties > 0 AS any_ties \gset
\if :any_ties
    \echo zpix: for :ties targets the table had another choice because of a tie or a value of 0 or less (:rank)
\endif

SELECT CASE WHEN EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = to_regclass(format('%I.ztile', :'schema')) AND attname = 'efftime_spec'
      AND atttypid IN ('real'::regtype, 'double precision'::regtype) AND NOT attisdropped
) THEN 'efftime_spec' ELSE 'tsnr2_lrg' END AS rank \gset
-- ztile: targets for which the spectrum that is marked in the table is as good as the one that will be
-- chosen, or is ranked last because of a value of 0 or less, or none. Other programs may rank such spectra in any order.
SELECT count(*) AS ties
FROM (
    SELECT targetid
    FROM (
        SELECT targetid, marked, rank, bad, bool_and(bad) OVER (PARTITION BY targetid, scope) AS all_bad,
               dense_rank() OVER (PARTITION BY targetid, scope ORDER BY bad, rank DESC NULLS LAST) AS place,
               row_number() OVER (PARTITION BY targetid, scope ORDER BY bad, rank DESC NULLS LAST, id) AS number
        FROM (
            SELECT id, targetid, zwarn <> 0 AS bad, NULLIF(:"rank", 'NaN') AS rank, scope, marked
            FROM :"schema".ztile,
                 LATERAL (VALUES (1, true, zcat_primary), (2, survey IN ('sv1', 'sv2', 'sv3'), sv_primary),
                                 (3, survey = 'main', main_primary)) AS scopes (scope, inside, marked)
            WHERE inside
        ) AS spectra
    ) AS ranked
    WHERE marked
    GROUP BY targetid
    HAVING bool_or(number > 1)
       AND bool_and(number = 1 OR bad = all_bad AND (place = 1 OR rank IS NULL OR rank <= 0))
) AS targets \gset
-- ztile: for every TARGETID the number of its spectra (nspec) and the best of them (primary), over
-- all rows (zcat), those of the surveys sv1, sv2 and sv3 (sv) and those of survey main (main).
-- Outside its scope a row has 0 and false. The best spectrum is the first one in this order:
-- ZWARN = 0 before others; then the larger EFFTIME_SPEC where the table has it, else the larger TSNR2_LRG, so
-- that zero, negative values, -9999 (which stands for a missing value) and NaN come last, in this order; then
-- the smaller id.
-- Only rows that change are written, so running it again does nothing.
UPDATE :"schema".ztile AS old
SET sv_nspec = new.sv_nspec, sv_primary = new.sv_primary,
    main_nspec = new.main_nspec, main_primary = new.main_primary,
    zcat_nspec = new.zcat_nspec, zcat_primary = new.zcat_primary
FROM (
    SELECT targetid, id,
           CASE WHEN sv THEN count(*) FILTER (WHERE sv) OVER all_of_target ELSE 0 END AS sv_nspec,
           sv AND count(*) FILTER (WHERE sv) OVER best_so_far = 1 AS sv_primary,
           CASE WHEN main THEN count(*) FILTER (WHERE main) OVER all_of_target ELSE 0 END AS main_nspec,
           main AND count(*) FILTER (WHERE main) OVER best_so_far = 1 AS main_primary,
           count(*) OVER all_of_target AS zcat_nspec,
           count(*) OVER best_so_far = 1 AS zcat_primary
    FROM (
        SELECT id, targetid, zwarn <> 0 AS bad, NULLIF(:"rank", 'NaN') AS rank,
               survey IN ('sv1', 'sv2', 'sv3') AS sv, survey = 'main' AS main
        FROM :"schema".ztile
    ) AS spectra
    WINDOW all_of_target AS (PARTITION BY targetid),
           best_so_far AS (all_of_target ORDER BY bad, rank DESC NULLS LAST, id
                           ROWS UNBOUNDED PRECEDING)
) AS new
WHERE old.targetid = new.targetid AND old.id = new.id
  AND (old.sv_nspec, old.sv_primary, old.main_nspec, old.main_primary, old.zcat_nspec, old.zcat_primary)
      IS DISTINCT FROM
      (new.sv_nspec, new.sv_primary, new.main_nspec, new.main_primary, new.zcat_nspec, new.zcat_primary);
\echo ztile: :ROW_COUNT rows changed
SELECT :ties > 0 AS any_ties \gset
\if :any_ties
    \echo ztile: for :ties targets the table had another choice because of a tie or a value of 0 or less (:rank)
\endif

-- What was derived is written to the ledger, if there is one: verify then follows the rule, not the files.
SELECT count(*) > 0 AS has_ledger FROM pg_attribute
WHERE attrelid = to_regclass(quote_ident(:'schema') || '.load_ledger') AND attname = 'format' \gset
\if :has_ledger
    INSERT INTO :"schema".load_ledger (
        table_name, entry, first_row, last_row, stage, inputs, tables, details, rows_read, rows_kept,
        values_changed, bytes_sent, seconds, loaded_by
    )
    SELECT relname, 'procedure primary', 0, 0, 'procedure', '[]',
           jsonb_build_object(relname, pg_class.oid::bigint),
           '{"procedure": "primary", "columns": [
               "sv_nspec", "sv_primary", "main_nspec", "main_primary", "zcat_nspec", "zcat_primary"
           ]}', 0, 0, 0, 0, 0, 'scripts/primary.sql'
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = :'schema' AND relname IN ('zpix', 'ztile')
    ON CONFLICT (table_name, entry, first_row) DO UPDATE
    SET tables = EXCLUDED.tables, details = EXCLUDED.details, loaded_at = clock_timestamp(),
        loaded_by = EXCLUDED.loaded_by;
\endif

COMMIT;
RESET search_path;
