"""Batch scripts: what jobs there are, their text, and their way to Slurm."""
