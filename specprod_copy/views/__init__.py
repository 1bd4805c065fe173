"""Views that put productions side by side."""
