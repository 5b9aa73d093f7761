"""Numba's cache is filled by one process while others wait."""

import os
import subprocess

from helpers.process import start


def test_one_process_compiles_while_others_wait(tmp_path):
    code = """
    import sys, time
    from songwise.runtime.numba_cache import fill_cache
    def run():
        print("run")
        time.sleep(0.5)
        print(time.time())
    fill_cache("step", run)
    print(time.time(), flush=True)
    """

    def printed() -> list[list[str]]:
        environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
        jobs = [start(code, tmp_path, stdout=subprocess.PIPE, env=environment) for _ in range(3)]
        return sorted((job.communicate()[0].split() for job in jobs), key=len)

    *others, (_, filled, _) = printed()
    assert [len(words) for words in others] == [1, 1]
    assert all(float(went_on) >= float(filled) for (went_on,) in others)
    assert [len(words) for words in printed()] == [1, 1, 1]
