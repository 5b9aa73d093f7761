"""The columns of the tables of tracks and clips."""


TRACK_COLUMNS = (
    *("track_id", "label", "song", "artist", "status", "reason"),
    *("seconds", "sha256", "audio_sha256"),
    *FACTS,
    *("title", "url"),  # as the site has them that a search found the track on
)


CLIP_COLUMNS = ("clip_id", "track_id", "start", "seconds", "status", "reason")


FACTS = ("codec", "bit_rate", "sample_rate", "channels", "loudness", "peak", "cutoff", "side")
