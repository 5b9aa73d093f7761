"""Stage 1, acquire: every track becomes a local file, or a row with the reason why it is missing."""
