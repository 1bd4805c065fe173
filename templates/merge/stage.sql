{# Where rows wait until they are merged into their table, or keys of rows. Every commit empties a temporary one. -#}
CREATE {{ "TEMPORARY " if room == "pg_temp" }}TABLE {{ room }}.{{ waiting }} {{ "ON COMMIT DELETE ROWS " if room == "pg_temp" }}AS
SELECT {{ columns | join(", ") }} FROM {{ schema }}.{{ table }} WITH NO DATA;
