{% from "coeff/macros.sql" import differ -%}
UPDATE {{ schema }}.{{ table }} AS old
SET coeff_0 = new.coeff_0, coeff_1 = new.coeff_1, coeff_2 = new.coeff_2, coeff_3 = new.coeff_3,
    coeff_4 = new.coeff_4, coeff_5 = new.coeff_5, coeff_6 = new.coeff_6, coeff_7 = new.coeff_7,
    coeff_8 = new.coeff_8, coeff_9 = new.coeff_9
FROM {{ patch_schema }}.{{ values }} AS new
WHERE old.id = new.id
  AND {{ differ("old", "new") }};
