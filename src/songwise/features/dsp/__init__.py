"""Signal processing of the feature engine: what librosa computes, in fewer passes over the data.

Spectra lie frame-major, shape (frames, bins), float32, so that a frame is contiguous. Every function names the
librosa function that it equals; tests/features/test_extract.py holds them to it.
"""
