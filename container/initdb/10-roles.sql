-- The roles of DESI, and the extension q3c. The image runs this once, in the database desi of a new volume, as superuser.
--
-- The passwords are read from the files desi_admin_password, desi_password and desi_public_password in /secrets (or the
-- folder that the variable SECRETS names), so they are in no argument list.

\set ON_ERROR_STOP on
\set desi_admin `cat "${SECRETS:-/secrets}/desi_admin_password"`
\set desi `cat "${SECRETS:-/secrets}/desi_password"`
\set desi_public `cat "${SECRETS:-/secrets}/desi_public_password"`

-- A role without a password could not log in, and nobody would see why.
SELECT '' IN (:'desi_admin', :'desi', :'desi_public') AS is_missing \gset
\if :is_missing
    DO $$ BEGIN RAISE 'a password is empty or missing: see container/make-secrets.sh'; END $$;
\endif

-- Nor are they in the log, whatever else goes there.
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';

BEGIN;
CREATE ROLE desi_admin LOGIN CREATEDB PASSWORD :'desi_admin';
CREATE ROLE desi LOGIN PASSWORD :'desi';
CREATE ROLE desi_public LOGIN PASSWORD :'desi_public';
-- desi_admin makes a schema for each production; who reads it is granted by the load.
SELECT format('ALTER DATABASE %I OWNER TO desi_admin', current_database()) \gexec
-- PostgreSQL 14 lets everybody make functions and operators here; later ones do not.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
CREATE EXTENSION IF NOT EXISTS q3c SCHEMA public;
COMMIT;
