"""Training of a network on crops of clips, and its predictions for whole clips."""

from collections.abc import Iterator
from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from songwise.models.deep.architectures import build_network
from songwise.models.deep.augment import mask_bands_and_times, mix
from songwise.models.deep.clip_frames import ClipFrames
from songwise.models.deep.reproducible import reproducible

if TYPE_CHECKING:
    from songwise.models.deep.estimator import DeepClassifier

_SMALLEST = 1e-12  # probability in a logarithm


class FrameNetwork(nn.Module):
    """A network with the preparation of its input: each row is normalised, then neighbouring frames are averaged.

    Parameters
    ----------
    settings : DeepClassifier
        Names the architecture, and sets pool and dropout.
    crop : int
        Frames per example.
    rows : int
        Values per frame.
    classes : int
        Number of classes.
    """

    def __init__(self, settings: "DeepClassifier", *, crop: int, rows: int, classes: int):
        super().__init__()
        self.crop, self.pool = crop, min(settings.pool, crop)
        steps = crop // self.pool
        self.network = build_network(
            settings.architecture, steps=steps, rows=rows, classes=classes, dropout=settings.dropout
        )
        self.register_buffer("mean", torch.zeros(rows))
        self.register_buffer("std", torch.ones(rows))

    def prepare(self, frames: torch.Tensor) -> torch.Tensor:
        """Return what the architecture takes, (batch, steps, rows), of frames (batch, crop, rows)."""
        normal = (frames - self.mean) / self.std
        steps = normal.shape[1] // self.pool
        return normal[:, : steps * self.pool].unflatten(1, (steps, self.pool)).mean(dim=2)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Return scores (batch, classes) of frames (batch, crop, rows)."""
        return self.network(self.prepare(frames))


def choose_device(name: str) -> torch.device:
    """Return the device that a network uses.

    Parameters
    ----------
    name : {"auto", "cpu", "cuda"}
        "auto" is the GPU if there is one.

    Returns
    -------
    device
        A GPU with its number.

    Raises
    ------
    ValueError
        If a GPU is asked for, and torch finds none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("device is cuda, and torch finds no GPU; write device: auto, or install torch for your GPU")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name, torch.cuda.current_device()) if name == "cuda" else torch.device(name)


def train(
    settings: "DeepClassifier",
    X: ClipFrames,
    y: np.ndarray,
    valid: tuple[ClipFrames, np.ndarray] | None,
    seed: int,
) -> tuple[FrameNetwork, list[dict[str, float]]]:
    """Train a network.

    Parameters
    ----------
    settings : DeepClassifier
        Its parameters.
    X : ClipFrames
        Training clips.
    y : ndarray of int, shape (clips,)
        Their classes, 0 to k - 1.
    valid : tuple of ClipFrames and ndarray, or None
        Held-out clips and their classes. With them, training stops early, and the best epoch's weights are kept.
    seed : int
        Decides weights, order, crops and augmentation.

    Returns
    -------
    network : FrameNetwork
        Trained, on the CPU.
    curve : list of dict
        Per epoch: epoch, training_loss, held_out_loss, held_out_accuracy (None without held-out clips).

    Raises
    ------
    ValueError
        If the loss is not finite any more.
    """
    device = choose_device(settings.device)
    with reproducible(seed, device):
        lengths = X.lengths
        network = FrameNetwork(
            settings, crop=int(min(settings.crop, lengths.max())), rows=X.rows, classes=int(y.max()) + 1
        )
        mean, std = X.moments()
        network.mean.copy_(torch.from_numpy(mean))
        network.std.copy_(torch.from_numpy(std))
        network.to(device)
        loop = _Loop(settings, network, X, y, lengths, np.random.default_rng(seed))
        curve, best, best_epoch, best_weights = [], np.inf, 0, None
        for epoch in range(1, settings.epochs + 1):
            loss = loop.train_epoch()
            if not np.isfinite(loss):
                raise ValueError(f"training diverged in epoch {epoch}, its loss is {loss}; lower learning_rate")
            held_out_loss, held_out_accuracy = _judge(network, *valid, settings.batch_size) if valid else (None, None)
            curve.append(
                {
                    "epoch": epoch,
                    "training_loss": loss,
                    "held_out_loss": held_out_loss,
                    "held_out_accuracy": held_out_accuracy,
                }
            )
            if not valid:
                continue
            if held_out_loss < best:
                best, best_epoch, best_weights = held_out_loss, epoch, deepcopy(network.state_dict())
            elif settings.patience and epoch - best_epoch >= settings.patience:
                break
        if best_weights is not None:
            network.load_state_dict(best_weights)
    return network.eval().to("cpu"), curve


class _Loop:
    """The optimiser, its schedule and the batches of one training."""

    def __init__(
        self,
        settings: "DeepClassifier",
        network: FrameNetwork,
        X: ClipFrames,
        y: np.ndarray,
        lengths: np.ndarray,
        rng: np.random.Generator,
    ):
        self._settings, self._network, self._rng = settings, network, rng
        self._X, self._room = X, np.maximum(lengths - network.crop, 0)
        self._device = network.mean.device
        self._targets = torch.eye(int(y.max()) + 1)[torch.from_numpy(y)]
        weight = None
        if settings.class_weight == "balanced":
            counts = np.bincount(y)
            weight = torch.tensor(len(y) / (len(counts) * counts), dtype=torch.float32)
        self._loss = nn.CrossEntropyLoss(weight).to(self._device)
        self._optimizer = torch.optim.AdamW(
            network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        steps = settings.epochs * len(list(self._batches(np.arange(len(y)))))
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(self._optimizer, settings.learning_rate, total_steps=steps)

    def train_epoch(self) -> float:
        """Train on one random crop of each clip, and return the mean loss."""
        self._network.train()
        total = torch.zeros((), device=self._device)
        order = self._rng.permutation(len(self._X))
        offsets = self._rng.integers(0, self._room + 1)
        for indices in self._batches(order):
            crops = torch.from_numpy(self._X.batch(indices, self._network.crop, offsets[indices]))
            loss = self._step(crops.to(self._device), self._targets[torch.from_numpy(indices)].to(self._device))
            total += loss * len(indices)
        return float(total) / len(self._X)

    def _batches(self, order: np.ndarray) -> Iterator[np.ndarray]:
        # Batches of equal size, because batch norm cannot learn from a single example.
        count = max(1, round(len(order) / self._settings.batch_size))
        return iter(np.array_split(order, count))

    def _step(self, crops: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        with mixed_precision(self._device):
            inputs = self._network.prepare(crops)
            if self._settings.spec_augment:
                inputs = mask_bands_and_times(inputs, self._rng)
            if self._settings.mixup:
                inputs, targets = mix(inputs, targets, self._rng)
            loss = self._loss(self._network.network(inputs).float(), targets)
        self._optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self._network.parameters(), 1.0)
        self._optimizer.step()
        self._schedule.step()
        return loss.detach()


def mixed_precision(device: torch.device) -> torch.autocast:
    """Return the context in which a GPU multiplies in bfloat16; a CPU computes in float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")


def predict(network: FrameNetwork, X: ClipFrames, batch_size: int, device: torch.device) -> np.ndarray:
    """Predict whole clips: the mean of the probabilities of crops that cover the clip.

    Parameters
    ----------
    network : FrameNetwork
        Trained.
    X : ClipFrames
        Clips.
    batch_size : int
        Crops per batch.
    device : device
        Where to compute.

    Returns
    -------
    ndarray of float64, shape (clips, classes)
        Probabilities.
    """
    with reproducible(0, device):
        network.to(device)
        probabilities = _probabilities(network, X, batch_size)
        network.to("cpu")
    return probabilities


@torch.inference_mode()
def _probabilities(network: FrameNetwork, X: ClipFrames, batch_size: int) -> np.ndarray:
    network.eval()
    device = network.mean.device
    starts = [crop_starts(length, network.crop) for length in X.lengths]
    clips = np.repeat(np.arange(len(X)), [len(one) for one in starts])
    offsets = np.concatenate(starts)
    sums = np.zeros((len(X), network.network.last.out_features))
    for first in range(0, len(clips), batch_size):
        part = slice(first, first + batch_size)
        crops = torch.from_numpy(X.batch(clips[part], network.crop, offsets[part])).to(device)
        with mixed_precision(device):
            scores = network(crops)
        np.add.at(sums, clips[part], scores.double().softmax(dim=1).cpu().numpy())
    return sums / sums.sum(axis=1, keepdims=True)


def crop_starts(length: int, crop: int) -> np.ndarray:
    """Return the first frames of the fewest crops that cover a clip, evenly spaced.

    Parameters
    ----------
    length : int
        Frames of the clip.
    crop : int
        Frames per crop.

    Returns
    -------
    ndarray of int, shape (crops,)
        Only 0 if the clip is no longer than a crop.
    """
    count = max(1, -(-length // crop))
    return np.linspace(0, max(length - crop, 0), count).round().astype(int)


def _judge(network: FrameNetwork, X: ClipFrames, y: np.ndarray, batch_size: int) -> tuple[float, float]:
    probabilities = _probabilities(network, X, batch_size)
    of_truth = np.maximum(probabilities[np.arange(len(y)), y], _SMALLEST)
    return float(-np.log(of_truth).mean()), float((probabilities.argmax(axis=1) == y).mean())
