"""What MLflow's errors mean, for the person who ran a command, and which of them another user's work explains."""

import re
from urllib.parse import urlsplit

_LOGIN = (
    "the server does not accept this user name and password. Set MLFLOW_TRACKING_USERNAME and "
    "MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
)
_DENIED = (
    "the server does not permit this user to do that. Ask its administrator for the permission EDIT on this experiment "
    "and on this registered model (docs/team.md)"
)
_HOST = (
    "the server refuses requests to the name {host}. Its administrator adds it to MLFLOW_SERVER_ALLOWED_HOSTS "
    "(docs/team.md)"
)
_TOO_LARGE = (
    "a file is larger than the server accepts. Its administrator raises the limit of the reverse proxy (docs/team.md)"
)
_CERTIFICATE = (
    "the server's certificate cannot be verified. If your organisation has a certificate authority of its own, set "
    "MLFLOW_TRACKING_SERVER_CERT_PATH to its file"
)
_FAULT = (
    "the server answers with an error ({status}). Its log has the reason. Run the same command again when it works: "
    "what is logged already is kept"
)
_SILENT = (
    "check that the server is running, or unset MLFLOW_TRACKING_URI to log into this folder. The same command "
    "continues: what is logged already is kept"
)
_LOCAL = (
    "if it is damaged or was written by an older MLflow, move it away and run again: the runs are logged again from "
    "results/"
)
_STATUS = re.compile(r"error code (\d{3}) !=|too many (\d{3}) error|\b([45]\d\d) (?:Client|Server) Error")
_STATUS_OF_CODE = {"UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403}
_TAKEN = ("UNIQUE constraint failed", "duplicate key value")  # SQLite and PostgreSQL: another process was first
_CONFLICTS = {"RESOURCE_ALREADY_EXISTS", "RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "INVALID_STATE"}


def explain(error: Exception, uri: str) -> str:
    """Return what is wrong with an MLflow store, and what to do.

    Parameters
    ----------
    error : Exception
        An error that MLflow, its database or a request to its server raised.
    uri : str
        The store's address.

    Returns
    -------
    str
        One line. It has no password.
    """
    reason = str(error).partition("\n")[0]
    if uri.startswith(("sqlite:", "file:")):
        return f"{reason}; {_LOCAL}"
    return without_password(uri, _explain_answer(reason, status_of(error), uri))


def status_of(error: Exception) -> int | None:
    """Return the HTTP status of a server's answer, or None if it did not answer.

    Parameters
    ----------
    error : Exception
        An error of MLflow's client.
    """
    found = _STATUS.search(str(error))
    if found:
        return int(next(digits for digits in found.groups() if digits))
    return _STATUS_OF_CODE.get(getattr(error, "error_code", ""))


def is_denied(error: Exception) -> bool:
    """Return whether a server says that this user lacks a permission.

    Parameters
    ----------
    error : Exception
        An error of MLflow's client.
    """
    return status_of(error) == 403


def is_conflict(error: Exception) -> bool:
    """Return whether somebody else may have changed or deleted something meanwhile, so that another attempt may help.

    Parameters
    ----------
    error : Exception
        An error of MLflow's client.
    """
    return getattr(error, "error_code", "") in _CONFLICTS or any(words in str(error) for words in _TAKEN)


def without_password(uri: str, text: str) -> str:
    """Return a text without the password of an address in it.

    Parameters
    ----------
    uri : str
        The address.
    text : str
        The text.
    """
    password = urlsplit(uri).password
    return text.replace(f":{password}@", "@") if password else text


def _explain_answer(reason: str, status: int | None, uri: str) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        return _CERTIFICATE
    if status == 401:
        return _LOGIN
    if status == 403:
        return _HOST.format(host=urlsplit(uri).hostname) if "Invalid Host header" in reason else _DENIED
    if status == 413:
        return _TOO_LARGE
    if status is not None and status >= 500:
        return _FAULT.format(status=status)
    return f"{reason}; {_SILENT}"
