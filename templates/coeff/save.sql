{% from "coeff/macros.sql" import coefficients, differ -%}
-- Only what is going to change, and nothing over what was saved before.
INSERT INTO {{ patch_schema }}.{{ backup }}
SELECT old.id,
       {{ coefficients("old") }}
FROM {{ schema }}.{{ table }} AS old JOIN {{ patch_schema }}.{{ patch }} AS new USING (id)
WHERE {{ differ("old", "new") }}
ON CONFLICT (id) DO NOTHING;
