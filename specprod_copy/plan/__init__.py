"""Which rows of which files are loaded, and which are to be."""
