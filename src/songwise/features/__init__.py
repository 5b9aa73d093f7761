"""Stage 3, features: presets in, one row of numbers per clip out."""
