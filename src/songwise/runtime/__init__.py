"""What every job and command runs in: its log, progress, the folder's lock, and the provenance of code."""
