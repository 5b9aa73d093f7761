"""Sharing data sets through DVC."""
