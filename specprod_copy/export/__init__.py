"""Tables as other systems keep them, from files or from a loaded schema."""
