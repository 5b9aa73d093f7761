"""MLflow as songwise uses it: which store, and quietly. For what writes into the store and for what reads from it.

MLflow itself is imported on use, because that takes seconds.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote

_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # No connection outlives its query. Otherwise, this process would write to a deleted file if the store is deleted
    # and created again in the meantime.
    "MLFLOW_SQLALCHEMYSTORE_POOLCLASS": "NullPool",
}
# MLflow retries for minutes, which suits a busy server but not a wrong address: the first request is tried only once.
FIRST_REQUEST = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}


def mlflow_address() -> str:
    """Return the store that MLflow itself would choose: MLFLOW_TRACKING_URI, or mlflow.db in the current folder."""
    import mlflow

    uri = mlflow.get_tracking_uri()
    # MLflow quotes its default but does not unquote it: "my music/" would log into a new folder "my%20music/".
    return uri if mlflow.is_tracking_uri_set() else unquote(uri)


@contextmanager
def quiet_mlflow() -> Iterator[None]:
    """Turn off MLflow's telemetry, progress bars and log, because its errors are raised and reported once."""
    with environment(_ENVIRONMENT):
        import mlflow  # noqa: F401  (its import sets the log levels that are changed here)

        loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
        levels = [logger.level for logger in loggers]
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


@contextmanager
def environment(variables: dict[str, str]) -> Iterator[None]:
    """Set environment variables, and restore them at the end.

    Parameters
    ----------
    variables : dict of str to str
        Their values by name.
    """
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
