"""`songwise methods`: a description of a run for a paper, and what the paper should cite."""

import argparse
import textwrap
from collections.abc import Iterator

from songwise.commands import references
from songwise.commands.facts import Facts, read_facts
from songwise.commands.project import finished_run
from songwise.evaluation.bootstrap import DRAWS
from songwise.report.headline import standardised_answer
from songwise.splits.protocols import PROTOCOLS, Kind
from songwise.text import format_names

_WIDTH = 100
_OWN = {
    "songwise.models.fusion.Fusion": "a learned fusion of models",
    "songwise.models.pooled_lda.PooledLDA": "linear discriminant analysis with one shrunk covariance",
    "songwise.models.deep.estimator.DeepClassifier": "neural networks trained on frames",
}
_NOT_LIBROSA = {"kaldi_log_mel"}
_MOST = 20  # names in a list


def run(arguments: argparse.Namespace) -> None:
    """Print a paragraph about a run, and BibTeX entries.

    Parameters
    ----------
    arguments : argparse.Namespace
        Of the command line: name, bibtex.
    """
    facts = read_facts(finished_run(arguments.name, "methods"))
    if not arguments.bibtex:
        for paragraph in describe(facts):
            print(textwrap.fill(paragraph, _WIDTH, break_long_words=False, break_on_hyphens=False), end="\n\n")
        print("References (BibTeX; the keys are in brackets above):\n")
    print("\n\n".join(references.entries(list(cited(facts)), facts.card)))


def describe(facts: Facts) -> list[str]:
    """Return the paragraphs: data and features, models and protocol, figures, software.

    Parameters
    ----------
    facts : Facts
        The run.
    """
    paragraphs = [
        (*_data(facts), *_features(facts)),
        (*_models(facts), *_protocol(facts)),
        (*_statistics(facts), *_figures(facts)),
        _software(facts),
    ]
    return [" ".join(sentences) for sentences in paragraphs]


def cited(facts: Facts) -> Iterator[str]:
    """Return the keys of what the description cites, in the order of `references`.

    Parameters
    ----------
    facts : Facts
        The run.
    """
    yield references.SNAKEMAKE
    yield references.SCIKIT_LEARN
    if any(estimator.startswith("xgboost.") for estimator in facts.estimators):
        yield references.XGBOOST
    if any(map(_follows_librosa, facts.best_parts)):
        yield references.LIBROSA
    for part in facts.best_parts:
        yield from _network_keys(part)
    if facts.result.corrected:
        yield references.HOLM
        yield references.CORRECTION


def _data(facts: Facts) -> Iterator[str]:
    card, good = facts.card, facts.good
    source = f" [{references.dataset_key(card)}]" if card["citation"] else ""
    n_classes, n_songs = len({row["label"] for row in good}), len({row["song"] for row in good})
    yield (
        f"The data set {card['title']}{source} has {len(good):,} usable tracks of {n_songs:,} songs in {n_classes} "
        f"classes ({facts.result.label}){_length(good)}."
    )
    if len(facts.tracks) > len(good):
        yield f"{_count(len(facts.tracks) - len(good), 'further track was', 'further tracks were')} not usable."
    if card["licenses"]:
        yield f"Licences: {format_names(card['licenses'], _MOST)}."
    if facts.n_pairs:
        pairs = _count(facts.n_pairs, "pair of tracks has", "pairs of tracks have")
        yield (
            f"By identical samples or audio fingerprints, {pairs} the same recording; these never cross a split and "
            f"share one vote, which leaves {facts.result.n_songs:,} songs for the figures."
        )
    elif card["clip"]:
        yield "By identical samples and audio fingerprints, no two tracks are the same recording."
    if card["clip"]:
        clip = card["clip"]
        yield (
            f"Each track was cut into clips of {clip['seconds']:g} s, one every {clip['hop']:g} s "
            f"({facts.result.n_clips:,} clips)."
        )


def _length(good: list[dict[str, str]]) -> str:
    if not all(row["seconds"] for row in good):
        return ""
    minutes = sum(float(row["seconds"]) for row in good) / 60
    return f", {minutes / 60:.1f} h of audio" if minutes >= 60 else f", {minutes:.1f} min of audio"


def _features(facts: Facts) -> Iterator[str]:
    preset, parts = facts.best_preset, facts.best_parts
    if not facts.card["clip"]:
        yield f"Its features are those of a published table ({preset['columns']:,} columns per clip)."
        return
    if preset["columns"]:
        yield f"The best model describes each clip by {preset['columns']:,} numbers:"
    else:
        yield "The best model reads matrices of each clip:"
    yield f"{'; '.join(_describe_part(part) for part in parts)}."


def _describe_part(part: dict) -> str:
    standardised = ", of audio with standardised band, level and ends" if part["audio"]["standardise"] else ""
    if "network" in part:
        network, keys = part["network"], ", ".join(_network_keys(part))
        by = f" [{keys}]" if keys else f" ({network['weights']['attribution']})"
        outputs = format_names([output["prefix"] for output in part["outputs"]], _MOST)
        title = network.get("title") or network["name"]
        return f"outputs of the pretrained network {title}{by} ({outputs}){standardised}"
    families = dict.fromkeys(family["family"] for family in part["families"]) or part["frames"]["families"]
    cite = f" as defined by librosa [{references.LIBROSA}]" if _follows_librosa(part) else ""
    return f"{format_names(list(families), _MOST)}{cite}{standardised}"


def _follows_librosa(part: dict) -> bool:
    return any(family["family"] not in _NOT_LIBROSA for family in part.get("families", []))


def _network_keys(part: dict) -> tuple[str, ...]:
    return references.NETWORKS.get(part["network"]["name"], ()) if "network" in part else ()


def _models(facts: Facts) -> Iterator[str]:
    libraries = {"sklearn.": ("scikit-learn", references.SCIKIT_LEARN), "xgboost.": ("XGBoost", references.XGBOOST)}
    named = []
    for prefix, (library, key) in libraries.items():
        classes = [path.rpartition(".")[2] for path in facts.estimators if path.startswith(prefix)]
        if classes:
            named.append(f"{format_names(classes, _MOST)} of {library} [{key}]")
    named += [_OWN[path] for path in facts.estimators if path in _OWN]
    models = f"{facts.result.n_models} models were" if facts.result.n_models > 1 else "One model was"
    yield f"{models} tested: {'; '.join(named)}."
    searched = any(params["search"] for params in facts.params.values())
    chosen = "Parameters, and everything else that is chosen from data," if searched else "Whatever is chosen from data"
    verb, group = "were" if searched else "was", PROTOCOLS[facts.best["protocol"]].group
    yield f"{chosen} {verb} chosen on inner folds of the training set, which keep {group}s whole."


def _protocol(facts: Facts) -> Iterator[str]:
    name, split = facts.best["protocol"], facts.best["split"]
    protocol, repeats = PROTOCOLS[name], split["repeats"]
    again = f", in {repeats} repeats with different shuffles (seed {facts.best['seed']})" if repeats > 1 else ""
    whole = " and the same ".join(protocol.keeps_whole)
    if protocol.kind is Kind.K_FOLD:
        yield (
            f"Models were tested by {split['folds']}-fold cross-validation, stratified by class{again}. Clips of the "
            f"same {whole} are never in both the training and the test set."
        )
    elif protocol.kind is Kind.HOLD_OUT:
        yield (
            f"Of each class, {split['held_out']} songs were held out for testing{again}. Clips of the same song are "
            "never in both the training and the test set."
        )
    else:
        what = "folds" if protocol.kind is Kind.SHEET_FOLDS else "training, validation and test sets"
        yield f"The {what} are those of the data set. No song is in both the training and the test set."


def _statistics(facts: Facts) -> Iterator[str]:
    yield (
        "A song's class is the one with the highest mean log-probability over its clips. Intervals are 95 % percentile "
        f"intervals of a bootstrap over {PROTOCOLS[facts.best['protocol']].group}s ({DRAWS:,} draws)."
    )
    if facts.result.corrected:
        yield (
            "Models were compared with the best one by a paired bootstrap, with p values corrected by Holm's method "
            f"[{references.HOLM}]. The figure of the best model was corrected for the choice among the models by "
            f"bootstrap bias-corrected cross-validation [{references.CORRECTION}]."
        )


def _figures(facts: Facts) -> Iterator[str]:
    result = facts.result
    yield (
        f"The best model, {result.best}, finds the right {result.label} of {result.accuracy} of the songs (guessing "
        f"the most common class: {result.guessing.percent})."
    )
    if result.corrected:
        yield f"Corrected for the choice, {result.corrected} are expected on new songs."
        tied = _count(len(result.tied), "other model is", "other models are") if result.tied else "No other model is"
        yield f"{tied} statistically tied with it."
    if result.random_clips:
        yield f"Tested on random clips of songs that it knows, the same model would reach {result.random_clips}."
    if result.file_facts:
        yield f"A model that has only facts about the files (such as bit rate and length) reaches {result.file_facts}."
    if result.standardised:
        yield standardised_answer(result.standardised)


def _software(facts: Facts) -> tuple[str, ...]:
    versions = dict(facts.card["versions"])
    own = versions.pop("songwise")
    others = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        f"The experiments were run with songwise {own} [{references.SONGWISE}], a Snakemake workflow "
        f"[{references.SNAKEMAKE}], with {others}.",
    )


def _count(number: int, one: str, several: str) -> str:
    return f"{number:,} {one if number == 1 else several}"
