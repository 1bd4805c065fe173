VACUUM (VERBOSE, ANALYZE) {{ schema }}.{{ table }};
