"""The same as the command `songwise`, as `python -m songwise`."""

from songwise.cli import run

if __name__ == "__main__":
    run()
