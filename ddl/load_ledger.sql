-- load_ledger: what is in the tables, and what it was made of. A row commits together with the rows it records.

{% block table %}
CREATE TABLE IF NOT EXISTS {{ schema }}.load_ledger (
    table_name       text NOT NULL,
    entry            text NOT NULL,
    first_row        bigint NOT NULL,
    last_row         bigint NOT NULL,
    stage            text NOT NULL,
    inputs           jsonb NOT NULL,
    tables           jsonb NOT NULL,
    details          jsonb NOT NULL DEFAULT '{}',
    rows_read        bigint NOT NULL,
    rows_kept        bigint NOT NULL,
    rows_quarantined bigint NOT NULL DEFAULT 0,
    quarantine       jsonb NOT NULL DEFAULT '[]',
    values_changed   bigint NOT NULL,
    bytes_sent       bigint NOT NULL,
    seconds          double precision NOT NULL,
    failure          text,
    loaded_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    loaded_by        text NOT NULL,
    format           smallint NOT NULL DEFAULT 2,
    CONSTRAINT load_ledger_pkey PRIMARY KEY (table_name, entry, first_row)
);
{% endblock %}

{# From the tables of format 1, without changing who may read them; nothing but the digests is lost, which stood for parts of files. #}
{% block take_over %}
ALTER TABLE {{ schema }}.load_ledger
    DROP CONSTRAINT load_ledger_pkey,
    ADD COLUMN entry text, ADD COLUMN inputs jsonb, ADD COLUMN tables jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN details jsonb NOT NULL DEFAULT '{}', ADD COLUMN failure text,
    ADD COLUMN format smallint NOT NULL DEFAULT 2;
UPDATE {{ schema }}.load_ledger
SET entry = file || CASE WHEN hdu <> '' THEN '[' || hdu || ']' ELSE '' END,
    inputs = jsonb_build_array(jsonb_build_object(
        'file', file, 'hdu', hdu, 'size', file_size, 'mtime_ns', file_mtime_ns, 'digest', NULL
    ));
UPDATE {{ schema }}.load_ledger SET tables = jsonb_build_object(table_name, oid::bigint)
FROM pg_class WHERE relname = table_name AND relnamespace = '{{ schema.replace("'", "''") }}'::regnamespace;
ALTER TABLE {{ schema }}.load_ledger
    ALTER COLUMN entry SET NOT NULL, ALTER COLUMN inputs SET NOT NULL, ALTER COLUMN tables DROP DEFAULT,
    DROP COLUMN file, DROP COLUMN hdu, DROP COLUMN file_size, DROP COLUMN file_mtime_ns, DROP COLUMN digest,
    ADD CONSTRAINT load_ledger_pkey PRIMARY KEY (table_name, entry, first_row);
{% endblock %}

{% block take_over_tiles %}
INSERT INTO {{ schema }}.load_ledger (
    table_name, entry, first_row, last_row, stage, inputs, tables, details, rows_read, rows_kept,
    values_changed, bytes_sent, seconds, loaded_at, loaded_by
)
SELECT 'tile', 'tile ' || tileid, 0, 0, 'daily',
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
            'file', key, 'hdu', '', 'size', value::bigint, 'mtime_ns', -1, 'digest', NULL
        ) ORDER BY key), '[]') FROM jsonb_each_text(files)),
       (SELECT jsonb_object_agg(relname, oid::bigint) FROM pg_class
        WHERE relnamespace = '{{ schema.replace("'", "''") }}'::regnamespace
          AND relname IN ('tile', 'exposure', 'frame', 'photometry', 'target', 'ztile', 'fiberassign', 'potential')),
       jsonb_build_object('tileid', tileid, 'updated', updated), 1, 1, 0, 0, seconds, loaded_at, loaded_by
FROM {{ schema }}.tile_ledger;
DROP TABLE {{ schema }}.tile_ledger;
{% endblock %}

{% block comments %}
COMMENT ON TABLE {{ schema }}.load_ledger IS 'What is in the tables, and what it was made of; each row was committed together with the rows it records';
COMMENT ON COLUMN {{ schema }}.load_ledger.table_name IS 'Table that received the rows; tile for tiles that were loaded one by one, which have rows in others too (UCD meta.id;meta.table)';
COMMENT ON COLUMN {{ schema }}.load_ledger.entry IS 'What the rows are of: the file and HDU, or the tile (UCD meta.id;meta.dataset)';
COMMENT ON COLUMN {{ schema }}.load_ledger.first_row IS 'First row of the HDU that is recorded here, counted from 0; -1 for what failed (UCD meta.record)';
COMMENT ON COLUMN {{ schema }}.load_ledger.last_row IS 'Row after the last one (UCD meta.record)';
COMMENT ON COLUMN {{ schema }}.load_ledger.stage IS 'Load stage that the entry belongs to; daily for tiles that were loaded one by one, procedure for what has derived columns (UCD meta.code.class)';
COMMENT ON COLUMN {{ schema }}.load_ledger.inputs IS 'What the rows were made of: files, relative to the root directory where they lie below it, each with HDU (empty for the whole file), size in bytes, modification time in ns since 1970 and XXH3-128 of header and recorded rows, or of the file (UCD meta.ref;meta.file)';
COMMENT ON COLUMN {{ schema }}.load_ledger.tables IS 'Tables with rows of the entry, each with its object identifier: of another table by this name nothing is recorded (UCD meta.ref;meta.table)';
COMMENT ON COLUMN {{ schema }}.load_ledger.details IS 'Of a tile: its number, UPDATED of the tiles file, and how many rows its files gave each table; of a procedure: its name, the columns that it has derived, and the patch that it took them from (UCD meta.note)';
COMMENT ON COLUMN {{ schema }}.load_ledger.rows_read IS 'Rows read from the file (UCD meta.number)';
COMMENT ON COLUMN {{ schema }}.load_ledger.rows_kept IS 'Rows that passed the row filter and were loaded (UCD meta.number)';
COMMENT ON COLUMN {{ schema }}.load_ledger.rows_quarantined IS 'Rows that were refused while the rest of the file was loaded (UCD meta.number)';
COMMENT ON COLUMN {{ schema }}.load_ledger.quarantine IS 'These rows: row number in the HDU counted from 0, input column, its value, reason (UCD meta.note)';
COMMENT ON COLUMN {{ schema }}.load_ledger.values_changed IS 'NaN and infinite values that were replaced by -9999, and the other coordinate of such a position (UCD meta.number)';
COMMENT ON COLUMN {{ schema }}.load_ledger.bytes_sent IS 'COPY data sent to the server [byte] (UCD phys.size;meta.dataset)';
COMMENT ON COLUMN {{ schema }}.load_ledger.seconds IS 'Time the entry took [s] (UCD time.duration)';
COMMENT ON COLUMN {{ schema }}.load_ledger.failure IS 'Why the last attempt failed; such an entry has no rows, and goes with the next success (UCD meta.note)';
COMMENT ON COLUMN {{ schema }}.load_ledger.loaded_at IS 'When the rows were loaded (UCD time.processing)';
COMMENT ON COLUMN {{ schema }}.load_ledger.loaded_by IS 'Name and version of the loading program (UCD meta.id;meta.software)';
COMMENT ON COLUMN {{ schema }}.load_ledger.format IS 'Format of this row: programs that know only older ones leave the schema alone (UCD meta.version)';
{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.load_ledger TO {{ role }};
{% endfor %}
{% endblock %}
