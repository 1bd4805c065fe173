{# Note which targets the staged tile gives or takes spectra, and which are its potential targets no more. -#}
INSERT INTO {{ room }}.staged_affected (targetid)
SELECT targetid FROM {{ schema }}.ztile JOIN {{ room }}.staged_tile USING (tileid)
UNION
SELECT targetid FROM {{ room }}.staged_ztile;

INSERT INTO {{ room }}.staged_gone (targetid)
SELECT targetid FROM {{ schema }}.target JOIN {{ room }}.staged_tile USING (tileid)
EXCEPT
SELECT targetid FROM {{ room }}.staged_target;

{% if room == "pg_temp" %}
ANALYZE {{ room }}.staged_affected, {{ room }}.staged_gone;
{% endif %}
