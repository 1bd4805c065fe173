VACUUM (FULL, VERBOSE, ANALYZE) {{ schema }}.{{ table }};
