{# Remove all rows of the replaced files from a table without keys: nothing refers to them. -#}
DELETE FROM {{ schema }}.{{ table }} AS old
WHERE NOT EXISTS (SELECT FROM pg_temp.{{ kept }} AS kept WHERE kept.{{ key }} = old.{{ key }});
