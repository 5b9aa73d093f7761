"""The record of a shard's downloads: what happened to each track, and whether the shard is due again.

Light: every shard's record is read at every start of Snakemake.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from songwise.files import digest, read_json

RECORD_FORMAT = 1  # of what `acquire_shard` writes; raise it when old records lack something that later steps need


def access_key(access: Mapping) -> str:
    """Return a hash of what else than its rows decides what a download gives, such as mirror, cookies and code.

    Records are shared and paths are private, so the hash is recorded and not the values.

    Parameters
    ----------
    access : mapping
        Names to values.
    """
    return digest(dict(access))


@dataclass(frozen=True)
class Record:
    """What an earlier run acquired for a shard.

    Attributes
    ----------
    content : dict or None
        What `acquire_shard` wrote; None if the shard was never tried.
    """

    content: dict | None

    def access(self, current: str) -> str:
        """Return the access key that the shard's downloads depend on.

        Another mirror, other cookies or other code are a reason to try again only if something failed: what arrived
        was checked by its sha256, wherever it came from.

        Parameters
        ----------
        current : str
            The `access_key` of this run.
        """
        if self.content is None:
            return current
        failed = any(row["status"] == "failed" for row in self.content["tracks"].values())
        return current if failed else self.content.get("access", "")  # records of earlier versions have none

    def attempt(self, now: float) -> int:
        """Return how often the shard was tried, this time included if one of its tracks is to be tried again by now.

        Parameters
        ----------
        now : float
            Seconds since 1970.
        """
        if self.content is None:
            return 1
        due = [row["again_at"] for row in self.content["tracks"].values() if "again_at" in row]
        return self.content.get("attempt", 1) + bool(due and now >= min(due))

    def is_due(self, now: float) -> bool:
        """Return whether the shard was never tried, or has a track that is to be tried again by now.

        Parameters
        ----------
        now : float
            Seconds since 1970.
        """
        return self.content is None or self.attempt(now) > self.content.get("attempt", 1)


def read_record(path: Path) -> Record:
    """Return the record that `acquire_shard` wrote, or an empty one if there is none.

    Parameters
    ----------
    path : Path
        The record of a shard (`paths.shard_record`).
    """
    return Record(read_json(path) if path.is_file() else None)
