"""Stage 5, models: a YAML file in, out-of-fold predictions and a refitted bundle out."""
