"""Stage 5, models: from a YAML file to predictions for unknown songs, and to a model to share."""
