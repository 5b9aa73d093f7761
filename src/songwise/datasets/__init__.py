"""Data sets: which tracks exist, their labels and songs, and where their audio comes from."""
