"""`songwise explain`: what a model or a preset is, from its file, and what it reached in finished runs."""

import argparse
import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from songwise.commands.columns import format_table
from songwise.commands.project import CONFIG, require_project, short_path
from songwise.errors import InputError, suggestion
from songwise.features.joined import table_presets
from songwise.features.preset_files import load_network, load_preset
from songwise.files import read_rows
from songwise.models.files import load_model
from songwise.paths import RESULTS, Run, run_of
from songwise.plan.weights import weights_file
from songwise.report.summary import share_of
from songwise.schemas.model import Model
from songwise.schemas.preset import Preset
from songwise.schemas.read import load_named, read_yaml

_OWN = {
    "songwise.models.fusion.Fusion": "fusion of the predictions of other models",
    "songwise.models.pooled_lda.PooledLDA": "linear discriminant analysis of songwise",
    "songwise.models.deep.estimator.DeepClassifier": "network that is trained here, on frames (needs torch)",
}
_LIBRARIES = {"sklearn": "scikit-learn", "xgboost": "XGBoost"}
_STEPS = {"low_pass": "low-pass at {} Hz", "trim": "silence at both ends trimmed at {} dB", "loudness": "{} LUFS"}


def run(arguments: argparse.Namespace) -> None:
    """Print what is known of a model, a preset, or a model on a preset.

    Parameters
    ----------
    arguments : argparse.Namespace
        Of the command line: name.
    """
    require_project()
    models, presets = ({path.stem for path in (CONFIG / kind).glob("*.yaml")} for kind in ("models", "features"))
    asked = Run.parse(arguments.name)
    blocks = []
    if asked.model in models:
        blocks += _explain_model(asked.model)
    wanted = asked.preset or asked.model
    if wanted in presets:
        blocks += _explain_preset(wanted)
    for name, known, kind in ((asked.model, models, "model"), (asked.preset, presets, "preset")):
        if asked.preset and name not in known:
            raise InputError(f"there is no {kind} '{name}'{suggestion(name, sorted(known))}")
    if not blocks:
        raise InputError(f"there is no model or preset '{asked}'{_near(str(asked), models | presets)}")
    blocks += _results(asked, models)
    print("\n\n".join("\n".join(block) for block in blocks if block))


def _near(name: str, known: set[str]) -> str:
    hint = suggestion(name, sorted(known))
    return hint if "did you mean" in hint else "; songwise list models, or list presets, shows all"


def _explain_model(name: str) -> list[list[str]]:
    path = CONFIG / "models" / f"{name}.yaml"
    model, file = load_model(name, Path()), load_named(Model, name, path.parent, Path())
    lines = [f"Model {name}: {model.get('title') or name}", *_fields(_model_fields(model, file))]
    return [lines, _comments(path)]


def _model_fields(model: Mapping, file: Model) -> Iterator[tuple[str, str]]:
    library, _, _ = file.estimator.partition(".")
    kind = _OWN.get(file.estimator) or f"{file.estimator.rpartition('.')[2]} of {_LIBRARIES[library]}"
    yield "estimator", kind
    yield "presets", ", ".join(file.features)
    yield "parameters", _flow(model["parameters"])
    yield "search", f"{_flow(model['search'])}, by accuracy on inner folds" if model["search"] else ""
    yield "scaling", "zero mean and unit variance" if model["scale"] == "standard" else ""
    yield "reduction", _flow(model["reduce"])
    yield "class weights", "balanced" if model["weights"] == "balanced" else ""
    yield "probabilities", "by Platt scaling on inner folds" if model["calibrate"] else ""
    yield "early stopping", f"after {model['early_stopping']} rounds" if model["early_stopping"] else ""
    yield "members", ", ".join(file.members)
    yield "combined by", file.final or ""
    yield "in groups", ", ".join(_groups_of(model["name"]))


def _groups_of(name: str) -> list[str]:
    groups = read_yaml(CONFIG / "model_groups.yaml")
    return [group for group, entries in groups.items() if name in {Run.parse(str(entry)).model for entry in entries}]


def _explain_preset(name: str) -> list[list[str]]:
    path = CONFIG / "features" / f"{name}.yaml"
    preset, file = load_preset(name, Path()), load_named(Preset, name, path.parent, Path())
    lines = [f"Preset {name}: {preset.get('title') or name}", *_fields(_preset_fields(name, preset, file))]
    parts = table_presets(preset)
    networks = dict.fromkeys(part["network"]["name"] for part in parts.values() if "network" in part)
    return [lines, _comments(path), *(_explain_network(network) for network in networks)]


def _preset_fields(name: str, preset: Mapping, file: Preset) -> Iterator[tuple[str, str]]:
    yield "columns", f"{preset['columns']:,}" if preset["columns"] else "none: frames only"
    yield "union of", ", ".join(file.union or [])
    yield "join of", ", ".join(file.join or [])
    yield "families", ", ".join(dict.fromkeys(family["family"] for family in preset.get("families", [])))
    yield "network", file.network or ""
    outputs = {output["prefix"]: output["statistics"] for output in preset.get("outputs", [])}
    yield "outputs", "; ".join(f"{output}: {', '.join(statistics)}" for output, statistics in outputs.items())
    if "audio" in preset:
        rate = preset["audio"]["sample_rate"]
        yield "sample rate", "each file's own" if rate == "native" else f"{rate:,} Hz"
        yield "standardised", _standardised(preset["audio"]["standardise"])
    if preset.get("frame"):
        frame = preset["frame"]
        yield "frames", f"{frame['n_fft']:,} samples, one per {frame['hop_length']:,} samples"
    yield "matrices", ", ".join(preset["frames"]["families"]) if "frames" in preset else ""
    models = [path.stem for path in sorted((CONFIG / "models").glob("*.yaml")) if name in _presets_of(path)]
    yield "models", ", ".join(models)


def _presets_of(path: Path) -> list[str]:
    try:
        return read_yaml(path).get("features", [])
    except InputError:
        return []  # the file of another model is wrong, which is not the question here


def _standardised(steps: bool | Mapping) -> str:
    if not steps:
        return ""
    return ", ".join(words.format(steps[key]) for key, words in _STEPS.items() if steps[key] is not None)


def _explain_network(name: str) -> list[str]:
    network = load_network(name, Path())
    weights, path = network["weights"], weights_file(network, Path())
    state = short_path(path) if path.is_file() else f"not on this machine: songwise weights {name}"
    fields = [
        ("weights", state),
        ("licence", weights["license"]),
        ("by", weights["attribution"]),
        ("outputs", ", ".join(f"{output} ({size:,})" for output, size in network["outputs"].items())),
    ]
    lines = [f"Network {name}: {network.get('title') or name}", *_fields(fields)]
    return [*lines, *(f"  {line}" for line in _comments(CONFIG / "networks" / f"{name}.yaml"))]


def _fields(fields) -> list[str]:
    return [f"  {name:14}  {value}" for name, value in fields if value]


def _flow(value: Mapping) -> str:
    return yaml.safe_dump(dict(value), default_flow_style=True, width=10_000).strip().strip("{}") if value else ""


def _comments(path: Path) -> list[str]:
    """Return the comments of a file that have lines of their own, and so say what it is for."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    return [line.lstrip("# ").rstrip() for line in lines if line.startswith("#")]


def _results(asked: Run, models: set[str]) -> list[list[str]]:
    """Return the rows of finished runs in which the model, or the preset, is."""
    rows = []
    for path in sorted(RESULTS.glob("*/leaderboard.csv")):
        try:
            rows += _rows_of(path, asked, models)
        except (OSError, ValueError, KeyError, TypeError, csv.Error):
            rows.append([path.parent.name, "(damaged)", "", "", "", ""])
    if not rows:
        return [["It is in no finished run."]]
    header = ["data set", "model@preset", "songs", "95 %", "place", "CPU, ms per s"]
    return [["Results:", *(f"  {line}" for line in format_table(header, rows, align="<<><<>"))]]


def _rows_of(path: Path, asked: Run, models: set[str]) -> list[list[str]]:
    costs_csv = path.with_name("costs.csv")
    costs = {str(run_of(row)): row["milliseconds"] for row in read_rows(costs_csv)} if costs_csv.is_file() else {}
    leaderboard = read_rows(path)
    found = []
    for place, row in enumerate(leaderboard, start=1):
        own = run_of(row)
        if own == asked or (
            not asked.preset and asked.model in ((own.model,) if asked.model in models else (own.preset,))
        ):
            share = share_of(row, "song_accuracy")
            cost = f"{float(costs[str(own)]):.1f}" if str(own) in costs else ""
            where = f"{place} of {len(leaderboard)}"
            found.append([path.parent.name, str(own), share.percent, share.interval, where, cost])
    return found
