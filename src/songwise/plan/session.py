"""The start of a run: everything checked before any job, and what the rules need to know about it.

Light: this happens at every start of Snakemake, also for `snakemake -n`.
"""

import atexit
import shutil
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from songwise.acquire.archives import wanted_digest
from songwise.acquire.download import check_mirror
from songwise.acquire.metadata import prepare
from songwise.acquire.record import Record, access_key, read_record
from songwise.acquire.youtube import check_videos
from songwise.datasets.metadata import missing
from songwise.datasets.shard_files import write_shards
from songwise.datasets.shards import columns_digest, deal, rows_digest
from songwise.datasets.sheet import read_tracks
from songwise.datasets.track import Track
from songwise.errors import InputError, access_denied, disk_full, is_disk_full, suggestion
from songwise.features.presets import preset_key
from songwise.files import read_json
from songwise.models.trained_networks import NETWORK_CODE, NETWORK_LIBRARIES, is_network
from songwise.paths import (
    CLIPS,
    DECODED,
    FEATURES,
    RAW,
    ROWS,
    Run,
    archives_record,
    audio_folder,
    clip_tables,
    feature_table,
    frame_table,
    results_folder,
    shard_record,
)
from songwise.plan.kept import Kept, find_kept
from songwise.plan.passes import passes, shards_missing
from songwise.plan.plan import Plan, load_plan
from songwise.plan.run_params import run_params
from songwise.plan.weights import provide_weights
from songwise.runtime.clock import end_future
from songwise.runtime.forked_scripts import fork_scripts
from songwise.runtime.lock import Claim, claim, end_in_words
from songwise.runtime.parameters import record_plain_values
from songwise.runtime.provenance import code_of
from songwise.runtime.records import repeat_unrecorded
from songwise.runtime.scheduling import rest_between_jobs
from songwise.schemas.card import BEST, CHEAPEST_TIED
from songwise.splits.protocols import choose, sheet_columns

_LOOKING = {"-n", "--dry-run", "--dryrun", "--lint", "--report", "--unlock", "--dag", "--rulegraph", "--filegraph"}
_LOOKING |= {"--summary", "-S", "--detailed-summary", "-D", "--list-rules", "--list", "-l", "--help", "-h"}


def is_real_run(words: Collection[str]) -> bool:
    """Return whether a command line of Snakemake executes jobs, which Snakemake decides after it reads the Snakefile.

    Parameters
    ----------
    words : collection of str
        The words of the command, such as sys.argv.
    """
    return not any(_option(word) in _LOOKING or word.startswith("-n") for word in words)


def is_report(words: Collection[str]) -> bool:
    """Return whether a command line of Snakemake writes Snakemake's report.

    Parameters
    ----------
    words : collection of str
        The words of the command, such as sys.argv.
    """
    return any(_option(word) == "--report" for word in words)


def _option(word: str) -> str:
    return word.partition("=")[0]


@dataclass(frozen=True)
class Session:
    """What the rules know of a run.

    Attributes
    ----------
    plan : Plan
        The checked configuration, with its protocols chosen.
    tracks : list of Track
        The track sheet.
    shards : dict of int to list of Track
        The tracks of each shard that has any.
    records : dict of int to Record
        What earlier runs acquired for each shard, read once: Snakemake removes a record when its job starts.
    started : float
        Seconds since 1970.
    lock : Claim or None
        Held until the process ends, if this is a real run.
    missing : dict of str to tuple of int
        For each preset with tables of its own, the shards that it has no up-to-date table of.
    """

    plan: Plan
    tracks: list[Track]
    shards: dict[int, list[Track]]
    records: dict[int, Record]
    started: float
    lock: Claim | None
    missing: dict[str, tuple[int, ...]]

    @property
    def dataset(self) -> str:
        """Name of the data set."""
        return self.plan.dataset["name"]

    @property
    def source(self) -> str:
        """Type of the data set's source."""
        return self.plan.dataset["source"]["type"]

    @property
    def has_audio(self) -> bool:
        """Whether there is audio; a table of features has none."""
        return self.source != "table"

    @cached_property
    def kept(self) -> Kept:
        """The models of earlier runs, which are ranked too if they are up to date."""

        def params_of(plan: Plan) -> dict[str, dict]:
            return run_params(plan, self.tracks, replace(self, plan=plan).figures_code())

        def missing(plan: Plan) -> list[str]:
            return [name for name in plan.tables if not all(table.is_file() for table in self._tables(plan, name))]

        def outdated(plan: Plan) -> list[str]:
            if not self.has_audio:  # one job writes both, so the features have the time of the clips
                return []
            return [name for name, shards in missing_shards(plan, self.shards).items() if shards]

        return find_kept(self.plan, params_of, missing, outdated)

    def _tables(self, plan: Plan, preset: str) -> list[Path]:
        key = preset_key(plan.tables[preset])
        return [feature_table(plan.dataset["name"], preset, key, shard) for shard in self.shards]

    @property
    def ranked(self) -> Plan:
        """The plan with all rows of the leaderboard."""
        return self.kept.ranked

    @property
    def presets(self) -> dict[str, dict]:
        """The presets of this run without their titles, from which no figure follows."""
        return presets_of(self.plan)

    def about_data(self) -> dict[str, object]:
        """Return what a model card says about the data and the settings of the run."""
        dataset = self.plan.dataset
        licenses = Counter(track.license for track in self.tracks if track.license)
        stated = [dataset["license"]] if dataset.get("license") else []
        return {
            "title": dataset.get("title", dataset["name"]),
            "licenses": [name for name, _ in licenses.most_common()] or stated,
            **{key: dataset.get(key) for key in ("citation", "homepage")},
            **{key: dataset[key] for key in ("label", "clip", "max_seconds")},
            "protocol": self.plan.protocols[0],
            "seed": self.plan.settings["seed"],
        }

    def rows_digest(self, shard: int) -> str:
        """Return what changes if a row of a shard, or one of its local files, does."""
        return rows_digest(self.shards[shard])

    def columns_digest(self, columns: Sequence[str]) -> str:
        """Return what changes if one of these columns of the sheet does."""
        return columns_digest(self.tracks, list(columns))

    def split_columns_digest(self) -> str:
        """Return what changes if a column that the protocols depend on does."""
        return self.columns_digest(sheet_columns(self.plan.protocols))

    def access(self, shard: int) -> str:
        """Return what a shard's downloads depend on besides its rows, if something of it is missing."""
        return self.records[shard].access(self._access)

    def attempt(self, shard: int) -> int:
        """Return how often a shard was tried, this time included if it is due."""
        return self.records[shard].attempt(self.started)

    def wanted_members(self) -> str:
        """Return what changes if an archive, or what is to be taken out of the archives, does; "" without archives."""
        return wanted_digest(self.plan.dataset, self.tracks) if self.source == "archive" else ""

    def archives_code(self) -> str:
        """Return a hash of the code that unpacks archives; of the code that did, if nothing is missing."""
        record = archives_record(self.dataset)
        known = read_json(record) if record.is_file() else {"lacking": True}
        return code_of("acquire.archives") if known["lacking"] else known.get("code", "")

    @cached_property
    def _access(self) -> str:
        module = "acquire.youtube" if self.source == "youtube" else "acquire.download"
        settings = self.plan.settings
        return access_key({"mirror": settings["mirror"], "cookies": settings["cookies"], "code": code_of(module)})

    def synthesis_code(self) -> str:
        """Return a hash of the code that invents the music, if the source is synthetic."""
        return code_of("datasets.demo.synth") if self.source == "synthetic" else ""

    def feature_files(self, presets: Collection[str]) -> list[str]:
        """Return the tables of these presets, with wildcards for data set and shard."""
        return [str(feature_table("{dataset}", name, self._key(name), "{shard}")) for name in presets]

    def frame_files(self, presets: Collection[str]) -> list[str]:
        """Return the frame matrices of those of these presets that ask for them, with the same wildcards."""
        names = [name for name in presets if "frames" in self._table_preset(name)]
        return [str(frame_table("{dataset}", name, self._key(name), "{shard}")) for name in names]

    def passes(self, step: str) -> dict[str, list[str]]:
        """Return the rules of "extract_features" or of "embed_clips", and the presets of each (`plan.passes`)."""
        embedding = step == "embed_clips"
        own = [name for name in self.plan.tables if self.has_network(name) == embedding]
        return passes(step, {name: self.missing[name] for name in own})

    def has_network(self, preset: str) -> bool:
        """Return whether a preset with tables of its own is one of a network."""
        return "network" in self.plan.tables[preset]

    def training_code(self, run: Run) -> str:
        """Return a hash of the code and libraries that fit a model, its estimator's own library included."""
        return self._code("models.fuse" if str(run) in self.plan.fused else "models.cross_validation", run)

    def inner_code(self, run: Run) -> str:
        """Return the same for a model's predictions on inner folds."""
        return self._code("models.inner_predictions", run)

    def _code(self, module: str, run: Run) -> str:
        model = self.plan.model_of(str(run))
        return code_of(module, *estimator_modules(model), libraries=estimator_libraries(model))

    def figures_code(self) -> dict[str, str]:
        """Return for each MODEL@PRESET a hash of all code and libraries that its figures depend on."""
        modules = ["clips.inspect", "clips.cut", "features.extract", "splits.make", "models.cross_validation"]
        models = {str(run): self.plan.model_of(str(run)) for run in self.plan.runs}
        return {
            run: code_of(
                *modules,
                *(["features.embedding"] if self._has_embeddings(run) else []),
                *(["models.inner_predictions", "models.fuse"] if run in self.plan.fused else []),
                *estimator_modules(model),
                "evaluation.evaluate",
                libraries=estimator_libraries(model),
            )
            for run, model in models.items()
        }

    def _has_embeddings(self, run: str) -> bool:
        return any(self.has_network(preset) for preset in self.plan.parts[Run.parse(run).preset])

    def _key(self, preset: str) -> str:
        return preset_key(self._table_preset(preset))

    def _table_preset(self, name: str) -> dict:
        # Of this run first: finding the models of earlier runs takes a moment, and most jobs need none of them.
        return self.plan.tables[name] if name in self.plan.tables else self.ranked.tables[name]


def presets_of(plan: Plan) -> dict[str, dict]:
    """Return the presets of a plan by name, without their titles, from which no figure follows.

    Parameters
    ----------
    plan : Plan
        The checked configuration.
    """
    return {name: plan.extracted_preset(name) for name in plan.presets | plan.tables}


def missing_shards(plan: Plan, shards: Collection[int]) -> dict[str, tuple[int, ...]]:
    """Return, for each preset with tables of its own, the shards that it has no up-to-date table of.

    Parameters
    ----------
    plan : Plan
        The checked configuration.
    shards : collection of int
        The shards that have any tracks.

    Returns
    -------
    dict of str to tuple of int
        In the order of `shards`.
    """
    dataset = plan.dataset["name"]
    clips = {shard: clip_tables(dataset, shard)[1] for shard in shards}
    keys = {name: preset_key(preset) for name, preset in plan.tables.items()}
    return {
        name: shards_missing({shard: feature_table(dataset, name, key, shard) for shard in shards}, clips)
        for name, key in keys.items()
    }


def estimator_libraries(model: Mapping) -> tuple[str, ...]:
    """Return the libraries of a model's estimator and of those of its members, which are imported by name.

    Parameters
    ----------
    model : mapping
        What a model is fitted by (`Plan.model_of`).

    Returns
    -------
    tuple of str
        Top-level packages, such as "xgboost".
    """
    own = NETWORK_LIBRARIES if is_network(model) else ()
    return tuple(sorted({name.partition(".")[0] for name in _estimators(model)} - {"songwise"} | set(own)))


def estimator_modules(model: Mapping) -> tuple[str, ...]:
    """Return the modules of songwise's own estimators in a model and its members, which are imported by name.

    Parameters
    ----------
    model : mapping
        What a model is fitted by (`Plan.model_of`).

    Returns
    -------
    tuple of str
        Names for `code_of`, such as "models.fusion".
    """
    if is_network(model):
        return NETWORK_CODE
    own = [name for name in _estimators(model) if name.startswith("songwise.")]
    return tuple(sorted({name.removeprefix("songwise.").rpartition(".")[0] for name in own}))


def _estimators(model: Mapping) -> list[str]:
    parts = [model, *model["members"].values(), *([model["final"]] if model["final"] else [])]
    return [part["estimator"] for part in parts]


def open_session(config: Mapping, *, real: bool, say: Callable[[str], None]) -> Session:
    """Check everything that a run needs, and claim the folder for it.

    Parameters
    ----------
    config : mapping
        The keys of config/config.yaml, with what --config changed.
    real : bool
        Whether jobs will be executed. Only then are lists and metadata fetched and rows written for the shards.
    say : callable
        Is given lines for the person at the keyboard.

    Returns
    -------
    Session
        For the rules.

    Raises
    ------
    InputError
        Naming the file and key that cannot be used, or saying that the disk is full or read-only.
    """
    record_plain_values()
    repeat_unrecorded()
    rest_between_jobs()
    fork_scripts()
    try:
        return _open(config, real, say)
    except OSError as error:
        message = disk_full(Path()) if is_disk_full(error) else access_denied(error)
        if not message:
            raise
        raise InputError(message) from None


def _open(config: Mapping, real: bool, say: Callable[[str], None]) -> Session:
    plan = load_plan(config, Path())
    check_mirror(plan.settings["mirror"])
    lock = None
    if real:
        end_in_words(Path())
        lock = claim(Path())
        _end_future(plan)
        _clear_decoded()
        atexit.register(_clear_decoded)
    _prepare_tracks(plan, real, say)
    tracks = read_tracks(plan.dataset, plan.dataset_path, Path(), say=say)
    protocols = choose(plan.settings, plan.dataset["split"], tracks, plan.dataset_path)
    check_shown(plan.settings["show_tracks"], tracks)
    shards = deal(tracks, plan.dataset["shards"])
    records = {shard: read_record(shard_record(plan.dataset["name"], shard)) for shard in shards}
    lacking = missing_shards(plan, shards)
    plan = provide_weights(plan, lacking, root=Path(), real=real, say=say)
    check_champion(plan)
    session = Session(replace(plan, protocols=protocols), tracks, shards, records, time.time(), lock, lacking)
    if real:
        _check_videos(session)
        write_shards(plan.dataset, tracks, shards)
    return session


def _end_future(plan: Plan) -> None:
    """Correct the times of what Snakemake compares: outputs, logs, scripts, and a table of the user's own."""
    name, table = plan.dataset["name"], plan.dataset["source"].get("table")
    folders = [results_folder(name), Path("logs", name), Path("workflow/scripts")]
    folders += [folder / name for folder in (RAW, ROWS, CLIPS, FEATURES)]
    end_future([*folders, *([plan.dataset_path.parent / table] if table else [])], time.time(), audio_folder(name))


def _clear_decoded() -> None:
    # At the beginning of a run too: one that was killed could not clear its own.
    shutil.rmtree(DECODED, ignore_errors=True)


def _prepare_tracks(plan: Plan, real: bool, say: Callable[[str], None]) -> None:
    """Fetch what determines the tracks, which only a real run does."""
    if real:
        prepare(plan.dataset, Path(), mirror=plan.settings["mirror"], say=say)
    elif files := missing(plan.dataset, Path()):
        name = plan.settings["dataset"]
        raise InputError(
            f"the tracks of {name} are not known yet: {'; '.join(files)}. A real run fetches this first; so does: "
            f"songwise prepare {name}"
        )


def _check_videos(session: Session) -> None:
    """Check before any job that this machine can get the videos of the shards that are due."""
    if session.source != "youtube":
        return
    due = [shard for shard, record in session.records.items() if record.is_due(session.started)]
    tracks = [track for shard in due for track in session.shards[shard]]
    check_videos(tracks, session.plan.dataset, audio_folder(session.dataset), session.plan.settings["cookies"])


def check_champion(plan: Plan) -> None:
    """Raise InputError if the setting champion names a model that does not run.

    Parameters
    ----------
    plan : Plan
        With the runs that this machine can make.

    Raises
    ------
    InputError
        Naming the setting and the nearest model.
    """
    setting, known = plan.settings["champion"], [BEST, CHEAPEST_TIED, *map(str, plan.runs)]
    if setting not in known:
        raise InputError(f"config: champion: '{setting}' is not a model of this run{suggestion(setting, known)}")


def check_shown(show: str | list[str], tracks: list[Track]) -> None:
    """Raise InputError if the setting show_tracks names a track that the sheet does not have.

    Parameters
    ----------
    show : str or list of str
        "per-class", "none", or track_ids.
    tracks : list of Track
        The track sheet.

    Raises
    ------
    InputError
        Naming the track_id, and the nearest one that exists.
    """
    known = {track.track_id for track in tracks}
    for name in [] if isinstance(show, str) else show:
        if name not in known:
            near = suggestion(name, sorted(known))
            hint = (
                near if "did you mean" in near else f" (it has {len(known)}; tracks.csv of an earlier run lists them)"
            )
            raise InputError(f"config: show_tracks: the track sheet has no track_id '{name}'{hint}")
