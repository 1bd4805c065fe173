{% from "coeff/macros.sql" import differences -%}
{{ differences(schema ~ "." ~ table, patch_schema ~ "." ~ values) }};
