-- load_ledger: which rows of which file are in which table. A ledger row commits together with the rows it records.

{% block table %}
CREATE TABLE IF NOT EXISTS {{ schema }}.load_ledger (
    table_name       text NOT NULL,
    file             text NOT NULL,
    hdu              text NOT NULL,
    first_row        bigint NOT NULL,
    last_row         bigint NOT NULL,
    stage            text NOT NULL,
    file_size        bigint NOT NULL,
    file_mtime_ns    bigint NOT NULL,
    digest           text NOT NULL,
    rows_read        bigint NOT NULL,
    rows_kept        bigint NOT NULL,
    rows_quarantined bigint NOT NULL DEFAULT 0,
    quarantine       jsonb NOT NULL DEFAULT '[]',
    values_changed   bigint NOT NULL,
    bytes_sent       bigint NOT NULL,
    seconds          double precision NOT NULL,
    loaded_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    loaded_by        text NOT NULL,
    CONSTRAINT load_ledger_pkey PRIMARY KEY (table_name, file, hdu, first_row)
);
{% endblock %}

{% block comments %}
COMMENT ON TABLE {{ schema }}.load_ledger IS 'Which rows of which file are in which table; each row was committed together with the rows it records';
COMMENT ON COLUMN {{ schema }}.load_ledger.table_name IS 'Table that received the rows';
COMMENT ON COLUMN {{ schema }}.load_ledger.file IS 'Input file, relative to the root directory of the production where it lies below it';
COMMENT ON COLUMN {{ schema }}.load_ledger.hdu IS 'Name of the HDU, empty for text files';
COMMENT ON COLUMN {{ schema }}.load_ledger.first_row IS 'First row of the unit, counted from 0';
COMMENT ON COLUMN {{ schema }}.load_ledger.last_row IS 'Row after the last one of the unit';
COMMENT ON COLUMN {{ schema }}.load_ledger.stage IS 'Load stage the unit belongs to';
COMMENT ON COLUMN {{ schema }}.load_ledger.file_size IS 'Size of the file when it was loaded [byte]';
COMMENT ON COLUMN {{ schema }}.load_ledger.file_mtime_ns IS 'Modification time of the file when it was loaded, since 1970 [ns]';
COMMENT ON COLUMN {{ schema }}.load_ledger.digest IS 'What the digest of the HDU stands for (whole, gzip, datasum or samples), and the digest, by SHA-256';
COMMENT ON COLUMN {{ schema }}.load_ledger.rows_read IS 'Rows read from the file';
COMMENT ON COLUMN {{ schema }}.load_ledger.rows_kept IS 'Rows that passed the row filter and were loaded';
COMMENT ON COLUMN {{ schema }}.load_ledger.rows_quarantined IS 'Rows that were refused while the rest of the file was loaded';
COMMENT ON COLUMN {{ schema }}.load_ledger.quarantine IS 'These rows: row number in the HDU counted from 0, input column, its value, reason';
COMMENT ON COLUMN {{ schema }}.load_ledger.values_changed IS 'NaN and infinite values that were replaced by -9999';
COMMENT ON COLUMN {{ schema }}.load_ledger.bytes_sent IS 'COPY data sent to the server [byte]';
COMMENT ON COLUMN {{ schema }}.load_ledger.seconds IS 'Time the unit took [s]';
COMMENT ON COLUMN {{ schema }}.load_ledger.loaded_at IS 'When the unit was loaded';
COMMENT ON COLUMN {{ schema }}.load_ledger.loaded_by IS 'Name and version of the loading program';
{% endblock %}

{% block grants %}
{% for role in roles %}
GRANT SELECT ON {{ schema }}.load_ledger TO {{ role }};
{% endfor %}
{% endblock %}
