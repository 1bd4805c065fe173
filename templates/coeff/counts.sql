{% from "coeff/macros.sql" import counts -%}
{{ counts(schema ~ "." ~ table, patch_schema ~ "." ~ values) }};
