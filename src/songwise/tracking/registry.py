"""The champion in MLflow's model registry: `models:/DATASET@champion`, with one version per champion.

Each step looks first for what it would make. So registering again adds nothing, and it completes what a killed process
began.
"""

import tempfile
import warnings
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from songwise.errors import InputError
from songwise.files import digest
from songwise.paths import champion_folder
from songwise.predict.card import is_of_table, read_card
from songwise.predict.layout import PAGE
from songwise.predict.signature import INPUTS, OUTPUTS

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Run
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel
    from mlflow.models import ModelSignature

ALIAS = "champion"

_LOADER = "songwise.predict.pyfunc"
_KEY = "champion_key"  # tag of the logged model and of the version
_VARYING = ("reason", "milliseconds", "git_commit")  # of the card, and what its page repeats of them
_LONGEST = 5000  # characters of a description, in databases that enforce MLflow's limit
_SHORTENED = f"\n\n(shortened: the whole page is {PAGE} among the artifacts)"
_FIGURES = (
    "dataset", "title", "label", "classes", "model", "protocol", "n_songs", "song_accuracy", "song_accuracy_low",
    "song_accuracy_high", "corrected_song_accuracy", "guessing", "data_version", "run_key",
)  # fmt: skip


@dataclass(frozen=True)
class Champion:
    """The champion of a data set.

    Attributes
    ----------
    folder : Path
        The champion's folder.
    card : dict
        The model card.
    page : str
        The same as Markdown.
    key : str
        Hash of the card without measured times and the commit, so that the same champion, crowned again, is no new
        version. The card has the hashes of the model's files.
    """

    folder: Path
    card: dict
    page: str
    key: str


def read_champion(results: Path, run_keys: Collection[str]) -> Champion | None:
    """Read the champion of a data set.

    Parameters
    ----------
    results : Path
        Folder results/DATASET.
    run_keys : collection of str
        Keys of the runs of its leaderboard.

    Returns
    -------
    Champion or None
        None if the results have none, as those of earlier versions of songwise, or if it cannot listen to audio,
        because the data set is a table of features.

    Raises
    ------
    InputError
        If its folder is not complete, or belongs to another leaderboard.
    """
    folder = champion_folder(results)
    if not folder.is_dir() or is_of_table(folder):
        return None
    card = read_card(folder)
    if card["run_key"] not in run_keys:
        raise InputError(f"{folder}: belongs to an earlier leaderboard; run snakemake again")
    try:
        page = (folder / PAGE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{folder / PAGE}: cannot be read; delete {folder} and run snakemake again") from None
    return Champion(folder, card, page, _key_of(card))


def _key_of(card: Mapping) -> str:
    files = {name: checksum for name, checksum in card["files"].items() if name != PAGE}
    return digest({key: value for key, value in card.items() if key not in _VARYING} | {"files": files})


def register_champion(client: "MlflowClient", champion: Champion, run: "Run", *, is_shared: bool) -> str:
    """Register a champion as models:/DATASET@champion.

    Parameters
    ----------
    client : MlflowClient
        Client of the store.
    champion : Champion
        The champion.
    run : mlflow.entities.Run
        Its run, which is finished.
    is_shared : bool
        Whether another process may register the same champion at the same time (`store.Store`).

    Returns
    -------
    str
        Number of the version. It is an earlier one if the same champion was registered before.
    """
    name = champion.card["dataset"]
    if not is_shared:
        _delete_incomplete(client, champion, run)
    # What was made is looked for again: two processes that do this at once find the model and the version that came
    # first.
    if not _find_model(client, champion, run):
        _log_model(client, champion, run)
    model_id = _find_model(client, champion, run)
    registered = _open_registered_model(client, champion)
    if not _find_version(client, name, model_id):
        _create_version(client, champion, run, model_id)
    version = _find_version(client, name, model_id)
    for tag, value in _tags(champion, run).items():
        if version.tags.get(tag) != value:
            client.set_model_version_tag(name, version.version, tag, value)
    if str(registered.aliases.get(ALIAS)) != str(version.version):
        client.set_registered_model_alias(name, ALIAS, version.version)
    return str(version.version)


def _models(client: "MlflowClient", champion: Champion, run: "Run") -> Iterator[tuple["LoggedModel", bool]]:
    """Yield the logged models of a champion, and whether each is complete."""
    for model in client.search_logged_models(
        [run.info.experiment_id],
        filter_string=f"source_run_id = '{run.info.run_id}' AND tags.{_KEY} = '{champion.key}'",
    ):
        yield model, _is_complete(client, model)


def _find_model(client: "MlflowClient", champion: Champion, run: "Run") -> str | None:
    """Return the id of the complete logged model of a champion, the first of several."""
    models = [model for model, is_complete in _models(client, champion, run) if is_complete]
    first = min(models, key=lambda model: (model.creation_timestamp, model.model_id), default=None)
    return first and first.model_id


def _delete_incomplete(client: "MlflowClient", champion: Champion, run: "Run") -> None:
    for model, is_complete in _models(client, champion, run):
        if not is_complete:
            client.delete_logged_model(model.model_id)


def _is_complete(client: "MlflowClient", model: "LoggedModel") -> bool:
    # Of a store whose folder mlruns/ was deleted, only the database is left.
    return model.status.value == "READY" and bool(client.list_logged_model_artifacts(model.model_id))


def _log_model(client: "MlflowClient", champion: Champion, run: "Run") -> str:
    import mlflow.pyfunc
    from mlflow.entities import LoggedModelOutput
    from mlflow.models import Model

    model = client.create_logged_model(
        run.info.experiment_id, name=ALIAS, source_run_id=run.info.run_id, tags={_KEY: champion.key}
    )
    with tempfile.TemporaryDirectory(prefix="songwise-") as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that there is no example: one would be a path of this machine
        folder = Path(temporary, "model")
        # Not log_model: it would copy the run's metrics of the first fold, and show them as the model's.
        mlflow.pyfunc.save_model(
            folder,
            loader_module=_LOADER,
            data_path=str(champion.folder),
            mlflow_model=Model(
                artifact_path=model.artifact_location,
                run_id=run.info.run_id,
                model_uuid=model.model_id,
                model_id=model.model_id,
            ),
            metadata={name: champion.card[name] for name in _FIGURES},
            pip_requirements=_requirements(champion.card["versions"]),
            signature=_signature(),
        )
        client.log_model_artifacts(model.model_id, str(folder))
    client.log_outputs(run.info.run_id, [LoggedModelOutput(model.model_id, step=0)])
    client.finalize_logged_model(model.model_id, "READY")
    return model.model_id


def _requirements(versions: Mapping[str, str]) -> list[str]:
    # Without songwise: MLflow would install whatever a package index offers under this name.
    return [f"{library}=={version}" for library, version in versions.items() if library != "songwise"]


def _signature() -> "ModelSignature":
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    return ModelSignature(
        inputs=Schema([ColSpec(kind, name) for name, kind in INPUTS.items()]),
        outputs=Schema([ColSpec(kind, name) for name, kind in OUTPUTS.items()]),
    )


def _open_registered_model(client: "MlflowClient", champion: Champion) -> "RegisteredModel":
    """Return the data set's model in the registry, and create it if it does not exist."""
    from mlflow.exceptions import MlflowException

    name = champion.card["dataset"]
    about = (
        f"{champion.card['title']}: the model that songwise chose for new songs. "
        f'`songwise.load("models:/{name}@{ALIAS}")` loads it.'
    )
    try:
        return client.create_registered_model(name, description=about)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    return client.get_registered_model(name)


def _find_version(client: "MlflowClient", name: str, model_id: str) -> "ModelVersion | None":
    versions = client.search_model_versions(f"name = '{name}'")
    own = [version for version in versions if version.source == f"models:/{model_id}"]
    return min(own, key=lambda version: int(version.version), default=None)


def _create_version(client: "MlflowClient", champion: Champion, run: "Run", model_id: str) -> "ModelVersion":
    return client.create_model_version(
        champion.card["dataset"],
        source=f"models:/{model_id}",
        run_id=run.info.run_id,
        model_id=model_id,
        tags=_tags(champion, run),
        description=_description(champion.page),
        await_creation_for=0,
    )


def _tags(champion: Champion, run: "Run") -> dict[str, str]:
    card = champion.card
    return {
        "run_key": card["run_key"],
        "dataset": card["dataset"],
        "model": card["model"],
        "song_accuracy": f"{card['song_accuracy']:.4f}",
        "data_version": run.data.tags["data_version"],
        _KEY: champion.key,
    }


def _description(page: str) -> str:
    if len(page) <= _LONGEST:
        return page
    return page[: _LONGEST - len(_SHORTENED)].rpartition(" ")[0] + _SHORTENED
