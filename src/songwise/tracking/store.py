"""The MLflow store: how to open it, to create it safely and to notice that it is gone.

Snakemake calls `store_generation` and `shared_pointer` at every start, so only functions that open the store import
MLflow.
"""

import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from songwise import paths
from songwise.errors import InputError
from songwise.files import file_digest, read_json
from songwise.runtime.lock import exclusive
from songwise.runtime.mlflow_errors import explain, status_of, without_password
from songwise.runtime.mlflow_settings import FIRST_REQUEST, environment, mlflow_address, quiet_mlflow

if TYPE_CHECKING:
    from mlflow import MlflowClient

_DATABASE = Path("mlflow.db")  # MLflow's default, in the current folder
_DEFAULT_EXPERIMENT = "0"
_PAUSE = 2.0  # seconds between two attempts to reach a server
_RESTARTING = {None, 502, 503, 504}  # what a server that starts answers, itself or through its reverse proxy


@dataclass(frozen=True)
class Store:
    """An open MLflow store.

    Attributes
    ----------
    client : MlflowClient
        Client of the store.
    address : str
        The store's address without its password.
    is_shared : bool
        Whether others may write to it at the same time, because it is a server.
    """

    client: "MlflowClient"
    address: str
    is_shared: bool


@contextmanager
def open_store(patience: float = 0.0) -> Iterator[Store]:
    """Open MLflow's store, and create it if it is a SQLite file that does not exist.

    It is the store that MLflow itself would choose: MLFLOW_TRACKING_URI, or mlflow.db in the current folder. A SQLite
    store is locked, so that only one process writes to it.

    Parameters
    ----------
    patience : float, default=0.0
        Seconds to wait for a server that does not answer, because it may be starting again. Once it has answered,
        MLflow itself repeats requests for up to four minutes.

    Yields
    ------
    Store
        The store.

    Raises
    ------
    InputError
        If the store is damaged or cannot be reached.
    """
    with quiet_mlflow():
        import mlflow

        uri = mlflow_address()
        with environment({"MLFLOW_TRACKING_URI": uri}), _readable_errors(uri), _locked_database(uri):
            client = mlflow.MlflowClient(uri)
            _reach(client, uri, patience)
            yield Store(client, without_password(uri, uri), is_shared=not uri.startswith(("sqlite:", "file:")))


def store_generation(results: Path, uri: str | None) -> int:
    """Return a number that increases if the local store was deleted since the last logging.

    It is a parameter of the rule that logs runs, so that a deleted store is built again.

    Parameters
    ----------
    results : Path
        The folder of all results of a data set, which contains the record of the last logging (tracking.json).
    uri : str or None
        MLFLOW_TRACKING_URI. If it is None or empty, the store is mlflow.db in the current folder.

    Returns
    -------
    int
        1 if nothing was logged yet.
    """
    record = results / "tracking.json"
    if not record.is_file():
        return 1
    is_lost = not uri and not _DATABASE.is_file()
    return read_json(record)["generation"] + is_lost


def shared_pointer(dataset: str) -> str:
    """Return a hash of DVC's pointer to a shared data set, because sharing changes the tag data_version.

    Parameters
    ----------
    dataset : str
        Name of the data set.

    Returns
    -------
    str
        64 hexadecimal digits. Empty if the data set is not shared.
    """
    pointer = paths.pointer(dataset)
    return file_digest(pointer) if pointer.is_file() else ""


def _reach(client: "MlflowClient", uri: str, patience: float) -> None:
    from mlflow.exceptions import MlflowException

    end = time.monotonic() + patience
    line = f"MLflow {without_password(uri, uri)}: no answer yet, waiting up to {patience:.0f} s"
    while True:
        try:
            with environment(FIRST_REQUEST):
                client.search_experiments(max_results=1)
            return
        except MlflowException as error:
            if status_of(error) not in _RESTARTING or time.monotonic() + _PAUSE > end:
                raise
        if line:
            print(line, file=sys.stderr)
        line = ""
        time.sleep(_PAUSE)


@contextmanager
def _readable_errors(uri: str) -> Iterator[None]:
    """Turn errors of the store into one line with a remedy."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise InputError(f"MLflow store {without_password(uri, uri)}: {explain(error, uri)}") from None


@contextmanager
def _locked_database(uri: str) -> Iterator[None]:
    """Lock a SQLite store, and create it in one step.

    If two processes created a database at once, or if one was killed meanwhile, its tables would be incomplete, and
    MLflow could not repair them. So the database is created under another name and then renamed.
    """
    if not uri.startswith("sqlite:"):
        yield
        return
    from mlflow.store.tracking import DEFAULT_LOCAL_FILE_AND_ARTIFACT_PATH
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    from sqlalchemy import make_url

    database = Path(make_url(uri).database)
    with exclusive(database.with_name(f".{database.name}.lock")):
        if database.exists():
            # MLflow itself would retry for 100 s before it reports that a file is not a database.
            with closing(sqlite3.connect(database)) as connection:
                connection.execute("PRAGMA schema_version")
        else:
            new = database.with_name(f".{database.name}.new")
            new.unlink(missing_ok=True)
            store = SqlAlchemyStore(f"sqlite:///{new}", DEFAULT_LOCAL_FILE_AND_ARTIFACT_PATH)
            store.delete_experiment(_DEFAULT_EXPERIMENT)  # it is empty, and a data set's is never this one
            new.rename(database)
        yield
