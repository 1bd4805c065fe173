{# What the next choice by primary.sql, with the same `rank`, will change without a difference in the values. -#}
-- {{ table }}: targets for which the spectrum that is marked in the table is as good as the one that will be
-- chosen, or is ranked last because of a value of 0 or less, or none. Other programs may rank such spectra in any order.
SELECT count(*) AS ties
FROM (
    SELECT targetid
    FROM (
        SELECT targetid, marked, rank, bad, bool_and(bad) OVER (PARTITION BY targetid, scope) AS all_bad,
               dense_rank() OVER (PARTITION BY targetid, scope ORDER BY bad, rank DESC NULLS LAST) AS place,
               row_number() OVER (PARTITION BY targetid, scope ORDER BY bad, rank DESC NULLS LAST, id) AS number
        FROM (
            SELECT id, targetid, zwarn <> 0 AS bad, NULLIF({{ rank }}, 'NaN') AS rank, scope, marked
            FROM {{ schema }}.{{ table }},
                 LATERAL (VALUES (1, true, zcat_primary), (2, survey IN ('sv1', 'sv2', 'sv3'), sv_primary),
                                 (3, survey = 'main', main_primary)) AS scopes (scope, inside, marked)
            WHERE inside
        ) AS spectra
    ) AS ranked
    WHERE marked
    GROUP BY targetid
    HAVING bool_or(number > 1)
       AND bool_and(number = 1 OR bad = all_bad AND (place = 1 OR rank IS NULL OR rank <= 0))
) AS targets
