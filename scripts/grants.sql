-- Let a role read a schema: USAGE on the schema and SELECT on all its tables and views.
--
--   psql -v schema=fuji -f scripts/grants.sql
--   psql -v schema=fuji -v public=1 -f scripts/grants.sql
--   psql -v schema=fuji -v role=reader -v public=1 -v public_role=everybody -f scripts/grants.sql
--
-- Variables: schema; role (desi); public=1 to let a second role read too, public_role (desi_public).
-- A role that does not exist gets a notice, not an error: private servers have none of them.
-- Locks: none that readers or writers would notice. Time: none.
-- One transaction; running it again changes nothing. Tables made later need it again.

\set ON_ERROR_STOP on
\set AUTOCOMMIT on
\set QUIET on
\set SHOW_CONTEXT never
-- Nothing here means an operator or a function that somebody else has made.
SET search_path = pg_catalog, pg_temp;

\if :{?schema}
\else
    DO $$ BEGIN RAISE 'which schema? psql -v schema=fuji -f scripts/grants.sql'; END $$;
\endif
\if :{?role}
\else
    \set role desi
\endif
\if :{?public}
\else
    \set public 0
\endif
\if :{?public_role}
\else
    \set public_role desi_public
\endif

SELECT quote_ident(:'schema')::regnamespace::oid AS schema_oid \gset

BEGIN;
-- A DO block cannot see psql's variables, but it sees this.
CREATE TEMPORARY TABLE reader ON COMMIT DROP AS
SELECT :'schema'::text AS schema, :'role'::text AS role
UNION
SELECT :'schema', :'public_role' WHERE :'public'::boolean;

DO $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN SELECT schema, role FROM pg_temp.reader ORDER BY role LOOP
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.role) THEN
            EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', wanted.schema, wanted.role);
            EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO %I', wanted.schema, wanted.role);
        ELSE
            RAISE NOTICE 'role % does not exist: nothing granted to it', wanted.role;
        END IF;
    END LOOP;
END
$$;

SELECT rolname AS role, has_schema_privilege(pg_roles.oid, :schema_oid, 'USAGE') AS "may use the schema",
       count(*) FILTER (WHERE has_table_privilege(pg_roles.oid, pg_class.oid, 'SELECT')) AS "may read",
       count(pg_class.oid) AS "tables and views"
FROM pg_temp.reader
JOIN pg_roles ON rolname = role
LEFT JOIN pg_class ON relnamespace = :schema_oid AND relkind IN ('r', 'p', 'v', 'm', 'f')
GROUP BY pg_roles.oid, rolname
ORDER BY rolname;
COMMIT;
RESET search_path;
