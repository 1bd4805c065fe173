"""From a frame as in the file to a frame as in the table."""
