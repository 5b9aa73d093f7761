"""Simulate how often a model is wrongly reported as different from the best, although all models are equally good.

    python benchmarks/comparisons.py [--worlds 200] [--models 19] [--accuracy 0.7]

In each simulated world, all models classify a song correctly with the same probability, which depends on the song. No
model is better than another, so every significant difference from the reference is a mistake. The reference is either
the model with the best accuracy, as in the leaderboard, or a model that is chosen in advance. For the latter, Holm's
method guarantees a mistake in at most 5 % of the worlds. It prints a Markdown table.
"""

import argparse

import numpy as np

from songwise.evaluation.bootstrap import SIGNIFICANT, compare


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=200)
    parser.add_argument("--models", type=int, default=19)
    parser.add_argument("--accuracy", type=float, default=0.7)
    options = parser.parse_args()
    print("| songs | reference | worlds with a mistake | models wrongly called different |\n|---|---|---|---|")
    for songs in (60, 140):
        differences = {"the best": [], "chosen in advance": []}
        for world in range(options.worlds):
            rng = np.random.default_rng([world, songs])
            ease = np.clip(rng.normal(options.accuracy, 0.2, songs), 0, 1)
            hits = (rng.random((options.models, songs)) < ease).astype(float)
            for name, reference in zip(differences, (hits.sum(axis=1).argmax(), 0), strict=True):
                differences[name].append(compare(hits, np.ones(songs), reference, seed=world) < SIGNIFICANT)
        for name, is_different in differences.items():
            mistakes = np.any(is_different, axis=1).mean()
            share = np.mean(is_different) * options.models / (options.models - 1)
            print(f"| {songs} | {name} | {mistakes:.0%} | {share:.1%} |", flush=True)


if __name__ == "__main__":
    main()
