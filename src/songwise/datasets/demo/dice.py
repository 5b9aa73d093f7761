"""Random integers that no library version can change."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import TypeVar

Item = TypeVar("Item")


class Dice:
    """A stream of random integers from SHA-256.

    Parameters
    ----------
    *key : object
        Parts of the key, joined as text. Equal keys give equal streams.
    """

    def __init__(self, *key: object) -> None:
        self._key = "\n".join(map(str, key))
        self._draws = 0

    def below(self, stop: int) -> int:
        """Return an integer from 0 to `stop` - 1."""
        self._draws += 1
        digest = hashlib.sha256(f"{self._key}\n{self._draws}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % stop

    def between(self, low: int, high: int) -> int:
        """Return an integer from `low` to `high`, both included."""
        return low + self.below(high - low + 1)

    def deviate(self, width: int) -> int:
        """Return an integer from -`width` to `width`, distributed as a triangle: most draws are near zero."""
        return self.between(-width, 0) + self.between(0, width)

    def choose(self, options: Sequence[Item]) -> Item:
        """Return one of the options, all equally likely."""
        return options[self.below(len(options))]

    def choose_weighted(self, weights: Mapping[str, int]) -> str:
        """Return one of the names, each as likely as its weight."""
        return self.choose([name for name, weight in weights.items() for _ in range(weight)])

    def shuffle(self, items: Sequence[Item]) -> list[Item]:
        """Return the items in random order."""
        remaining = list(items)
        return [remaining.pop(self.below(len(remaining))) for _ in items]
