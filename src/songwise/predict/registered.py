"""A model in MLflow's registry, such as models:/NAME@champion, as a folder on this machine."""

import atexit
import shutil
import tempfile
from pathlib import Path

from songwise.errors import InputError
from songwise.predict.layout import CARD
from songwise.runtime.mlflow_errors import explain, status_of, without_password
from songwise.runtime.mlflow_settings import FIRST_REQUEST, environment, mlflow_address, quiet_mlflow

REGISTRY = "models:/"

_SQLITE = "sqlite:///"
_PLACES = (CARD, f"*/{CARD}", f"data/*/{CARD}")  # the last is where MLflow puts the folder


def fetch_registered(uri: str) -> Path:
    """Return a copy of the folder of a model in MLflow's registry.

    Parameters
    ----------
    uri : str
        models:/NAME@champion, or models:/NAME/VERSION.

    Returns
    -------
    Path
        A model's folder, which is removed when Python ends.

    Raises
    ------
    InputError
        If there is no such model, if the store cannot be reached, or if the model is not one of songwise.
    """
    copy = Path(tempfile.mkdtemp(prefix="songwise-"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    _download(uri, copy)
    found = next((path.parent for place in _PLACES for path in sorted(copy.glob(place)) if path.is_file()), None)
    if found is None:
        raise InputError(f"{uri}: is not a champion of songwise ({CARD} is missing)")
    return found


def _download(uri: str, folder: Path) -> None:
    with quiet_mlflow():
        import mlflow
        from sqlalchemy.exc import SQLAlchemyError

        address = mlflow_address()
        try:
            # MLflow would create the database.
            if address.startswith(_SQLITE) and not Path(address.removeprefix(_SQLITE)).is_file():
                raise FileNotFoundError(f"there is no {address.removeprefix(_SQLITE)}")
            with environment({"MLFLOW_TRACKING_URI": address}):
                with environment(FIRST_REQUEST):
                    mlflow.MlflowClient(address).search_registered_models(max_results=1)
                mlflow.artifacts.download_artifacts(uri, dst_path=str(folder))
        except (mlflow.MlflowException, SQLAlchemyError, OSError) as error:
            if status_of(error) is not None:
                raise InputError(f"{uri}: {explain(error, address)}") from None
            reason = without_password(address, str(error).partition("\n")[0])
            raise InputError(
                f"{uri}: MLflow cannot find it ({reason}). Run snakemake first, or set MLFLOW_TRACKING_URI to the "
                "server that has it"
            ) from None
