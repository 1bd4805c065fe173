{% from "coeff/macros.sql" import coefficients, differ -%}
SELECT old.id,
       ARRAY[{{ coefficients("old") }}] AS before,
       ARRAY[{{ coefficients("new") }}] AS after
FROM {{ schema }}.{{ table }} AS old JOIN {{ patch_schema }}.{{ patch }} AS new USING (id)
WHERE {{ differ("old", "new") }}
ORDER BY old.id
LIMIT 3;
