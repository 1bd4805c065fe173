{# Keys that several staged rows have. -#}
SELECT {{ key | join(", ") }} FROM {{ room }}.{{ staged }}
GROUP BY {{ key | join(", ") }} HAVING count(*) > 1 ORDER BY {{ key | join(", ") }} LIMIT 1;
