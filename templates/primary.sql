{#
Number of spectra per target and choice of the best one, recomputed over a whole table or `among` some targets.
`rank` is the column that spectra are ranked by: efftime_spec where the table has it, else tsnr2_lrg.
-#}
{% macro rows_that_change() -%}
(
{% include "rules/primary.sql" %}
) AS new
WHERE old.targetid = new.targetid AND old.id = new.id
  AND (old.sv_nspec, old.sv_primary, old.main_nspec, old.main_primary, old.zcat_nspec, old.zcat_primary)
      IS DISTINCT FROM
      (new.sv_nspec, new.sv_primary, new.main_nspec, new.main_primary, new.zcat_nspec, new.zcat_primary)
{%- endmacro -%}
{% if counted is defined %}
-- How many rows of {{ table }} the next statement has to write.
SELECT count(*) AS {{ table }}
FROM {{ schema }}.{{ table }} AS old
-- No join: an id may be there twice as long as the table has no key.
WHERE EXISTS (SELECT 1 FROM {{ rows_that_change() }});

{% endif %}
-- {{ table }}: for every TARGETID the number of its spectra (nspec) and the best of them (primary), over
-- all rows (zcat), those of the surveys sv1, sv2 and sv3 (sv) and those of survey main (main).
-- Outside its scope a row has 0 and false. The best spectrum is the first one in this order:
-- ZWARN = 0 before others; then the larger EFFTIME_SPEC where the table has it, else the larger TSNR2_LRG, so
-- that zero, negative values, -9999 (which stands for a missing value) and NaN come last, in this order; then
-- the smaller id.
-- Only rows that change are written, so running it again does nothing.
UPDATE {{ schema }}.{{ table }} AS old
SET sv_nspec = new.sv_nspec, sv_primary = new.sv_primary,
    main_nspec = new.main_nspec, main_primary = new.main_primary,
    zcat_nspec = new.zcat_nspec, zcat_primary = new.zcat_primary
FROM {{ rows_that_change() }};
