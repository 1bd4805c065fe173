    SELECT targetid, id,
           CASE WHEN sv THEN count(*) FILTER (WHERE sv) OVER all_of_target ELSE 0 END AS sv_nspec,
           sv AND count(*) FILTER (WHERE sv) OVER best_so_far = 1 AS sv_primary,
           CASE WHEN main THEN count(*) FILTER (WHERE main) OVER all_of_target ELSE 0 END AS main_nspec,
           main AND count(*) FILTER (WHERE main) OVER best_so_far = 1 AS main_primary,
           count(*) OVER all_of_target AS zcat_nspec,
           count(*) OVER best_so_far = 1 AS zcat_primary
    FROM (
        SELECT id, targetid, zwarn <> 0 AS bad, NULLIF({{ rank }}, 'NaN') AS rank,
               survey IN ('sv1', 'sv2', 'sv3') AS sv, survey = 'main' AS main
        FROM {{ schema }}.{{ table }}
{% if among is defined %}
        WHERE targetid IN (SELECT targetid FROM {{ room }}.{{ among }})
{% endif %}
    ) AS spectra
    WINDOW all_of_target AS (PARTITION BY targetid),
           best_so_far AS (all_of_target ORDER BY bad, rank DESC NULLS LAST, id
                           ROWS UNBOUNDED PRECEDING)
