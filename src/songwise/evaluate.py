"""Stage 6, evaluate: verdicts of songs, metrics with intervals, and what a leaking protocol would have claimed.

Intervals are percentiles of a bootstrap over groups: a drawn group carries all its clips, songs and repeats, so
that repeats never count as more songs. Songs joined by identical audio share one vote.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from songwise.files import digest, read_json, read_rows, replacing, write_json, write_rows

FLOOR = 1e-6  # of a clip's probability: KNN and trees give zeros, whose logarithm would be a veto
DRAWS = 2000
_LEVEL = 0.95

LEADERBOARD_COLUMNS = (
    *("model", "features", "n_songs", "n_clips"),
    *("clip_accuracy", "clip_accuracy_low", "clip_accuracy_high", "clip_macro_f1"),
    *("song_accuracy", "song_accuracy_low", "song_accuracy_high", "song_macro_f1"),
    "fit_seconds",
)
LEAKAGE_COLUMNS = (
    *("model", "features", "protocol"),
    *("clip_accuracy", "clip_accuracy_low", "clip_accuracy_high"),
    *("song_accuracy", "song_accuracy_low", "song_accuracy_high"),
    *("inflation", "inflation_low", "inflation_high"),
)
LEVELS = ("clip", "song")


def read_predictions(path: Path) -> pd.DataFrame:
    """predictions.csv as models wrote it."""
    text = dict.fromkeys(("clip_id", "track_id", "song", "label", "predicted"), str)
    return pd.read_csv(path, dtype=text, keep_default_na=False)


def song_verdicts(predictions: pd.DataFrame) -> pd.DataFrame:
    """One row a repeat and song: the label whose mean log-probability over the song's clips is highest.

    Probabilities are floored at FLOOR and renormalised first; ties go to the higher mean probability.

    Parameters
    ----------
    predictions : repeat, song, label and p_LABEL columns, one row a clip.

    Returns
    -------
    repeat, song, label, predicted, then p_LABEL: the normalised exponential of the mean log-probability.
    """
    columns = [name for name in predictions.columns if name.startswith("p_")]
    labels = np.array([name[2:] for name in columns])
    floored = np.maximum(predictions[columns].to_numpy(), FLOOR)
    floored /= floored.sum(axis=1, keepdims=True)
    keys = [predictions["repeat"], predictions["song"]]
    mean = pd.DataFrame(floored, columns=columns, index=predictions.index).groupby(keys).mean()
    logs = pd.DataFrame(np.log(floored), columns=columns, index=predictions.index).groupby(keys).mean()
    # Equal up to rounding is a tie, whatever the order in which the clips were summed.
    rounded = np.round(logs.to_numpy(), 9)
    tied = rounded == rounded.max(axis=1, keepdims=True)
    chosen = np.where(tied, mean.to_numpy(), -1.0).argmax(axis=1)
    probabilities = np.exp(logs.to_numpy())
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    found = pd.DataFrame(np.round(probabilities, 6), columns=columns, index=logs.index)
    found.insert(0, "label", predictions["label"].groupby(keys).first())
    found.insert(1, "predicted", labels[chosen])
    return found.reset_index()


class Confusions:
    """Confusion matrices of every group, from which every figure and its interval follow.

    Parameters
    ----------
    table : repeat, song, label, predicted; a row a clip or a song, and repeat.
    groups : song to group.
    labels : the classes, sorted.

    Attributes
    ----------
    counts : shape (groups, labels, labels), true by predicted: mean over repeats, a group's songs sharing one vote.
    """

    def __init__(self, table: pd.DataFrame, groups: dict[str, str], labels: list[str]):
        names = sorted(set(groups.values()))
        songs_of = pd.Series(groups).value_counts()
        group = table["song"].map(groups)
        weight = 1.0 / (group.map(songs_of).to_numpy() * table["repeat"].nunique())
        self.counts = np.zeros((len(names), len(labels), len(labels)))
        at = (
            _codes(group, names),
            _codes(table["label"], labels),
            _codes(table["predicted"], labels),
        )
        np.add.at(self.counts, at, weight)

    def resampled(self, draws: np.ndarray) -> np.ndarray:
        """Confusion matrices, shape (draws, labels, labels), when groups are drawn `draws` (draws, groups) times."""
        return np.tensordot(draws, self.counts, axes=1)


def accuracy(confusion: np.ndarray) -> np.ndarray:
    """Share on the diagonal of confusion matrices, shape (..., labels, labels)."""
    return np.trace(confusion, axis1=-2, axis2=-1) / confusion.sum(axis=(-2, -1))


def macro_f1(confusion: np.ndarray) -> np.ndarray:
    """Mean F1 over the classes that are true or predicted somewhere; shape (..., labels, labels) in."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    total = confusion.sum(axis=-1) + confusion.sum(axis=-2)
    f1 = 2 * hits / np.where(total > 0, total, 1)
    return f1.sum(axis=-1) / (total > 0).sum(axis=-1)


def bootstrap_draws(n_groups: int, seed: int) -> np.ndarray:
    """How often each group is drawn, int, shape (DRAWS, n_groups): the same for all models, so that they pair."""
    rng = np.random.default_rng([seed, n_groups])
    return rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=DRAWS)


def interval(values: np.ndarray) -> tuple[float, float]:
    """The percentile interval (95 %) of bootstrap values, shape (draws,)."""
    low, high = np.quantile(values, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return float(low), float(high)


def evaluate_models(
    *,
    runs: dict[str, dict],
    protocols: list[str],
    tracks_csv: Path,
    splits_csv: Path,
    seed: int,
    folder: Path,
) -> None:
    """Evaluate every model and rank them.

    Writes below `folder`/models/MODEL@PRESET: PROTOCOL/songs.csv, metrics.json, params.json and the confusion
    matrices (CSV, PNG); in `folder`: leaderboard.csv (best song accuracy first), leakage.csv and headline.json.

    Parameters
    ----------
    runs : MODEL@PRESET to what params.json is to hold; data_version and run_key, a hash of it all, are added.
    protocols : the honest one first.
    tracks_csv : for the version of the data.
    splits_csv : for the groups.
    seed : of the bootstrap.
    folder : results/DATASET.
    """
    version = data_version(tracks_csv)
    group_of = _track_groups(splits_csv, protocols[0])
    metrics = {}
    for run, params in runs.items():
        place = folder / "models" / run
        metrics[run] = _evaluate_model(place, protocols, group_of, params, seed)
        params = params | {"data_version": version}
        write_json(place / "params.json", params | {"run_key": digest(params)})
        print(run, f"song accuracy {metrics[run]['song_accuracy']:.3f}", sep="\t")
    ranked = sorted(runs, key=lambda run: (-metrics[run]["song_accuracy"], -metrics[run]["clip_accuracy"], run))
    rows = [_row(run, metrics[run]) for run in ranked]
    leaks = [
        _row(run, metrics[run]["protocols"][protocol] | {"protocol": protocol})
        for run in ranked
        for protocol in protocols
    ]
    write_rows(folder / "leakage.csv", LEAKAGE_COLUMNS, leaks)
    hits = _song_hits([folder / "models" / run / protocols[0] / "songs.csv" for run in ranked], group_of)
    corrected = select_corrected(hits, bootstrap_draws(hits.shape[1], seed))
    write_json(folder / "headline.json", {"best": ranked[0], **rows[0], **corrected})
    write_rows(folder / "leaderboard.csv", LEADERBOARD_COLUMNS, rows)


def _evaluate_model(folder: Path, protocols: list[str], group_of: dict[str, str], params: dict, seed: int) -> dict:
    predictions = {protocol: read_predictions(folder / protocol / "predictions.csv") for protocol in protocols}
    honest = predictions[protocols[0]]
    labels = sorted(honest["label"].unique())
    groups = dict(zip(honest["song"], honest["track_id"].map(group_of), strict=True))
    draws = bootstrap_draws(len(set(groups.values())), seed)
    verdicts = {protocol: song_verdicts(clips) for protocol, clips in predictions.items()}
    confusions, figures = {}, {}
    for protocol, clips in predictions.items():
        songs = verdicts[protocol]
        with replacing(folder / protocol / "songs.csv") as temporary:
            songs.to_csv(temporary, index=False, lineterminator="\n")
        confusions[protocol] = {
            "clip": Confusions(clips, groups, labels),
            "song": Confusions(songs, groups, labels),
        }
        figures[protocol] = _figures(confusions[protocol], draws)
        figures[protocol] |= _inflation(confusions[protocol], confusions[protocols[0]], draws)
    metrics = {
        **{name: value for name, value in figures[protocols[0]].items() if "inflation" not in name},
        "n_songs": len(set(groups.values())),
        "n_clips": int(honest["clip_id"].nunique()),
        "fit_seconds": read_json(folder / protocols[0] / "fit.json")["fit_seconds"],
        "folds": _fold_figures(honest, verdicts[protocols[0]], labels),
        "protocols": figures,
    }
    write_json(folder / "metrics.json", metrics)
    for level in LEVELS:
        matrix = confusions[protocols[0]][level].counts.sum(axis=0)
        _write_confusion(folder / f"confusion_{level}.csv", matrix, labels)
        _plot_confusion(folder / f"confusion_{level}.png", matrix, labels, level, metrics, params)
    return metrics


def data_version(tracks_csv: Path) -> str:
    """A hash of what the figures were measured on: the good tracks' bytes, labels and songs."""
    rows = read_rows(tracks_csv)
    return digest(
        [[row[name] for name in ("track_id", "label", "song", "sha256")] for row in rows if row["status"] == "ok"]
    )


def _track_groups(splits_csv: Path, protocol: str) -> dict[str, str]:
    splits = pd.read_csv(splits_csv, dtype=str, keep_default_na=False)
    splits = splits[splits["protocol"] == protocol].drop_duplicates("track_id")
    return dict(zip(splits["track_id"], splits["group"], strict=True))


def _figures(confusions: dict[str, Confusions], draws: np.ndarray) -> dict[str, float]:
    found = {}
    for level in LEVELS:
        whole = confusions[level].counts.sum(axis=0)
        low, high = interval(accuracy(confusions[level].resampled(draws)))
        found |= {
            f"{level}_accuracy": float(accuracy(whole)),
            f"{level}_accuracy_low": low,
            f"{level}_accuracy_high": high,
            f"{level}_macro_f1": float(macro_f1(whole)),
        }
    return found


def _inflation(leaking: dict[str, Confusions], honest: dict[str, Confusions], draws: np.ndarray) -> dict[str, float]:
    # Of clip accuracy, the number that the field quotes; paired, since both saw the same groups.
    point = accuracy(leaking["clip"].counts.sum(axis=0)) - accuracy(honest["clip"].counts.sum(axis=0))
    paired = accuracy(leaking["clip"].resampled(draws)) - accuracy(honest["clip"].resampled(draws))
    low, high = interval(paired)
    return {"inflation": float(point), "inflation_low": low, "inflation_high": high}


def _fold_figures(clips: pd.DataFrame, songs: pd.DataFrame, labels: list[str]) -> list[dict]:
    # A song is tested in one fold of a repeat, since the protocol is honest.
    songs = songs.merge(clips.drop_duplicates(["repeat", "song"])[["repeat", "song", "fold"]], on=["repeat", "song"])
    folds = clips[["repeat", "fold"]].drop_duplicates().sort_values(["repeat", "fold"])
    rows = [{"repeat": int(repeat), "fold": int(fold)} for repeat, fold in folds.to_numpy()]
    for level, table in (("clip", clips), ("song", songs)):
        row_of = table.groupby(["repeat", "fold"]).ngroup().to_numpy()
        counts = np.zeros((len(rows), len(labels), len(labels)))
        np.add.at(counts, (row_of, _codes(table["label"], labels), _codes(table["predicted"], labels)), 1)
        for row, share, f1 in zip(rows, accuracy(counts), macro_f1(counts), strict=True):
            row |= {f"{level}_accuracy": float(share), f"{level}_macro_f1": float(f1)}
    return rows


def _codes(values: pd.Series, labels: list[str]) -> np.ndarray:
    return np.searchsorted(labels, values.to_numpy(dtype=str))


def _write_confusion(path: Path, matrix: np.ndarray, labels: list[str]) -> None:
    rounded = [dict(zip(labels, row, strict=True)) for row in np.round(matrix, 3).tolist()]
    write_rows(
        path,
        ["label", *labels],
        [{"label": label, **row} for label, row in zip(labels, rounded, strict=True)],
    )


def _plot_confusion(path: Path, matrix: np.ndarray, labels: list[str], level: str, metrics: dict, params: dict) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1e-12)
    # Margins by hand, in inches: matplotlib's own layout takes longer than the drawing.
    side, words, head, edge = 0.5 * len(labels) + 0.5, 0.45 + 0.08 * max(map(len, labels)), 0.55, 0.25
    width, height = words + 0.3 + side + edge, words + 0.2 + side + head
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    axes = figure.add_axes(((words + 0.3) / width, (words + 0.2) / height, side / width, side / height))
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right")
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xlabel("predicted")
    axes.set_ylabel(f"true {params['label']}")
    low, high = metrics[f"{level}_accuracy_low"], metrics[f"{level}_accuracy_high"]
    axes.set_title(
        f"{params['model']}@{params['features']}, {level}s\n"
        f"accuracy {metrics[f'{level}_accuracy']:.2f} [{low:.2f}, {high:.2f}]",
        fontsize=10,
    )
    for row, column in np.ndindex(*share.shape):
        if matrix[row, column] > 0:
            colour = "white" if share[row, column] > 0.5 else "black"
            axes.text(column, row, f"{share[row, column]:.2f}", ha="center", va="center", color=colour, fontsize=8)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=110, metadata={"Software": None})


def _row(run: str, figures: dict) -> dict:
    model, _, preset = run.partition("@")
    rounded = {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in figures.items()
        if not isinstance(value, dict | list)
    }
    return {"model": model, "features": preset, **rounded}


def _song_hits(tables: list[Path], group_of: dict[str, str]) -> np.ndarray:
    hits = []
    for table in tables:
        clips = read_predictions(table.with_name("predictions.csv")).drop_duplicates("song")
        groups = dict(zip(clips["song"], clips["track_id"].map(group_of), strict=True))
        songs = pd.read_csv(table, dtype={"song": str, "label": str, "predicted": str}, keep_default_na=False)
        hit = (songs["label"] == songs["predicted"]).astype(float)
        hits.append(hit.groupby(songs["song"].map(groups)).mean().sort_index().to_numpy())
    return np.array(hits)


def select_corrected(hits: np.ndarray, draws: np.ndarray) -> dict[str, float]:
    """Song accuracy of "take the best of these models", without the optimism of having looked.

    In each draw the winner is chosen on the drawn groups and scored on those that were not drawn (bootstrap
    bias-corrected cross-validation: Tsamardinos, Greasidou and Borboudakis, Machine Learning 107, 2018).

    Parameters
    ----------
    hits : shape (models, groups), share of a group's songs and repeats that are right.
    draws : shape (draws, groups), from `bootstrap_draws`.
    """
    inside = draws @ hits.T / draws.sum(axis=1, keepdims=True)
    winners = inside.argmax(axis=1)
    left_out = draws == 0
    usable = left_out.any(axis=1)
    scores = np.array([hits[winner, out].mean() for winner, out in zip(winners[usable], left_out[usable], strict=True)])
    low, high = interval(scores)
    return {
        "corrected_song_accuracy": round(float(scores.mean()), 4),
        "corrected_song_accuracy_low": round(low, 4),
        "corrected_song_accuracy_high": round(high, 4),
    }
