"""Stage 8, report: one self-contained page per data set."""
