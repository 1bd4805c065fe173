"""DESI knowledge without files or database: ids, names, productions and where their files lie."""
