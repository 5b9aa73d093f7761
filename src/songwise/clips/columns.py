"""Columns of the tables of tracks and clips."""

# How a file was encoded and mastered (`audio.encoding.encoding_facts`).
FACTS = ("codec", "bit_rate", "sample_rate", "channels", "loudness", "peak", "cutoff", "side")
TRACK_COLUMNS = (
    *("track_id", "label", "song", "artist", "status", "reason"),
    *("seconds", "sha256", "audio_sha256"),
    *FACTS,
    *("title", "url"),  # as the website states them, for tracks that a search found
)
CLIP_COLUMNS = ("clip_id", "track_id", "start", "seconds", "status", "reason")
