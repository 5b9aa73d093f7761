"""Networks behind scikit-learn's interface.

torch is imported only to fit and to predict, so that parameters can be checked without it.
"""

from numbers import Integral, Real
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from songwise.models.deep.clip_frames import ClipFrames


class DeepClassifier(ClassifierMixin, BaseEstimator):
    """A network that is trained on crops of clips.

    Training takes one random crop of each clip per epoch, with AdamW and one cycle of the learning rate. A clip is
    predicted from crops that cover it. Without held-out clips, training has all epochs.

    Parameters
    ----------
    architecture : {"cnn", "cnn_compact", "lstm", "gru", "raw_cnn", "crnn"}, default="cnn_compact"
        See `architectures`. "raw_cnn" is for samples, the others are for log_mel and mfcc.
    family : {"log_mel", "mfcc", "waveform"}, default="log_mel"
        Which frames of the preset are its input.
    crop : int, default=128
        Frames per training example; at most the longest training clip.
    pool : int, default=1
        Neighbouring frames that are averaged, to lower the rate.
    epochs : int, default=10
        The most passes over the training clips.
    batch_size : int, default=32
        Clips per step, about: all batches of an epoch have the same size, give or take one.
    learning_rate : float, default=0.001
        The highest of the cycle.
    weight_decay : float, default=0.01
        Of AdamW.
    dropout : float, default=0.3
        Share of values that are set to 0 in training.
    mixup : bool, default=False
        Whether to train on mixtures of two clips.
    spec_augment : bool, default=False
        Whether to mask bands and times of training clips.
    class_weight : {"balanced", None}, default=None
        "balanced": each class has the same weight in the loss.
    patience : int or None, default=None
        Epochs without a lower held-out loss after which training stops. None: never.
    device : {"auto", "cpu", "cuda"}, default="auto"
        "auto" is the GPU if there is one.
    random_state : int or None, default=None
        Seed of weights, order, crops and augmentation.

    Attributes
    ----------
    classes_ : ndarray
        The classes.
    network_ : FrameNetwork
        The trained network, on the CPU.
    curve_ : list of dict
        Per epoch: epoch, training_loss, held_out_loss and held_out_accuracy; the last two are None without held-out
        clips.
    """

    _parameter_constraints = {  # noqa: RUF012  (scikit-learn's own form)
        "architecture": [StrOptions({"cnn", "cnn_compact", "lstm", "gru", "raw_cnn", "crnn"})],
        "family": [StrOptions({"log_mel", "mfcc", "waveform"})],
        "crop": [Interval(Integral, 8, 10_000_000, closed="both")],
        "pool": [Interval(Integral, 1, 1000, closed="both")],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 2, 100_000, closed="both")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "mixup": ["boolean"],
        "spec_augment": ["boolean"],
        "class_weight": [StrOptions({"balanced"}), None],
        "patience": [Interval(Integral, 1, None, closed="left"), None],
        "device": [StrOptions({"auto", "cpu", "cuda"})],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        architecture="cnn_compact",
        family="log_mel",
        crop=128,
        pool=1,
        epochs=10,
        batch_size=32,
        learning_rate=0.001,
        weight_decay=0.01,
        dropout=0.3,
        mixup=False,
        spec_augment=False,
        class_weight=None,
        patience=None,
        device="auto",
        random_state=None,
    ):
        self.architecture = architecture
        self.family = family
        self.crop = crop
        self.pool = pool
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.mixup = mixup
        self.spec_augment = spec_augment
        self.class_weight = class_weight
        self.patience = patience
        self.device = device
        self.random_state = random_state

    def check_parameters(self) -> None:
        """Raise ValueError if a parameter is invalid, or if two of them do not fit together."""
        self._validate_params()
        if (self.architecture == "raw_cnn") != (self.family == "waveform"):
            raise ValueError("architecture raw_cnn needs family waveform, and no other architecture can use it")
        if self.spec_augment and self.family == "waveform":
            raise ValueError("spec_augment masks bands, and a waveform has none; remove it")

    def fit(
        self, X: ClipFrames, y: np.ndarray, X_valid: ClipFrames | None = None, y_valid: np.ndarray | None = None
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : ClipFrames
            Training clips.
        y : ndarray, shape (clips,)
            Their classes.
        X_valid : ClipFrames, optional
            Held-out clips. The weights of the epoch with the lowest loss on them are kept.
        y_valid : ndarray, shape (held-out clips,), optional
            Their classes.

        Returns
        -------
        DeepClassifier
            Fitted.

        Raises
        ------
        ValueError
            If a parameter is invalid, or torch cannot train the network.
        """
        from songwise.models.deep.training import train

        self.check_parameters()
        self.classes_, encoded = np.unique(y, return_inverse=True)
        valid = None
        if X_valid is not None:
            if not np.isin(y_valid, self.classes_).all():
                raise ValueError("a held-out clip has a class without training clips")
            valid = X_valid, np.searchsorted(self.classes_, y_valid)
        seed = self.random_state
        if not isinstance(seed, Integral):
            seed = check_random_state(seed).randint(2**31)
        try:
            self.network_, self.curve_ = train(self, X, encoded, valid, int(seed))
        except RuntimeError as error:  # torch's own, such as a GPU without enough memory for a batch
            raise ValueError(f"torch: {str(error).strip().splitlines()[0]}") from error
        return self

    def predict_proba(self, X: ClipFrames) -> np.ndarray:
        """Return the probabilities of clips.

        Parameters
        ----------
        X : ClipFrames
            Clips.

        Returns
        -------
        ndarray of float64, shape (clips, classes)
            In the order of `classes_`.
        """
        from songwise.models.deep.training import choose_device, predict

        check_is_fitted(self, "network_")
        return predict(self.network_, X, self.batch_size, choose_device(self.device))

    def predict(self, X: ClipFrames) -> np.ndarray:
        """Return the most probable class of each clip, shape (clips,)."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]
