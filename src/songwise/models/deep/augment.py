"""Augmentation of training batches: masked bands and times, and mixtures of two clips."""

import numpy as np
import torch

_MASKS = 2  # of each kind
_WIDEST = 0.2  # share of the bands, or of the steps, that one mask may cover
_MIXUP_ALPHA = 0.3


def mask_bands_and_times(batch: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Set some bands and some times of each example to 0, the mean of a normalised input.

    SpecAugment (Park et al. 2019) without time warping.

    Parameters
    ----------
    batch : Tensor, shape (batch, steps, rows)
        Normalised.
    rng : Generator
        Chooses the masks.

    Returns
    -------
    Tensor, shape (batch, steps, rows)
        The masked batch.
    """
    for axis in (1, 2):
        size = batch.shape[axis]
        widths = rng.integers(0, int(_WIDEST * size) + 1, (_MASKS, len(batch), 1))
        starts = rng.integers(0, size - widths + 1)
        places = np.arange(size)
        kept = ((places < starts) | (places >= starts + widths)).all(axis=0)
        mask = torch.from_numpy(kept).to(batch.device)
        batch = batch * (mask[:, :, None] if axis == 1 else mask[:, None, :])
    return batch


def mix(batch: torch.Tensor, targets: torch.Tensor, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Mix each example with another one of the batch (mixup, Zhang et al. 2018).

    Parameters
    ----------
    batch : Tensor, shape (batch, steps, rows)
        Examples.
    targets : Tensor, shape (batch, classes)
        Their probabilities of the classes.
    rng : Generator
        Chooses partners and shares.

    Returns
    -------
    batch, targets : Tensor
        Mixtures, with the same shapes.
    """
    share = rng.beta(_MIXUP_ALPHA, _MIXUP_ALPHA, len(batch)).astype(np.float32)
    share = torch.from_numpy(np.maximum(share, 1 - share)).to(batch.device)
    partner = torch.from_numpy(rng.permutation(len(batch))).to(batch.device)
    of_batch, of_targets = share[:, None, None], share[:, None]
    return (
        of_batch * batch + (1 - of_batch) * batch[partner],
        of_targets * targets + (1 - of_targets) * targets[partner],
    )
