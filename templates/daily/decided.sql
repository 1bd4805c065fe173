{# Of the tiles that share a target the one of the lowest number decides on its photometry, in whatever order they come. -#}
DELETE FROM {{ room }}.staged_photometry AS new
WHERE EXISTS (
    SELECT 1 FROM {{ schema }}.target AS known
    WHERE known.targetid = new.targetid
      AND known.tileid < (SELECT tileid FROM {{ room }}.staged_tile)
);
