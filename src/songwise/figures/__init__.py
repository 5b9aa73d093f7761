"""Figures, all on one canvas and with one palette."""
