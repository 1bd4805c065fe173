{# The tables of TAP_SCHEMA 1.1 (https://www.ivoa.net/documents/TAP/20190927/, section 4), which describe themselves. #}
{% macro table(name, key, meaning, columns) %}
CREATE TABLE IF NOT EXISTS {{ schema }}.{{ name }} (
{% for column, type, _ in columns %}
    "{{ column }}" {{ type }},
{% endfor %}
    PRIMARY KEY ({{ key }})
);
COMMENT ON TABLE {{ schema }}.{{ name }} IS '{{ meaning }}';
{% for column, _, meaning in columns %}
COMMENT ON COLUMN {{ schema }}.{{ name }}."{{ column }}" IS '{{ meaning }}';
{% endfor %}
{% endmacro %}
COMMENT ON SCHEMA {{ schema }} IS 'Tables that describe what can be queried here, after TAP 1.1';
{{ table("schemas", "schema_name", "Schemas that can be queried", [
    ("schema_name", "text", "Name of the schema"),
    ("utype", "text", "Utype of the schema, if it is of a data model"),
    ("description", "text", "What the schema is"),
    ("schema_index", "integer", "Recommended order of the schemas"),
]) }}
{{ table("tables", "table_name", "Tables and views that can be queried", [
    ("schema_name", "text NOT NULL REFERENCES " ~ schema ~ ".schemas", "Schema of the table"),
    ("table_name", "text", "Name of the table, as queries write it"),
    ("table_type", "text NOT NULL", "table or view"),
    ("utype", "text", "Utype of the table, if it is of a data model"),
    ("description", "text", "What the table is"),
    ("table_index", "integer", "Recommended order of the tables of a schema"),
]) }}
{{ table("columns", "table_name, column_name", "Columns that can be queried", [
    ("table_name", "text NOT NULL REFERENCES " ~ schema ~ ".tables", "Table of the column"),
    ("column_name", "text NOT NULL", "Name of the column, as queries write it"),
    ("datatype", "text NOT NULL", "Type of the column, in the words of VOTable"),
    ("arraysize", "text", "Number of elements, in the words of VOTable"),
    ("xtype", "text", "How text is to be read, e.g. as a timestamp"),
    ("size", "integer", "Length of the text (deprecated, see arraysize)"),
    ("description", "text", "What the column is"),
    ("utype", "text", "Utype of the column, if it is of a data model"),
    ("unit", "text", "Unit, as VOUnit"),
    ("ucd", "text", "Unified content descriptor"),
    ("indexed", "integer NOT NULL", "1 if an index finds rows by it, else 0"),
    ("principal", "integer NOT NULL", "1 if most people want it, else 0"),
    ("std", "integer NOT NULL", "1 if a standard defines it, else 0"),
    ("column_index", "integer", "Recommended order of the columns of a table"),
]) }}
{{ table("keys", "key_id", "Foreign keys, by which tables can be joined", [
    ("key_id", "text", "Name of the key"),
    ("from_table", "text NOT NULL REFERENCES " ~ schema ~ ".tables", "Table that refers"),
    ("target_table", "text NOT NULL REFERENCES " ~ schema ~ ".tables", "Table that is referred to"),
    ("description", "text", "What the key says"),
    ("utype", "text", "Utype of the key, if it is of a data model"),
]) }}
{{ table("key_columns", "key_id, from_column", "Columns of foreign keys", [
    ("key_id", "text NOT NULL REFERENCES " ~ schema ~ ".keys", "Name of the key"),
    ("from_column", "text NOT NULL", "Column that refers"),
    ("target_column", "text NOT NULL", "Column that is referred to"),
]) }}
