"""Single tiles: load, update and remove them while the database is in use."""
