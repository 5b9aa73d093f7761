"""Import skops in half the time: most of it goes into a list of names that depends on scikit-learn's version alone.

skops trusts scikit-learn's public estimators, and to name them it imports every module of scikit-learn and, where torch
is installed, torch. The names are kept in the user's cache instead. skops ends up with the same list in either case.
"""

import re
import sys
from contextlib import suppress
from importlib.metadata import version

from songwise.files import digest, read_json, write_json
from songwise.paths import cache_folder

_NAME = re.compile(r"sklearn(\.\w+)+")


def import_skops() -> None:
    """Import skops.io, with the names of scikit-learn's estimators from the cache if it has them."""
    if "skops.io" in sys.modules:
        return
    import sklearn.utils

    cache = cache_folder() / "estimators" / f"{digest([version('scikit-learn'), version('skops')])}.json"
    names = _read(cache)
    if names is None:
        from skops.io import _trusted_types

        with suppress(OSError, AttributeError):  # the next start is slow again
            write_json(cache, _trusted_types.SKLEARN_ESTIMATOR_TYPE_NAMES)
        return
    list_estimators = sklearn.utils.all_estimators
    sklearn.utils.all_estimators = lambda: [(name, _named(name)) for name in names]
    try:
        import skops.io  # noqa: F401
    finally:
        sklearn.utils.all_estimators = list_estimators


def _read(path) -> list[str] | None:
    with suppress(OSError, ValueError):
        names = read_json(path)
        if isinstance(names, list) and all(isinstance(name, str) and _NAME.fullmatch(name) for name in names):
            return names
    return None


def _named(name: str) -> type:
    """Return a class that skops gives this name."""
    module, _, own = name.rpartition(".")
    return type(own, (), {"__module__": module})
