"""Stage 4, splits: which clips train and which are tested, and the gate that checks that nothing leaks."""
