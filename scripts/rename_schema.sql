-- Rename a schema, or move its tables to a shared one, and bring along the names of tables, views, indexes,
-- constraints and sequences.
--
--   psql -v schema=fuji -v new_schema=desi_edr -f scripts/rename_schema.sql
--       The schema fuji becomes desi_edr. Names that hold the old name as a whole word between
--       underscores get the new one: ix_fuji_zpix_z becomes ix_desi_edr_zpix_z.
--   psql -v schema=iron -v new_schema=coeff_patch -v prefix=iron -f scripts/rename_schema.sql
--       All that is in iron moves to coeff_patch, made if there is none: zpixpatch becomes
--       iron_zpixpatch, zpixpatch_pkey iron_zpixpatch_pkey, ix_zpixpatch_program
--       ix_iron_zpixpatch_program. Names that have the prefix keep it. The empty schema iron stays.
--   psql -v schema=iron -v new_schema=desi_dr1 -v within=coeff_patch -f scripts/rename_schema.sql
--       No schema is renamed, only names in coeff_patch: iron_zpixpatch becomes desi_dr1_zpixpatch,
--       ix_iron_zpixpatch_program ix_desi_dr1_zpixpatch_program.
--
-- Variables: schema, new_schema; at most one of prefix and within.
-- Locks: ACCESS EXCLUSIVE on every table concerned, for the moment that it takes. While others read, it waits for
-- 2 s, and whoever comes later waits behind it; then it gives up, with nothing changed: run it again.
-- Time: none to speak of; no row is touched.
-- Prints the commands and runs them.
-- One transaction: everything or nothing. Running it again changes nothing. A name that would be longer than
-- 63 bytes is refused, not cut. Views, grants and foreign keys follow their tables; functions keep their
-- names and their text, and NOT NULL constraints, which have names from PostgreSQL 18 on, keep them.

\set ON_ERROR_STOP on
\set AUTOCOMMIT on
\set QUIET on
\set SHOW_CONTEXT never
-- Nothing here means an operator or a function that somebody else has made.
SET search_path = pg_catalog, pg_temp;
SET lock_timeout = '2s';

\if :{?schema}
\else
    DO $$ BEGIN
        RAISE 'which schema? psql -v schema=fuji -v new_schema=desi_edr -f scripts/rename_schema.sql';
    END $$;
\endif
\if :{?new_schema}
\else
    DO $$ BEGIN
        RAISE 'which new_schema? psql -v schema=fuji -v new_schema=desi_edr -f scripts/rename_schema.sql';
    END $$;
\endif
\if :{?prefix}
\else
    \set prefix ''
\endif
\if :{?within}
\else
    \set within ''
\endif

BEGIN;

-- The name with each whole word `old` made `new`. With underscores doubled, each word has its own on both
-- sides, and replace() finds whole words. It first goes back to the old words, so that names which were
-- changed before stay, even where the new word holds the old one.
CREATE FUNCTION pg_temp.with_word(name text, old text, new text) RETURNS text LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $$
    WITH words AS (
        SELECT '_' || replace(name, '_', '__') || '_' AS name, '_' || replace(old, '_', '__') || '_' AS old,
               '_' || replace(new, '_', '__') || '_' AS new
    ), replaced AS (
        SELECT replace(replace(words.name, words.new, words.old), words.old, words.new) AS name FROM words
    )
    SELECT replace(substr(replaced.name, 2, length(replaced.name) - 2), '__', '_') FROM replaced
$$;

-- The name with a prefix, of which `ix_` stays in front.
CREATE FUNCTION pg_temp.with_prefix(name text, prefix text) RETURNS text LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN starts_with(name, prefix || '_') OR starts_with(name, 'ix_' || prefix || '_') THEN name
                WHEN starts_with(name, 'ix_') THEN 'ix_' || prefix || '_' || substr(name, 4)
                ELSE prefix || '_' || name END
$$;

-- home: the schema whose objects get new names.
CREATE TEMPORARY TABLE given ON COMMIT DROP AS
SELECT *, CASE within WHEN '' THEN schema ELSE within END AS home,
       EXISTS (SELECT FROM pg_namespace WHERE nspname = new_schema) AS new_exists
FROM (VALUES (:'schema'::text, :'new_schema'::text, :'prefix'::text, :'within'::text))
     AS v (schema, new_schema, prefix, within);

CREATE TEMPORARY TABLE object ON COMMIT DROP AS
WITH relation AS (
    SELECT pg_class.oid, relkind, relname::text AS relation
    FROM pg_class
    JOIN pg_namespace ON pg_namespace.oid = relnamespace
    JOIN pg_temp.given ON nspname = home
    WHERE relkind IN ('r', 'p', 'f', 'v', 'm', 'i', 'I', 'S')
), named AS (
    SELECT oid, relkind, relation, relation AS name, false AS is_constraint FROM relation
    UNION ALL
    -- Not those with an index, which are renamed with it, nor NOT NULL, whose names nobody uses.
    SELECT conrelid, relkind, relation, conname, true
    FROM pg_constraint JOIN relation ON relation.oid = conrelid WHERE contype IN ('c', 'f')
)
SELECT named.*, CASE prefix WHEN '' THEN pg_temp.with_word(name, schema, new_schema)
                            ELSE pg_temp.with_prefix(name, prefix) END AS new_name
FROM named CROSS JOIN pg_temp.given;

DO $$
DECLARE
    given record;
    too_long text;
BEGIN
    SELECT * INTO given FROM pg_temp.given;
    IF given.schema = given.new_schema THEN
        RAISE 'schema and new_schema are both "%"', given.schema;
    ELSIF given.prefix <> '' AND given.within <> '' THEN
        RAISE 'prefix and within exclude each other: prefix moves tables, within only renames them';
    ELSIF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = given.home)
          AND NOT (given.prefix = '' AND given.within = '' AND given.new_exists) THEN
        RAISE 'schema "%" does not exist', given.home;
    END IF;
    SELECT name INTO too_long
    FROM (SELECT new_name FROM pg_temp.object UNION SELECT given.new_schema) AS new (name)
    WHERE octet_length(name) > 63 ORDER BY name LIMIT 1;
    IF FOUND THEN
        RAISE 'nothing renamed: "%" has more than 63 bytes', too_long;
    END IF;
END
$$;

CREATE TEMPORARY TABLE step ON COMMIT DROP AS
SELECT 1 AS number,
       format('ALTER TABLE %I.%I RENAME CONSTRAINT %I TO %I', home, relation, name, new_name) AS command
FROM pg_temp.object CROSS JOIN pg_temp.given
WHERE is_constraint AND name <> new_name
UNION ALL
SELECT 2, format('ALTER TABLE %I.%I RENAME TO %I', home, name, new_name)
FROM pg_temp.object CROSS JOIN pg_temp.given
WHERE NOT is_constraint AND name <> new_name
UNION ALL
SELECT 3, format('ALTER SCHEMA %I RENAME TO %I', schema, new_schema)
FROM pg_temp.given JOIN pg_namespace ON nspname = schema
WHERE prefix = '' AND within = ''
UNION ALL
SELECT 4, format('CREATE SCHEMA %I', new_schema)
FROM pg_temp.given
WHERE prefix <> '' AND NOT new_exists
UNION ALL
-- Indexes move with their tables, and so do the sequences of their columns.
SELECT 5, format('ALTER TABLE %I.%I SET SCHEMA %I', home, new_name, new_schema)
FROM pg_temp.object CROSS JOIN pg_temp.given
WHERE prefix <> '' AND NOT is_constraint AND relkind NOT IN ('i', 'I')
  AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = object.oid
                  AND relkind = 'S' AND deptype IN ('a', 'i'));

SELECT command FROM pg_temp.step ORDER BY number, command;
SELECT command FROM pg_temp.step ORDER BY number, command \gexec

DROP FUNCTION pg_temp.with_word, pg_temp.with_prefix;
COMMIT;
RESET lock_timeout;
RESET search_path;
