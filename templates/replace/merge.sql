{# Bring staged rows into their table: those that differ, by a single bit, and those that are new. -#}
UPDATE {{ schema }}.{{ table }} AS old
SET ({{ values | join(", ") }}) = ROW(new.{{ values | join(", new.") }})
FROM pg_temp.{{ table }} AS new
WHERE old.{{ key }} = new.{{ key }}
  -- Without the cast the rows would be compared value by value, and 0.0 equals -0.0.
  AND ROW(old.{{ values | join(", old.") }})::record *<> ROW(new.{{ values | join(", new.") }})::record;

INSERT INTO {{ schema }}.{{ table }} ({{ columns | join(", ") }})
SELECT {{ columns | join(", ") }} FROM pg_temp.{{ table }} AS new
WHERE NOT EXISTS (SELECT FROM {{ schema }}.{{ table }} AS old WHERE old.{{ key }} = new.{{ key }});
