# Inputs: config/config.yaml and --config, the files in config/ that they name, the track sheet.
# Outputs: SESSION, PLAN and the constants and input functions of the other rule files.
# Steps: check everything before any work, and claim the folder for this run (songwise.plan.session).
import sys
import time
from pathlib import Path

from snakemake.exceptions import WorkflowError

from songwise.errors import InputError
from songwise.paths import Run, preset_of, protocol_folder
from songwise.plan import resources
from songwise.plan.messages import CLOCK_SET_BACK, FailedJob, read_logs, summarise_failure
from songwise.plan.session import is_real_run, is_report, open_session, presets_of
from songwise.report.headline import headline
from songwise.report.summary import read_summary
from songwise.runtime.clock import is_future
from songwise.runtime.lock import end_with_run, is_full
from songwise.runtime.provenance import code_of
from songwise.runtime.slurm_executor import adapt_executor
from songwise.splits.protocols import RANDOM_CLIPS
from songwise.terminal.ended import Ending, ending_of
from songwise.terminal.nothing import when_nothing_is_done

REAL = workflow.is_main_process and is_real_run(sys.argv)


def say(line):
    if REAL:
        print(f"songwise: {line}", file=sys.stderr)


def print_left_out():
    for message in PLAN.left_out:
        print(f"songwise: {message}", file=sys.stderr)


def written_defaults():
    defaults = workflow.resource_settings.default_resources or {}
    return {name: getattr(value, "raw", value) for name, value in defaults.items()}


if not workflow.is_main_process:
    end_with_run()  # before Snakemake removes the outputs of a job that it is about to start


if REAL:
    adapt_executor(sys.argv)
    when_nothing_is_done(lambda: print_headline())


try:
    resources.check_names(written_defaults())
    SESSION = open_session(config, real=REAL, say=say)
except InputError as error:
    raise WorkflowError(f"songwise: {error}") from None

PLAN = SESSION.plan
if workflow.is_main_process:
    print_left_out()
    if is_report(sys.argv):
        print(
            f"songwise: the report is about the data set {SESSION.dataset}. For another one, add --config dataset=NAME",
            file=sys.stderr,
        )

DATASET = SESSION.dataset
SHARDS = list(SESSION.shards)
HAS_AUDIO = SESSION.has_audio
RESULTS = f"results/{DATASET}"
HONEST = PLAN.protocols[0]
LEVELS = ["clip", "song"]
MODELS = {str(run): PLAN.model_of(str(run)) for run in PLAN.fitted}
FUSED = PLAN.fused
TRAINED = PLAN.trained_networks
PRESETS = SESSION.presets
FEATURES = expand(SESSION.feature_files(PLAN.tables), dataset=DATASET, shard=SHARDS)
FRAMES = expand(SESSION.frame_files(PLAN.tables), dataset=DATASET, shard=SHARDS)
RECIPE = [f"{RESULTS}/recipe.csv"] if PLAN.settings["recipe"] else []
ENVIRONMENT = "../../environment.yml"  # the active environment serves all rules; --lint and --report show this file


wildcard_constraints:
    dataset=DATASET,
    shard=r"\d+",
    run="|".join(MODELS),
    audit="|".join(PLAN.protocols[1:]) or "none",


def shard_rows(wildcards):
    return SESSION.rows_digest(int(wildcards.shard))


def shard_access(wildcards):
    return SESSION.access(int(wildcards.shard))


def shard_attempt(wildcards):
    return SESSION.attempt(int(wildcards.shard))


def shard_memory(wildcards, attempt):
    return resources.shard_memory(PLAN.dataset["max_seconds"], attempt)


def shard_minutes(wildcards, attempt):
    return resources.shard_minutes(len(SESSION.shards[int(wildcards.shard)]), attempt)


def table_memory(wildcards, input, attempt):
    return resources.table_memory(input, attempt)


def table_minutes(wildcards, input, attempt):
    return resources.table_minutes(input, attempt)


def model_of(wildcards):
    return MODELS[wildcards.run]


def preset_of_run(wildcards):
    return PRESETS[Run.parse(wildcards.run).preset]


def training_code(wildcards):
    return SESSION.training_code(Run.parse(wildcards.run))


def inner_code(wildcards):
    return SESSION.inner_code(Run.parse(wildcards.run))


def feature_tables(wildcards):
    parts = PLAN.parts[Run.parse(wildcards.run).preset]
    return expand(SESSION.feature_files(parts), dataset=DATASET, shard=SHARDS)


def frame_tables(wildcards):
    return expand(SESSION.frame_files([Run.parse(wildcards.run).preset]), dataset=DATASET, shard=SHARDS)


def ranked_models(wildcards):
    return {str(run): SESSION.ranked.model_of(str(run)) for run in SESSION.ranked.fitted}


def ranked_presets(wildcards):
    return presets_of(SESSION.ranked)


def ranked_parts(wildcards):
    return SESSION.ranked.parts


def ranked_tables(wildcards):
    return expand(SESSION.feature_files(SESSION.ranked.tables), dataset=DATASET, shard=SHARDS)


def ranked_frames(wildcards):
    return expand(SESSION.frame_files(SESSION.ranked.tables), dataset=DATASET, shard=SHARDS)


def ranked_titles(wildcards):
    plan = SESSION.ranked
    titled = {run: (plan.models[run.model], plan.presets[run.preset]) for run in plan.runs}
    return {str(run): [content.get("title", "") for content in both] for run, both in titled.items()}


def standardised_pairs(wildcards):
    return SESSION.ranked.standardised


def kept_params(wildcards):
    return SESSION.kept.params


def stale_models(wildcards):
    return SESSION.kept.stale


def of_members(wildcards, name):
    protocol = wildcards.get("audit", HONEST)
    return [str(protocol_folder(Path(RESULTS), run, protocol) / name) for run in FUSED[wildcards.run]]


def inner_predictions(wildcards):
    return of_members(wildcards, "inner.parquet")


def member_predictions(wildcards):
    return of_members(wildcards, "predictions.csv")


def member_fits(wildcards):
    return of_members(wildcards, "fit.json")


def presets_made(wildcards, output):
    # Snakemake records no parameter that follows from `output`: a preset is not redone because it shares another pass.
    return [PLAN.tables[preset_of(table)] for table in output.tables]


def every_result(wildcards):
    # Snakemake makes a deleted file again only if a goal names it, and commands say that a run makes what is missing.
    optional = ("compare_recipe", "draw_tracks")
    of_data = [rule for rule in workflow.rules if rule.wildcard_names == {"dataset"} and rule.name not in optional]
    files = [str(file.apply_wildcards({"dataset": DATASET})) for rule in of_data for file in rule.output]
    fits = expand(
        f"{RESULTS}/models/{{run}}/{{protocol}}/{{name}}",
        run=PLAN.runs,
        protocol=PLAN.protocols,
        name=["predictions.csv", "fits.parquet", "fit.json"],
    )
    bundles = expand(f"{RESULTS}/models/{{run}}/bundle", run=PLAN.runs)
    return [file for file in files if file.startswith("results/")] + fits + bundles + RECIPE


def figure_labels(wildcards):
    return {"dataset": wildcards.dataset}


def print_headline():
    if not any(job.rule.name == "evaluate_models" for job in workflow.dag.jobs):
        return  # the goal was another one, and a figure of an earlier run would look like its result
    try:
        if summary := read_summary(Path(RESULTS)):
            print(f"\n{headline(summary, Path(RESULTS), recipe=PLAN.settings['recipe'])}", file=sys.stderr)
    except InputError as error:
        print(f"songwise: {error}", file=sys.stderr)
    print_left_out()


def unfinished(group):
    return [job for job in group.jobs if not all(Path(path).exists() for path in job.output)] or list(group.jobs)


def reason_of(job):
    ending = ending_of(workflow.dag.jobid(job))
    return ending if ending.reason or not is_future(job.input, time.time()) else Ending(CLOCK_SET_BACK)


def print_errors():
    jobs = [
        job for failed in workflow.scheduler.failed for job in (unfinished(failed) if failed.is_group() else [failed])
    ]
    failed = [
        FailedJob(
            " ".join([job.rule.name, *job.wildcards]),
            list(map(str, job.log)),
            *reason_of(job),
        )
        for job in jobs
    ]
    lines = read_logs(Path(f"logs/{DATASET}"), SESSION.started)
    print(f"\n{summarise_failure(lines, failed, is_disk_full=is_full(Path()))}", file=sys.stderr)
