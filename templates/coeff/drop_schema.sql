DROP SCHEMA {{ schema }};
