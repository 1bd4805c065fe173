DROP TABLE IF EXISTS {{ schema }}.{{ table }};
