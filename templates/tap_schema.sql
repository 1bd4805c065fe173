{# The tables of TAP_SCHEMA 1.1 (https://www.ivoa.net/documents/TAP/20190927/, section 4), which describe themselves. #}
CREATE TABLE IF NOT EXISTS {{ schema }}.schemas (
    schema_name  text PRIMARY KEY,
    utype        text,
    description  text,
    schema_index integer
);
CREATE TABLE IF NOT EXISTS {{ schema }}.tables (
    schema_name text NOT NULL REFERENCES {{ schema }}.schemas,
    table_name  text PRIMARY KEY,
    table_type  text NOT NULL,
    utype       text,
    description text,
    table_index integer
);
CREATE TABLE IF NOT EXISTS {{ schema }}.columns (
    table_name   text NOT NULL REFERENCES {{ schema }}.tables,
    column_name  text NOT NULL,
    datatype     text NOT NULL,
    arraysize    text,
    xtype        text,
    "size"       integer,
    description  text,
    utype        text,
    unit         text,
    ucd          text,
    indexed      integer NOT NULL,
    principal    integer NOT NULL,
    std          integer NOT NULL,
    column_index integer,
    PRIMARY KEY (table_name, column_name)
);
CREATE TABLE IF NOT EXISTS {{ schema }}.keys (
    key_id       text PRIMARY KEY,
    from_table   text NOT NULL REFERENCES {{ schema }}.tables,
    target_table text NOT NULL REFERENCES {{ schema }}.tables,
    description  text,
    utype        text
);
CREATE TABLE IF NOT EXISTS {{ schema }}.key_columns (
    key_id        text NOT NULL REFERENCES {{ schema }}.keys,
    from_column   text NOT NULL,
    target_column text NOT NULL,
    PRIMARY KEY (key_id, from_column)
);
COMMENT ON SCHEMA {{ schema }} IS 'Tables that describe what can be queried here, after TAP 1.1';
COMMENT ON TABLE {{ schema }}.schemas IS 'Schemas that can be queried';
COMMENT ON COLUMN {{ schema }}.schemas.schema_name IS 'Name of the schema';
COMMENT ON COLUMN {{ schema }}.schemas.utype IS 'Utype of the schema, if it is of a data model';
COMMENT ON COLUMN {{ schema }}.schemas.description IS 'What the schema is';
COMMENT ON COLUMN {{ schema }}.schemas.schema_index IS 'Recommended order of the schemas';
COMMENT ON TABLE {{ schema }}.tables IS 'Tables and views that can be queried';
COMMENT ON COLUMN {{ schema }}.tables.schema_name IS 'Schema of the table';
COMMENT ON COLUMN {{ schema }}.tables.table_name IS 'Name of the table, as queries write it';
COMMENT ON COLUMN {{ schema }}.tables.table_type IS 'table or view';
COMMENT ON COLUMN {{ schema }}.tables.utype IS 'Utype of the table, if it is of a data model';
COMMENT ON COLUMN {{ schema }}.tables.description IS 'What the table is';
COMMENT ON COLUMN {{ schema }}.tables.table_index IS 'Recommended order of the tables of a schema';
COMMENT ON TABLE {{ schema }}.columns IS 'Columns that can be queried';
COMMENT ON COLUMN {{ schema }}.columns.table_name IS 'Table of the column';
COMMENT ON COLUMN {{ schema }}.columns.column_name IS 'Name of the column, as queries write it';
COMMENT ON COLUMN {{ schema }}.columns.datatype IS 'Type of the column, in the words of VOTable';
COMMENT ON COLUMN {{ schema }}.columns.arraysize IS 'Number of elements, in the words of VOTable';
COMMENT ON COLUMN {{ schema }}.columns.xtype IS 'How text is to be read, e.g. as a timestamp';
COMMENT ON COLUMN {{ schema }}.columns."size" IS 'Length of the text (deprecated, see arraysize)';
COMMENT ON COLUMN {{ schema }}.columns.description IS 'What the column is';
COMMENT ON COLUMN {{ schema }}.columns.utype IS 'Utype of the column, if it is of a data model';
COMMENT ON COLUMN {{ schema }}.columns.unit IS 'Unit, as VOUnit';
COMMENT ON COLUMN {{ schema }}.columns.ucd IS 'Unified content descriptor';
COMMENT ON COLUMN {{ schema }}.columns.indexed IS '1 if an index finds rows by it, else 0';
COMMENT ON COLUMN {{ schema }}.columns.principal IS '1 if most people want it, else 0';
COMMENT ON COLUMN {{ schema }}.columns.std IS '1 if a standard defines it, else 0';
COMMENT ON COLUMN {{ schema }}.columns.column_index IS 'Recommended order of the columns of a table';
COMMENT ON TABLE {{ schema }}.keys IS 'Foreign keys, by which tables can be joined';
COMMENT ON COLUMN {{ schema }}.keys.key_id IS 'Name of the key';
COMMENT ON COLUMN {{ schema }}.keys.from_table IS 'Table that refers';
COMMENT ON COLUMN {{ schema }}.keys.target_table IS 'Table that is referred to';
COMMENT ON COLUMN {{ schema }}.keys.description IS 'What the key says';
COMMENT ON COLUMN {{ schema }}.keys.utype IS 'Utype of the key, if it is of a data model';
COMMENT ON TABLE {{ schema }}.key_columns IS 'Columns of foreign keys';
COMMENT ON COLUMN {{ schema }}.key_columns.key_id IS 'Name of the key';
COMMENT ON COLUMN {{ schema }}.key_columns.from_column IS 'Column that refers';
COMMENT ON COLUMN {{ schema }}.key_columns.target_column IS 'Column that is referred to';
