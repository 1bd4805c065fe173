"""The server: connections, catalog, DDL, what columns accept, COPY data."""
