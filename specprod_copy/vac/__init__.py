"""Value-added catalogues: descriptions of FITS files become tables and their sources."""
