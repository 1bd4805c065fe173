{# Remove the rows that no file gives any more. -#}
DELETE FROM {{ schema }}.{{ table }} AS old
WHERE NOT EXISTS (SELECT FROM pg_temp.{{ table }} AS new WHERE new.{{ key }} = old.{{ key }})
  AND NOT EXISTS (SELECT FROM pg_temp.{{ kept }} AS kept WHERE kept.{{ key }} = old.{{ key }});
