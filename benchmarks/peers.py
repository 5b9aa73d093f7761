"""Run another feature extractor as a child process of benchmarks/extraction.py, in an environment of its own.

    python benchmarks/peers.py NAME

It reads one path of a WAV file per line and answers each with one line of JSON: `wall` and `cpu` in seconds, and the
number of `columns`. Its first line reports that it is ready. It imports only the standard library and the extractor.
"""

import json
import os
import sys
import time
from collections.abc import Callable


def opensmile_set(name: str) -> Callable[[str], int]:
    """Return a function that computes openSMILE's functionals of a feature set for a whole file."""
    import opensmile

    smile = opensmile.Smile(feature_set=opensmile.FeatureSet[name], feature_level=opensmile.FeatureLevel.Functionals)
    return lambda path: smile.process_file(path).shape[1]


def essentia_music() -> Callable[[str], int]:
    """Return a function that runs Essentia's MusicExtractor with its default settings."""
    import essentia

    essentia.log.infoActive = essentia.log.warningActive = False
    import essentia.standard

    extractor = essentia.standard.MusicExtractor()

    def run(path: str) -> int:
        pool, _ = extractor(path)
        names = {name for name in pool.descriptorNames() if not name.startswith("metadata.")}
        values = [pool[name] for name in names - {"rhythm.beats_position"}]  # one value per beat
        return sum(getattr(value, "size", 1) for value in values if not isinstance(value, str | list))

    return run


PEERS = {
    "emobase": lambda: opensmile_set("emobase"),
    "ComParE_2016": lambda: opensmile_set("ComParE_2016"),
    "MusicExtractor": essentia_music,
}


def main(name: str) -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # the extractor's own output must not mix with the answers
    run = PEERS[name]()
    print(json.dumps({"ready": name}), file=answers)
    for line in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        columns = run(line.rstrip("\n"))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(json.dumps({"wall": wall, "cpu": cpu, "columns": columns}), file=answers)


if __name__ == "__main__":
    main(sys.argv[1])
