"""Signal processing of the feature engine: librosa's results, computed in fewer passes over the data.

Spectra are frame-major, shape (frames, bins), float32, so that a frame is contiguous in memory. Every function names
the librosa function that it equals, and tests/features compares them. librosa itself is not imported: together with
scipy.signal it takes longer to start than many clips take to extract.
"""
