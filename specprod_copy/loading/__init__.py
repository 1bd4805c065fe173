"""Create, plan, send, finish: stages of a production into tables."""
