{# Where the keys of rows that stay wait. -#}
CREATE TEMPORARY TABLE {{ kept }} ON COMMIT DELETE ROWS AS
SELECT {{ key | join(", ") }} FROM {{ schema }}.{{ table }} WITH NO DATA;
