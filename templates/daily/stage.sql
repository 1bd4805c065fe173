-- Targets whose spectra come or go, and those that are no potential targets of the tile any more.
CREATE TEMPORARY TABLE staged_affected (targetid bigint NOT NULL) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE staged_gone (targetid bigint NOT NULL) ON COMMIT DELETE ROWS;
