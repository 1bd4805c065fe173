{# All rows are staged: tell the planner how many there are. -#}
ANALYZE pg_temp.{{ table }} ({{ key }}), pg_temp.{{ kept }};
