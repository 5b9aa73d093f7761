"""The columns of the tables that `evaluate_models` writes, which docs/evaluation.md explains."""

_CLIP_ACCURACY = ("clip_accuracy", "clip_accuracy_low", "clip_accuracy_high")
_SONG_ACCURACY = ("song_accuracy", "song_accuracy_low", "song_accuracy_high")

LEADERBOARD_COLUMNS = (
    *("model", "features", "n_songs", "n_clips"),
    *(*_CLIP_ACCURACY, "clip_macro_f1"),
    *(*_SONG_ACCURACY, "song_macro_f1"),
    *("fit_seconds", "fit_share"),
    "n_groups",
    *("song_balanced_accuracy", "song_top2_accuracy", "song_log_loss", "song_auc", "song_ece"),
    *("p_best", "tied", "this_run"),
)
LEAKAGE_COLUMNS = (
    *("model", "features", "protocol"),
    *_CLIP_ACCURACY,
    *_SONG_ACCURACY,
    *("inflation", "inflation_low", "inflation_high"),
)
RULE_COLUMNS = ("model", "features", "rule", "song_accuracy", "low", "high")
LEVEL_COLUMNS = ("model", "features", "level", *_CLIP_ACCURACY, *_SONG_ACCURACY, "song_macro_f1", "n_labels")
CLASS_COLUMNS = ("level", "label", "precision", "recall", "f1", "support")
CALIBRATION_COLUMNS = ("model", "features", "level", "bin", "votes", "confidence", "right")
