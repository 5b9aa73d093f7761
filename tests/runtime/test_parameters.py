"""Snakemake records our parameters as it would with pandas, and does not import it."""

from types import SimpleNamespace

import pytest
from snakemake.persistence import PersistenceBase

from songwise.runtime.parameters import record_plain_values

BUILTIN = PersistenceBase._serialize_param_builtin
PERSISTENCE = SimpleNamespace(_serialize_param_builtin=lambda value: BUILTIN(None, value))


@pytest.mark.parametrize("value", [None, 1, 0.5, "by-song", ["a", 1], {"folds": 5, "held_out": None}, True])
def test_plain_values_are_recorded_as_snakemake_records_them(value):
    record_plain_values()
    recorded = PersistenceBase._serialize_param.fget(PERSISTENCE)(value)
    assert recorded == repr(value) == PersistenceBase._serialize_param_pandas(PERSISTENCE, value)
