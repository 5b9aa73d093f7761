"""The plan of a run: config read and checked before any work, and what the Snakefile needs from it."""
