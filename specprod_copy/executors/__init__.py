"""What runs tasks: in what order, by which threads and processes."""
