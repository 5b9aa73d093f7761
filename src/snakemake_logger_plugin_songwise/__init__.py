"""Where Snakemake looks for the logger `songwise`, which profiles/default/config.yaml chooses."""

from songwise.terminal.handler import LogHandler

__all__ = ["LogHandler"]
