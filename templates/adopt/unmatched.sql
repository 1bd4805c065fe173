{% from "merge/macros.sql" import same -%}
{# Keys of rows that one table has and the other has not: how many, and some of them. -#}
SELECT {{ key | join(", ") }}, count(*) OVER () FROM {{ one_schema }}.{{ one }} AS old
WHERE NOT EXISTS (SELECT 1 FROM {{ other_schema }}.{{ other }} AS new WHERE {{ same("old", "new", key) }})
ORDER BY {{ key | join(", ") }} LIMIT 3;
