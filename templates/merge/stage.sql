{# Where rows wait until they are merged into their table: an empty table of the session. -#}
CREATE TEMPORARY TABLE {{ staged }} ON COMMIT DELETE ROWS AS
SELECT {{ columns | join(", ") }} FROM {{ schema }}.{{ table }} WITH NO DATA;
