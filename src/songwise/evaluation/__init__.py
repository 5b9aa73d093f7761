"""Stage 6, evaluation: metrics with intervals, song verdicts, the leaderboard."""
