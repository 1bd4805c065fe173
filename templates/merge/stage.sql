{# Where rows wait until they are merged into their table: an empty table of the session. -#}
CREATE TEMPORARY TABLE {{ staged }} (LIKE {{ schema }}.{{ table }}) ON COMMIT DELETE ROWS;
