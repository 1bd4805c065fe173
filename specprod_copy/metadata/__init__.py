"""What columns mean: descriptions, units and UCDs, for whoever hands values out."""
