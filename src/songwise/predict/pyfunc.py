"""The champion as a model of MLflow: it takes paths of audio files, and returns one row per file.

MLflow imports this module, whose name is in the registered model, and calls `_load_pyfunc`. So the registered model
contains neither a pickle nor code.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from songwise.predict.answer import Answer
from songwise.predict.model import SongModel
from songwise.predict.signature import OUTPUTS

if TYPE_CHECKING:
    import pandas as pd

_NO_PATH = "failed", "unreadable: this is not the path of a file"


class ChampionPyfunc:
    """What MLflow calls.

    Parameters
    ----------
    model : SongModel
        The champion.
    """

    def __init__(self, model: SongModel):
        self.model = model

    def predict(self, model_input: Any, params: Mapping | None = None) -> "pd.DataFrame":
        """Classify files.

        Parameters
        ----------
        model_input : DataFrame or iterable of str
            Paths of audio files on the machine that runs the model, in a column `path` or as they are.
        params : mapping, optional
            MLflow's parameters. There are none.

        Returns
        -------
        DataFrame
            One row per path, in the same order, with the columns of OUTPUTS. A file that is not usable music has a
            status and a reason, an empty label, and None elsewhere.
        """
        import pandas as pd

        answers = [self._answer(path) for path in _paths(model_input)]
        # Of type object if a value is missing, because JSON has no NaN.
        return pd.DataFrame({name: _column([getattr(answer, name) for answer in answers]) for name in OUTPUTS})

    def _answer(self, path: Any) -> Answer:
        name = str(path).encode("utf-8", "replace").decode()  # a name that is not UTF-8 would break a table
        return self.model.answer(path, name) if _is_path(path) else Answer(name, *_NO_PATH)


def _load_pyfunc(data_path: str) -> ChampionPyfunc:
    """Return the model in a folder, which MLflow calls under this name.

    Parameters
    ----------
    data_path : str
        The champion's folder inside the registered model.

    Returns
    -------
    ChampionPyfunc
        Ready to listen.

    Raises
    ------
    InputError
        If the folder cannot be used.
    """
    return ChampionPyfunc(SongModel.read(Path(data_path)))


def _paths(model_input: Any) -> Iterable[Any]:
    import pandas as pd

    if isinstance(model_input, pd.DataFrame):
        return model_input["path"]
    return [model_input] if isinstance(model_input, str) else model_input


def _is_path(value: Any) -> bool:
    """Return whether the system could have a file of this name. A request may contain any text."""
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        return False
    try:
        os.fsencode(value)
    except UnicodeEncodeError:
        return False
    return True


def _column(values: list[Any]) -> np.ndarray | list[Any]:
    return np.array(values, dtype=object) if None in values else values
