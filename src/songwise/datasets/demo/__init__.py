"""Invented music: demo data that needs no network and has the same bits on every machine.

A recipe is a small catalogue of invented songs. Every label (a band or a genre) is a distribution over tempo, mode,
chords, instruments and mix. Each artist, album and song adds a deviation of its own. Two clips of one song are
therefore more similar than two songs of one label, as in real music. A model tested on songs that it was trained on
looks better than it is.

All arithmetic is on integers, from the random draws to the last sample. No CPU, maths library or numpy version can
change a bit. Only the lookup tables start as floats. They are rounded to integers, and no value is near a rounding tie.
"""
