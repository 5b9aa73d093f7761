"""Stage 2, clips: inspect tracks, quarantine unusable ones, and cut the good ones into clips."""
