"""The names of the files in a model's folder, such as results/NAME/champion."""

CARD = "card.json"
BUNDLE = "bundle"
NOVELTY = "novelty.npz"
NEIGHBOURS = "neighbours.npz"
TRACKS = "tracks.csv"
PAGE = "README.md"
TRACK_COLUMNS = ("track_id", "label", "song", "artist", "title", "seconds", "sha256")
