{% from "coeff/macros.sql" import strangers -%}
{{ strangers(schema ~ "." ~ table, patch_schema ~ "." ~ patch, patch_schema ~ "." ~ backup) }};
