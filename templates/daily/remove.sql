{# Remove the rows of the staged tile that are not staged, in an order that foreign keys allow. -#}
{% macro not_staged(table, key) -%}
old.tileid = tile.tileid
  AND NOT EXISTS (SELECT FROM pg_temp.staged_{{ table }} AS new WHERE new.{{ key }} = old.{{ key }})
{%- endmacro -%}
INSERT INTO pg_temp.staged_affected (targetid)
SELECT targetid FROM {{ schema }}.ztile JOIN pg_temp.staged_tile USING (tileid)
UNION
SELECT targetid FROM pg_temp.staged_ztile;

INSERT INTO pg_temp.staged_gone (targetid)
SELECT targetid FROM {{ schema }}.target JOIN pg_temp.staged_tile USING (tileid)
EXCEPT
SELECT targetid FROM pg_temp.staged_target;

ANALYZE pg_temp.staged_affected, pg_temp.staged_gone;

{% for table, key in keys.items() %}
SELECT count(*) AS {{ table }} FROM {{ schema }}.{{ table }} AS old, pg_temp.staged_tile AS tile
WHERE {{ not_staged(table, key) }};
DELETE FROM {{ schema }}.{{ table }} AS old USING pg_temp.staged_tile AS tile
WHERE {{ not_staged(table, key) }};

{% endfor %}
