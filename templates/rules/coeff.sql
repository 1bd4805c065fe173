    SELECT targetid, id, coeff_0, coeff_1, coeff_2, coeff_3, coeff_4, coeff_5, coeff_6, coeff_7, coeff_8, coeff_9
    FROM {{ patch_schema }}.{{ patch }}
