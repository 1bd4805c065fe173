{# Targets whose photometry the staged tile brought and no longer does: which tile decides now. -#}
SELECT min(other.tileid) AS heir, gone.targetid
FROM {{ room }}.staged_gone AS gone
JOIN {{ schema }}.target AS other USING (targetid)
CROSS JOIN {{ room }}.staged_tile AS tile
GROUP BY gone.targetid, tile.tileid
HAVING min(other.tileid) > tile.tileid
ORDER BY heir, gone.targetid;
