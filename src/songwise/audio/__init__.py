"""Audio files as samples: decoding in a sandbox, loudness, encoding facts and acoustic fingerprints."""
