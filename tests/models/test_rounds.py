"""Estimators that can stop early are registered once, and the registry is cheap to import."""

import importlib
import inspect
import subprocess
import sys

import pytest

from songwise.models import early_stopping
from songwise.models.rounds import ROUNDS


@pytest.mark.parametrize("estimator", ROUNDS)
def test_a_registered_estimator_has_its_rounds_parameter_and_its_loss_function(estimator):
    module, _, name = estimator.rpartition(".")
    parameter, losses = ROUNDS[estimator]
    assert parameter in getattr(importlib.import_module(module), name)().get_params()
    expected = inspect.signature(early_stopping.track_xgboost).parameters
    assert list(inspect.signature(getattr(early_stopping, losses)).parameters) == list(expected)


def test_the_registry_imports_nothing_heavy():
    code = (
        "import sys, songwise.models.rounds;"
        "sys.exit(' '.join({'numpy', 'sklearn', 'xgboost', 'pandas'} & sys.modules.keys()) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
