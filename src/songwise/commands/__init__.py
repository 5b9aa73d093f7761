"""The commands of `songwise`, one module each, imported only when the command runs."""
