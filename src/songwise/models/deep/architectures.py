"""The networks: modules that turn frames, shape (batch, steps, rows), into scores, shape (batch, classes)."""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import nn


def build_network(architecture: str, *, steps: int, rows: int, classes: int, dropout: float) -> nn.Module:
    """Build an untrained network.

    Parameters
    ----------
    architecture : str
        One of ARCHITECTURES.
    steps : int
        Steps in time of its input.
    rows : int
        Values per step.
    classes : int
        Number of classes.
    dropout : float
        Share of the values before the last layers that are set to 0 in training.

    Returns
    -------
    Module
        It takes (batch, steps, rows) and returns scores (batch, classes), whose softmax are probabilities.
    """
    return ARCHITECTURES[architecture](steps=steps, rows=rows, classes=classes, dropout=dropout)


class Cnn(nn.Module):
    """Three blocks of two convolutions and a pooling, 32-64-128 channels, and a dense head, as published.

    As the network on spectrogram pictures of https://github.com/laudmt/gtzan_db.

    Parameters
    ----------
    steps, rows, classes : int
        Shape of the input, and number of classes.
    dropout : float
        After the last block and in the head.
    """

    def __init__(self, steps: int, rows: int, classes: int, dropout: float):
        super().__init__()
        layers: list[nn.Module] = []
        before = 1
        for channels in (32, 64, 128):
            layers += [nn.Conv2d(before, channels, 3, padding=1), nn.ReLU()]
            layers += [nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True)]
            before = channels
        self.blocks = nn.Sequential(*layers).to(memory_format=torch.channels_last)
        flat = before * _halved(steps, 3) * _halved(rows, 3)
        self.head = nn.Sequential(
            nn.Flatten(), nn.Dropout(dropout), nn.Linear(flat, 128), nn.ReLU(), nn.Dropout(dropout)
        )
        self.last = nn.Linear(128, classes)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Return scores (batch, classes) of frames (batch, steps, rows)."""
        return self.last(self.head(self.blocks(_picture(frames))))


class CnnCompact(nn.Module):
    """Four blocks of a convolution, batch norm and a pooling, and the mean and maximum over what is left.

    Parameters
    ----------
    steps, rows, classes : int
        Shape of the input, and number of classes.
    dropout : float
        Before the last layer.
    """

    def __init__(self, steps: int, rows: int, classes: int, dropout: float):
        super().__init__()
        blocks, before = [], 1
        for channels in (16, 32, 64, 128):
            blocks += _block(before, channels, 2)
            before = channels
        self.blocks = nn.Sequential(*blocks).to(memory_format=torch.channels_last)
        self.dropout = nn.Dropout(dropout)
        self.last = nn.Linear(2 * before, classes)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Return scores (batch, classes) of frames (batch, steps, rows)."""
        cells = self.blocks(_picture(frames)).flatten(2)
        return self.last(self.dropout(torch.cat([cells.mean(dim=2), cells.amax(dim=2)], dim=1)))


class Recurrent(nn.Module):
    """Four recurrent layers of 128, 64, 32 and 16 units; the last step of the last one decides.

    The shape is that of https://github.com/Kellyajara/Music_Classification.

    Parameters
    ----------
    layer : callable
        `nn.LSTM` or `nn.GRU`.
    steps, rows, classes : int
        Shape of the input, and number of classes.
    dropout : float
        Between the layers.
    """

    def __init__(self, layer: Callable[..., nn.RNNBase], steps: int, rows: int, classes: int, dropout: float):
        super().__init__()
        sizes = (rows, 128, 64, 32, 16)
        self.layers = nn.ModuleList(
            _initialised(layer(before, units, batch_first=True)) for before, units in pairwise(sizes)
        )
        self.dropout = nn.Dropout(dropout)
        self.last = nn.Linear(sizes[-1], classes)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Return scores (batch, classes) of frames (batch, steps, rows)."""
        for layer in self.layers:
            frames = layer(self.dropout(frames) if layer is not self.layers[0] else frames)[0]
        return self.last(frames[:, -1])


class RawCnn(nn.Module):
    """Convolutions over samples: a strided first layer instead of a spectrogram, then three strided layers.

    Parameters
    ----------
    steps, rows, classes : int
        Shape of the input, and number of classes. `rows` is 1.
    dropout : float
        Before the last layer.
    """

    def __init__(self, steps: int, rows: int, classes: int, dropout: float):
        super().__init__()
        layers, before = [], rows
        for channels, kernel, stride in ((32, 64, 32), (64, 8, 4), (128, 8, 4), (128, 8, 4)):
            layers += [
                nn.Conv1d(before, channels, kernel, stride=stride, padding=kernel // 2, bias=False),
                nn.BatchNorm1d(channels),
                nn.ReLU(),
            ]
            before = channels
        self.blocks = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.last = nn.Linear(2 * before, classes)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Return scores (batch, classes) of samples (batch, steps, 1)."""
        cells = self.blocks(frames.transpose(1, 2))
        return self.last(self.dropout(torch.cat([cells.mean(dim=2), cells.amax(dim=2)], dim=1)))


class Crnn(nn.Module):
    """Three convolutional blocks that keep time, a GRU in both directions, and the mean over time.

    Parameters
    ----------
    steps, rows, classes : int
        Shape of the input, and number of classes.
    dropout : float
        Before the GRU and before the last layer.
    """

    def __init__(self, steps: int, rows: int, classes: int, dropout: float):
        super().__init__()
        blocks, before = [], 1
        for channels, pool in ((16, (2, 2)), (32, (2, 2)), (64, (1, 4))):
            blocks += _block(before, channels, pool)
            before = channels
        self.blocks = nn.Sequential(*blocks).to(memory_format=torch.channels_last)
        self.dropout = nn.Dropout(dropout)
        inputs = before * -(-_halved(rows, 2) // 4)
        self.gru = _initialised(nn.GRU(inputs, 64, batch_first=True, bidirectional=True))
        self.last = nn.Linear(128, classes)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Return scores (batch, classes) of frames (batch, steps, rows)."""
        cells = self.blocks(_picture(frames)).permute(0, 2, 1, 3).flatten(2)
        return self.last(self.dropout(self.gru(self.dropout(cells))[0].mean(dim=1)))


def _initialised(layer: nn.RNNBase) -> nn.RNNBase:
    """Set the weights that Keras begins with: layers on top of each other then learn in fewer epochs."""
    for name, weight in layer.named_parameters():
        if "weight_ih" in name:
            nn.init.xavier_uniform_(weight)
        elif "weight_hh" in name:
            for gate in weight.detach().split(layer.hidden_size):
                nn.init.orthogonal_(gate)
        else:
            nn.init.zeros_(weight)
            if "bias_ih" in name and isinstance(layer, nn.LSTM):
                nn.init.ones_(weight.detach()[layer.hidden_size : 2 * layer.hidden_size])  # nothing is forgotten yet
    return layer


def _lstm(**sizes) -> Recurrent:
    return Recurrent(nn.LSTM, **sizes)


def _gru(**sizes) -> Recurrent:
    return Recurrent(nn.GRU, **sizes)


ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {
    "cnn": Cnn,
    "cnn_compact": CnnCompact,
    "lstm": _lstm,
    "gru": _gru,
    "raw_cnn": RawCnn,
    "crnn": Crnn,
}


def _block(before: int, channels: int, pool: int | tuple[int, int]) -> list[nn.Module]:
    # The pooling comes before batch norm and ReLU, which then have a quarter of the work.
    return [
        nn.Conv2d(before, channels, 3, padding=1, bias=False),
        nn.MaxPool2d(pool, ceil_mode=True),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
    ]


def _picture(frames: torch.Tensor) -> torch.Tensor:
    return frames[:, None].contiguous(memory_format=torch.channels_last)


def _halved(size: int, times: int) -> int:
    for _ in range(times):
        size = -(-size // 2)
    return size
