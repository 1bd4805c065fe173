"""The rows of one tile of a daily production, from its files; without a database."""
