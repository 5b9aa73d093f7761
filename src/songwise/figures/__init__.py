"""Figures: each reads tables that other stages wrote and writes a PNG; all share one canvas and one palette."""
