{# Photometry of targets that no tile has any more. -#}
DELETE FROM {{ schema }}.photometry AS old USING pg_temp.staged_gone AS gone
WHERE old.targetid = gone.targetid
  AND NOT EXISTS (SELECT FROM {{ schema }}.target AS kept WHERE kept.targetid = gone.targetid);
