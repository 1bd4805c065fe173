"""Value-added catalogues: descriptions of FITS files, which become tables and their sources."""
