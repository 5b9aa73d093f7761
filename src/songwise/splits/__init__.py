"""Stage 4, splits: who is tested when, and the gate that recomputes what must stay together."""
