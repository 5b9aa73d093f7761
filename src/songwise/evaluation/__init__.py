"""Stage 6, evaluation: song verdicts, metrics with intervals, the leaderboard."""
