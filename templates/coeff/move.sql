ALTER TABLE IF EXISTS {{ schema }}.{{ table }} SET SCHEMA {{ new }};
