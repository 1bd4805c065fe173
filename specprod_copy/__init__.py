"""Bulk COPY loader for DESI spectroscopic productions: FITS files into PostgreSQL."""

__version__ = "0.1.0"
