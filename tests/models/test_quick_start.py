"""skops trusts the same types, whether the names of estimators are listed anew or come from the cache."""

import os
import subprocess
import sys

_CODE = """
import sys
from songwise.models.quick_start import import_skops
import_skops()
from skops.io import _trusted_types
import sklearn.utils
print(sorted(_trusted_types.SKLEARN_ESTIMATOR_TYPE_NAMES), sklearn.utils.all_estimators.__module__)
print(len(sys.modules))
"""


def run(cache, code=_CODE):
    environment = os.environ | {"XDG_CACHE_HOME": str(cache)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_the_cache_changes_nothing_but_what_is_imported_and_a_forged_one_is_ignored(tmp_path):
    first, many = run(tmp_path)
    again, fewer = run(tmp_path)
    assert first == again and int(fewer) < 0.9 * int(many)
    assert "sklearn.linear_model._logistic.LogisticRegression" in first
    (cache,) = tmp_path.rglob("*.json")
    cache.write_text('["os.system"]')
    assert run(tmp_path)[0] == first
