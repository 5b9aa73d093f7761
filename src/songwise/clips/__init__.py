"""Stage 2, clips: tracks are inspected, quarantined if they are not music, and cut into clips."""
