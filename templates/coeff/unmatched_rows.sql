{% from "coeff/macros.sql" import unmatched_rows -%}
{{ unmatched_rows(schema ~ "." ~ table, patch_schema ~ "." ~ patch, patch_schema ~ "." ~ backup) }};
