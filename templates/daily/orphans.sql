{# Photometry of targets that no tile has any more. -#}
{% macro orphaned() -%}
old.targetid = gone.targetid
  AND NOT EXISTS (SELECT 1 FROM {{ schema }}.target AS kept WHERE kept.targetid = gone.targetid)
{%- endmacro -%}
SELECT count(*) AS photometry FROM {{ schema }}.photometry AS old, {{ room }}.staged_gone AS gone
WHERE {{ orphaned() }};
DELETE FROM {{ schema }}.photometry AS old USING {{ room }}.staged_gone AS gone
WHERE {{ orphaned() }};
