{% from "coeff/macros.sql" import unsaved -%}
{{ unsaved(schema ~ "." ~ table, patch_schema ~ "." ~ patch, patch_schema ~ "." ~ backup) }};
