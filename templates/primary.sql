{# Number of spectra per target and choice of the best one, recomputed over a whole table. -#}
-- {{ table }}: for every TARGETID the number of its spectra (nspec) and the best of them (primary), over
-- all rows (zcat), those of the surveys sv1, sv2 and sv3 (sv) and those of survey main (main).
-- Outside its scope a row has 0 and false. The best spectrum is the first one in this order:
-- ZWARN = 0 before others, TSNR2_LRG > 0 before others, larger TSNR2_LRG, smaller id.
-- Only rows that change are written, so running it again does nothing.
UPDATE {{ schema }}.{{ table }} AS old
SET sv_nspec = new.sv_nspec, sv_primary = new.sv_primary,
    main_nspec = new.main_nspec, main_primary = new.main_primary,
    zcat_nspec = new.zcat_nspec, zcat_primary = new.zcat_primary
FROM (
    SELECT id,
           CASE WHEN sv THEN count(*) OVER per_sv ELSE 0 END AS sv_nspec,
           sv AND row_number() OVER (per_sv ORDER BY worse, weak, tsnr2_lrg DESC, id) = 1 AS sv_primary,
           CASE WHEN main THEN count(*) OVER per_main ELSE 0 END AS main_nspec,
           main AND row_number() OVER (per_main ORDER BY worse, weak, tsnr2_lrg DESC, id) = 1 AS main_primary,
           count(*) OVER per_target AS zcat_nspec,
           row_number() OVER (per_target ORDER BY worse, weak, tsnr2_lrg DESC, id) = 1 AS zcat_primary
    FROM (
        SELECT id, targetid, tsnr2_lrg, zwarn <> 0 AS worse, NOT tsnr2_lrg > 0 AS weak,
               survey IN ('sv1', 'sv2', 'sv3') AS sv, survey = 'main' AS main
        FROM {{ schema }}.{{ table }}
    ) AS spectra
    WINDOW per_sv AS (PARTITION BY targetid, sv),
           per_main AS (PARTITION BY targetid, main),
           per_target AS (PARTITION BY targetid)
) AS new
WHERE old.id = new.id
  AND (old.sv_nspec, old.sv_primary, old.main_nspec, old.main_primary, old.zcat_nspec, old.zcat_primary)
      IS DISTINCT FROM
      (new.sv_nspec, new.sv_primary, new.main_nspec, new.main_primary, new.zcat_nspec, new.zcat_primary);
