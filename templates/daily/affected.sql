{# Note which targets the staged tile gives or takes spectra, and which are its potential targets no more. -#}
INSERT INTO pg_temp.staged_affected (targetid)
SELECT targetid FROM {{ schema }}.ztile JOIN pg_temp.staged_tile USING (tileid)
UNION
SELECT targetid FROM pg_temp.staged_ztile;

INSERT INTO pg_temp.staged_gone (targetid)
SELECT targetid FROM {{ schema }}.target JOIN pg_temp.staged_tile USING (tileid)
EXCEPT
SELECT targetid FROM pg_temp.staged_target;

ANALYZE pg_temp.staged_affected, pg_temp.staged_gone;
