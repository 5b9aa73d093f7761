"""How often equally good models are said to differ from the best, in invented worlds.

    python benchmarks/comparisons.py [--worlds 200] [--models 19] [--accuracy 0.7]

In each world every model is right about a song with the same probability, which differs between easy and hard songs.
None is better than another, so every model that is told from the reference is a mistake. The reference is once the
model that came out best, as in the leaderboard, and once a model named beforehand, for which Holm's method promises a
mistake in 5 % of the worlds at most. Prints a Markdown table.
"""

import argparse

import numpy as np

from songwise.evaluation.bootstrap import SIGNIFICANT, compare


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=200)
    parser.add_argument("--models", type=int, default=19)
    parser.add_argument("--accuracy", type=float, default=0.7)
    asked = parser.parse_args()
    print("| songs | reference | worlds with a mistake | models told from it wrongly |\n|---|---|---|---|")
    for songs in (60, 140):
        told = {"the best": [], "named beforehand": []}
        for world in range(asked.worlds):
            rng = np.random.default_rng([world, songs])
            ease = np.clip(rng.normal(asked.accuracy, 0.2, songs), 0, 1)
            hits = (rng.random((asked.models, songs)) < ease).astype(float)
            for name, reference in zip(told, (hits.sum(axis=1).argmax(), 0), strict=True):
                told[name].append(compare(hits, np.ones(songs), reference, seed=world) < SIGNIFICANT)
        for name, found in told.items():
            mistakes, share = np.any(found, axis=1).mean(), np.mean(found) * asked.models / (asked.models - 1)
            print(f"| {songs} | {name} | {mistakes:.0%} | {share:.1%} |", flush=True)


if __name__ == "__main__":
    main()
