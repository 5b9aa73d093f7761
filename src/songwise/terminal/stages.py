"""The stages of a run, and the rules of each."""

_RULES = {
    "data": ("fetch_archives", "acquire_tracks", "inspect_tracks", "gather_tracks", "read_table", "cut_clips"),
    "features": ("extract_features", "embed_clips"),
    "splits": ("make_splits", "check_splits"),
    "models": (
        *("train_model", "train_network", "predict_inner", "fuse_models"),
        *("audit_model", "audit_network", "audit_fusion", "check_models"),
    ),
    "evaluation": ("evaluate_models", "audit_shortcuts", "compare_standardised", "compare_recipe"),
    "studies": ("crown_champion", "study_best", "cluster_songs"),
}
_LAST = "pages"  # figures, attribution, the report and MLflow
STAGES = (*_RULES, _LAST)

_STAGE_OF = {rule: stage for stage, rules in _RULES.items() for rule in rules}


def stage_of(rule: str) -> str:
    """Return the stage of a rule.

    Parameters
    ----------
    rule : str
        Its name. A further pass over the clips, such as extract_features_2, belongs to the stage of the first one.
    """
    first = rule.rstrip("0123456789").rstrip("_")
    return _STAGE_OF.get(rule) or _STAGE_OF.get(first, _LAST)
