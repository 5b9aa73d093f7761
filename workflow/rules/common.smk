# Inputs: config/config.yaml and --config, the files in config/ that they name, the track sheet.
# Outputs: PLAN, SHARDS and RESULTS, which the other rule files use, and every helper function of theirs.
# Steps: check all of it before any work; claim the folder for this run.
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from snakemake.exceptions import WorkflowError

from songwise.acquire.record import access_of_record, attempt_of_record, is_due
from songwise.acquire.archives import wanted_digest
from songwise.plan.plan import load_plan
from songwise.acquire.download import check_mirror
from songwise.errors import InputError, disk_full, is_disk_full
from songwise.files import digest, file_digest, read_json
from songwise.datasets.metadata import missing
from songwise.acquire.metadata import prepare
from songwise.features.presets import preset_key
from songwise.splits.protocols import RANDOM_CLIPS, choose, least_groups, sheet_columns
from songwise.runtime.provenance import code_of
from songwise.studies.recipe import recipe_line
from songwise.runtime.lock import claim, end_in_words, is_full
from songwise.datasets.sheet import read_tracks
from songwise.plan.plan import check_shown
from songwise.datasets.shards import columns_digest, deal, rows_digest
from songwise.acquire.youtube import check_videos

LOOKING = {"-n", "--dry-run", "--dryrun", "--lint", "--report", "--unlock", "--dag", "--rulegraph", "--filegraph"}
LOOKING |= {"--summary", "-S", "--detailed-summary", "-D", "--list-rules", "--list", "-l", "--help", "-h"}


def is_real_run():
    """Whether this process will execute jobs; Snakemake tells only after the Snakefile is read."""
    return workflow.is_main_process and not any(word in LOOKING or word.startswith("-n") for word in sys.argv)


def say(line):
    """A line for the person who typed the command, once: jobs read the Snakefile too."""
    if is_real_run():
        print(f"songwise: {line}", file=sys.stderr)


def know_tracks():
    """Fetch what tells the tracks, which only a run does that is no mere look at what would be done."""
    if is_real_run():
        prepare(PLAN.dataset, Path(), mirror=PLAN.settings["mirror"], say=say)
    elif lacking := missing(PLAN.dataset, Path()):
        name = PLAN.settings["dataset"]
        raise InputError(
            f"which tracks {name} has is not known yet: {'; '.join(lacking)}. A real run fetches it first; "
            f"so does: songwise prepare {name}"
        )


def check_access():
    """Before any job, whether this machine can get the videos of those shards that were never tried, or are due again."""
    if not is_real_run() or PLAN.dataset["source"]["type"] != "youtube":
        return
    folder = Path(f"data/raw/{PLAN.dataset['name']}")
    records = {shard: folder / "shards" / f"{shard}.json" for shard in SHARDS}
    due = [shard for shard, record in records.items() if is_due(record, time.time())]
    tracks = [track for shard in due for track in SHARDS[shard]]
    check_videos(tracks, PLAN.dataset, folder / "audio", PLAN.settings["cookies"])


try:
    PLAN = load_plan(config, Path())
    check_mirror(PLAN.settings["mirror"])
    if is_real_run():
        end_in_words(Path())
        RUN_LOCK = claim(Path())
    know_tracks()
    TRACKS = read_tracks(PLAN.dataset, PLAN.dataset_path, Path(), say=say)
    PLAN = replace(PLAN, protocols=choose(PLAN.settings, PLAN.dataset["split"], TRACKS, PLAN.dataset_path))
    check_shown(PLAN.settings["show_tracks"], TRACKS)
    SHARDS = deal(TRACKS, PLAN.dataset["shards"])
    check_access()
except InputError as error:
    raise WorkflowError(f"songwise: {error}") from None
except OSError as error:
    if not is_disk_full(error):
        raise
    raise WorkflowError(f"songwise: {disk_full(Path())}") from None

STARTED = time.time()
DATASET = PLAN.dataset["name"]
RESULTS = f"results/{DATASET}"
HONEST = PLAN.protocols[0]
LEVELS = ["clip", "song"]
RECORDS = {shard: Path(f"data/raw/{DATASET}/shards/{shard}.json") for shard in SHARDS}
# Read now, since the start of a job removes the record that it is read from.
ACCESS = {
    shard: access_of_record(record, {name: PLAN.settings[name] for name in ("mirror", "cookies")})
    for shard, record in RECORDS.items()
}
ATTEMPTS = {shard: attempt_of_record(record, STARTED) for shard, record in RECORDS.items()}
ENVIRONMENT = "../../environment.yml"  # the one that is active, of all rules; documents them for --lint and --report


wildcard_constraints:
    dataset=DATASET,
    shard=r"\d+",
    run="|".join(str(run) for run in PLAN.runs),
    audit="|".join(PLAN.protocols[1:]) or "none",


def has_audio():
    return PLAN.dataset["source"]["type"] != "table"


def audits_of_audio():
    names = ["shortcuts.json", "standardised.csv"]
    return expand("results/{dataset}/{name}", dataset=DATASET, name=names) if has_audio() else []


def source_table():
    return str(PLAN.dataset_path.parent / PLAN.dataset["source"]["table"])


def recipe_tables():
    return [f"{RESULTS}/recipe.csv"] if PLAN.settings["recipe"] else []


def shard_rows(wildcards):
    return rows_digest(SHARDS[int(wildcards.shard)])


def shard_access(wildcards):
    return ACCESS[int(wildcards.shard)]


def shard_attempt(wildcards):
    return ATTEMPTS[int(wildcards.shard)]


def fetched_archives(wildcards):
    """What a source of archives needs before its tracks can be looked at."""
    return [f"data/raw/{DATASET}/archives.json"] if PLAN.dataset["source"]["type"] == "archive" else []


def wanted_members(wildcards):
    return wanted_digest(PLAN.dataset, TRACKS)


def attribution_page():
    return [f"data/raw/{DATASET}/ATTRIBUTION.md"] if has_audio() else []


def kept_clips():
    return expand("data/clips/{dataset}/{shard}", dataset=DATASET, shard=SHARDS) if PLAN.settings["keep_clips"] else []


def model_of(wildcards):
    return PLAN.model_of(wildcards.run)


def preset_of(wildcards):
    return PLAN.presets[wildcards.run.partition("@")[2]]


def feature_files(presets, suffix="parquet"):
    """For each of these presets the file that a shard's features go to."""
    keys = {name: preset_key(PLAN.presets[name]) for name in presets}
    return [f"data/features/{{dataset}}/{name}/{key}/{{shard}}.{suffix}" for name, key in keys.items()]


def frame_files(presets):
    return feature_files([name for name in presets if "frames" in PLAN.presets[name]], "frames.arrow")


def feature_tables(wildcards):
    return expand(feature_files([wildcards.run.partition("@")[2]]), dataset=DATASET, shard=SHARDS)


def written_at(path):
    return path.stat().st_mtime_ns if path.is_file() else 0


def shards_lacking(preset):
    """The shards without a table of this preset, or with one that is older than the list of their clips."""
    (pattern,) = feature_files([preset])
    clips = {shard: written_at(Path(f"data/clips/{DATASET}/{shard}.clips.csv")) for shard in SHARDS}
    tables = {shard: written_at(Path(pattern.format(dataset=DATASET, shard=shard))) for shard in SHARDS}
    return tuple(shard for shard in SHARDS if tables[shard] <= clips[shard])


def passes():
    """The rules that extract features, by name, and the presets of each: those that lack the same shards."""
    found = {}
    for preset in PLAN.presets:
        found.setdefault(shards_lacking(preset), []).append(preset)
    most_to_do_first = sorted(found, key=len, reverse=True)
    return {
        "extract_features" if number == 1 else f"extract_features_{number}": found[lacking]
        for number, lacking in enumerate(most_to_do_first, start=1)
    }


def presets_made(wildcards, output):
    """What a pass makes. Snakemake records no parameter that follows from `output`, so that none is made anew because
    it shares its job with other presets than the last time; the content of each stands in the names of its files."""
    return [PLAN.presets[Path(table).parts[-3]] for table in output.tables]


def run_params(wildcards):
    """For each run what MLflow shows as its parameters and, hashed, knows it by."""
    shared = {
        "dataset": DATASET,
        "label": PLAN.dataset["label"],
        "clip": PLAN.dataset["clip"],
        "split": {key: PLAN.dataset["split"][key] for key in ("folds", "repeats", "held_out")},
        "protocol": HONEST,
        "split_columns": columns_digest(TRACKS, sheet_columns([HONEST])),
        "seed": PLAN.settings["seed"],
        "code_version": code_of("clips.cut", "features.extract", "splits.make", "models.cross_validation", "evaluation.evaluate"),
    }
    runs = {}
    for run in PLAN.runs:
        model, preset = PLAN.models[run.model], PLAN.presets[run.preset]
        runs[str(run)] = shared | {
            "model": run.model,
            "features": run.preset,
            **{
                key: value
                for key, value in model.items()
                if key not in ("name", "title", "features", "members", "final")
            },
            "members": list(model["members"]),
            "members_key": digest([model["members"], model["final"]]),
            "preset": {key: preset[key] for key in ("audio", "frame", "columns")} | {"key": preset_key(preset)},
        }
    return runs


def paired_verdicts():
    """What models on presets with a standardised twin, and on these twins, said of each song."""
    runs = dict.fromkeys(run for pair in PLAN.standardised for run in pair)
    return expand("results/{{dataset}}/models/{run}/{protocol}/songs.csv", run=runs, protocol=HONEST)


def figure_labels(wildcards):
    return {"dataset": wildcards.dataset}


def store_generation():
    """One more than at the last logging if the local store is gone since, so that it is built anew."""
    record = Path(f"{RESULTS}/tracking.json")
    if not record.is_file():
        return 1
    lost = not os.environ.get("MLFLOW_TRACKING_URI") and not Path("mlflow.db").is_file()
    return read_json(record)["generation"] + lost


def shared_pointer():
    """A hash of the pointer to the data as they were shared, if they were: a push is news to the store alone."""
    pointer = Path(f"data/raw/{DATASET}.dvc")
    return file_digest(pointer) if pointer.is_file() else ""


def print_headline():
    """The result, if this run's goal was one."""
    needed = ["headline", "tracking", *(["shortcuts"] if has_audio() else [])]
    if not all(Path(f"{RESULTS}/{name}.json").is_file() for name in needed):
        return
    found = read_json(Path(f"{RESULTS}/headline.json"))
    close = found["within_noise"]
    more = len(close) - 3
    experiment = read_json(Path(f"{RESULTS}/tracking.json"))["experiments"][DATASET]["experiment_id"]
    shortcuts = read_json(Path(f"{RESULTS}/shortcuts.json")) if has_audio() else {}
    if shortcuts.get("beats_chance"):
        print(f"\nBeware: {shortcuts['finding']}", file=sys.stderr)
    print(
        f"\nBest on songs never heard: {found['best']}, song accuracy {found['song_accuracy']:.2f} "
        f"[{found['song_accuracy_low']:.2f}, {found['song_accuracy_high']:.2f}]; "
        f"{found['corrected_song_accuracy']:.2f} once corrected for having been chosen among {len(PLAN.runs)}.\n"
        f"Within noise of the best: {', '.join(close[:3]) or 'no other'}{f' and {more} more' if more > 0 else ''}.\n"
        f"{recipe_line(PLAN.settings['recipe'], Path(RESULTS))}"
        f"The report: {RESULTS}/report.html\n"
        f"The runs:   mlflow ui, then http://127.0.0.1:5000/#/experiments/{experiment}/runs"
        "?workflowType=machine_learning&viewStateShareKey=leaderboard",
        file=sys.stderr,
    )


def print_errors():
    """Once more, and last, what the failed jobs said to the person who started the run, and which said nothing."""
    logs = [path for path in Path(f"logs/{DATASET}").rglob("*.log") if path.stat().st_mtime >= STARTED]
    lines = {
        str(path): [line for line in path.read_text().splitlines() if line.startswith("songwise: ")] for path in logs
    }
    said = [line for log in sorted(lines) for line in lines[log]]
    # On a full disk logs are empty as well, and what is to be said of it is said at the very end.
    for job in [] if is_full(Path()) else workflow.scheduler.failed:
        if not any(lines.get(str(log)) for log in job.log):
            what = " ".join([job.rule.name, *job.wildcards])
            said.append(
                f"songwise: {what}: ended without a word, as jobs do that are killed (is memory short? then use fewer "
                "--cores); run the same command again"
            )
    if not workflow.scheduler.failed:
        said.append("songwise: stopped before the end; the same command goes on from here")
    print("\n" + "\n".join(dict.fromkeys(said)), file=sys.stderr)
