"""Data sets and their track sheets: which tracks there are, what they are called, and how they are sharded."""
