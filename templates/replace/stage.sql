{# Where rows of replaced files wait, and the keys of the rows of all other files of their table. -#}
CREATE TEMPORARY TABLE {{ table }} (LIKE {{ schema }}.{{ table }}) ON COMMIT DROP;
CREATE TEMPORARY TABLE {{ kept }} ON COMMIT DROP AS
SELECT {{ key }} FROM {{ schema }}.{{ table }} WITH NO DATA;
