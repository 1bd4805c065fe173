"""Results of queries: described, fetched, and written to files."""
