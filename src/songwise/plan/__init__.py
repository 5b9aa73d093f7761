"""The plan of a run: reads and checks the configuration before any work, and tells the Snakefile what to run."""
