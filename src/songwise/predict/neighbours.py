"""Similar tracks: where each track of a data set is, and which tracks are nearest to a song.

A track's place has two parts. The sound is the first principal components of the standardised features. The classes
are the discriminants of the data set's labels (linear discriminant analysis with one shrunk covariance). The distance
is the mean of the two cosine distances. docs/use.md has the measurements behind this choice.

The search compares a song with all tracks. benchmarks/similar.py shows that this takes milliseconds for 100,000 tracks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import threadpoolctl

from songwise.models.pooled_lda import PooledLDA

_COMPONENTS = 256  # principal components from which the discriminants are made
_MOST_AXES = 64  # of each part
_MOST_CELLS = 40_000_000  # numbers from which the axes are fitted: 320 MB
_NARROW = 1000  # columns up to which the exact components are the faster ones
_CHUNK = 4096  # clips that are placed at a time
_LEAST = 1e-9  # of the largest variance; what is smaller is rounding error
_MARGIN = 1e-5  # more than the rounding error of a distance in single precision
_MOST_COLUMNS, _MOST_TRACKS = 1_000_000, 10_000_000


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The tracks of a data set, as vectors whose distances say how similar they are.

    Attributes
    ----------
    mean : ndarray of float64, shape (columns,)
        Mean of each feature.
    sound : ndarray of float32, shape (columns, sound axes)
        Principal axes of the standardised features, at most 64.
    classes : ndarray of float32, shape (columns, class axes)
        Discriminants of the labels, at most 64; none if all tracks have one label.
    origin : ndarray of float32, shape (axes,)
        Place of the mean track on both kinds of axes.
    vectors : ndarray of float32, shape (tracks, axes)
        One unit vector per track. If both parts exist, each has half of the squared length.
    """

    mean: np.ndarray
    sound: np.ndarray
    classes: np.ndarray
    origin: np.ndarray
    vectors: np.ndarray

    @classmethod
    def fit(cls, X: np.ndarray, tracks: np.ndarray, labels: np.ndarray, *, seed: int) -> Self:
        """Fit the axes and place all tracks.

        Parameters
        ----------
        X : ndarray of float, shape (clips, columns)
            Features, finite. They are read in pieces: float32 is enough, and no copy is made.
        tracks : ndarray of str, shape (clips,)
            Track of each clip. Row i of `vectors` is the track `numpy.unique(tracks)[i]`.
        labels : ndarray of str, shape (clips,)
            Label of each clip.
        seed : int
            Seed of the choice of clips in a large table, and of the principal components.

        Returns
        -------
        Self
            The same bytes for the same input and seed.

        Raises
        ------
        ValueError
            If there are fewer than two clips.
        """
        if len(X) < 2:
            raise ValueError("similar tracks need at least two clips")
        with threadpoolctl.threadpool_limits(1):  # the number of threads changes the last digits
            mean, sound, classes = _fit_axes(X, labels, seed)
            space = cls(
                mean,
                np.float32(sound),
                np.float32(classes),
                np.zeros(sound.shape[1] + classes.shape[1], np.float32),
                np.empty((0, sound.shape[1] + classes.shape[1]), np.float32),
            )
            places = space._places(X, np.unique(tracks, return_inverse=True)[1])
            origin = np.float32(places.mean(axis=0))
            return cls(space.mean, space.sound, space.classes, origin, space._scale(places - origin))

    def __len__(self) -> int:
        return len(self.vectors)

    def embed(self, X: np.ndarray) -> np.ndarray:
        """Return the vector of one song.

        Parameters
        ----------
        X : ndarray of float, shape (clips, columns)
            Features of its clips.

        Returns
        -------
        ndarray of float32, shape (axes,)
            At most 128 numbers.
        """
        return self.embed_tracks(X, np.zeros(len(X), int))[0]

    def embed_tracks(self, X: np.ndarray, tracks: np.ndarray) -> np.ndarray:
        """Return the vectors of many tracks.

        Parameters
        ----------
        X : ndarray of float, shape (clips, columns)
            Features of their clips.
        tracks : ndarray, shape (clips,)
            Track of each clip.

        Returns
        -------
        ndarray of float32, shape (tracks, axes)
            In the order of `numpy.unique(tracks)`.
        """
        return self._scale(self._places(X, np.unique(tracks, return_inverse=True)[1]) - self.origin)

    def query(self, vector: np.ndarray, n: int, *, exclude: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return the nearest tracks.

        Parameters
        ----------
        vector : ndarray of float, shape (axes,)
            From `embed`.
        n : int
            How many tracks at most.
        exclude : ndarray of bool, shape (tracks,), optional
            True for tracks that are left out.

        Returns
        -------
        indices : ndarray of int, shape (found,)
            Rows of `vectors`, the nearest first. Of equally near tracks, the one with the lower index is first.
        distances : ndarray of float64, shape (found,)
            0: the same place. 1: unrelated, as two random tracks are on average. 2: the opposite.
        """
        near = 1.0 - self.vectors @ np.asarray(vector, np.float32)
        n_left = len(near)
        if exclude is not None:
            near[exclude] = np.inf
            n_left -= int(np.count_nonzero(exclude))
        n = min(n, n_left)
        if n < 1:
            return np.empty(0, int), np.empty(0)
        candidates = np.flatnonzero(near <= np.partition(near, n - 1)[n - 1] + _MARGIN)
        # Again in double precision, and row by row, so that equal vectors have equal distances.
        products = (self.vectors[candidates].astype(np.float64) * vector).sum(axis=1)
        distances = np.clip(1.0 - products, 0.0, 2.0)
        order = np.argsort(distances, kind="stable")[:n]
        return candidates[order], distances[order]

    def arrays(self) -> dict[str, np.ndarray]:
        """Return everything that `from_arrays` needs, for a file of arrays.

        Returns
        -------
        dict of str to ndarray
            By the names of the attributes.
        """
        return {name: getattr(self, name) for name in _NAMES}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Return the tracks that were stored, after checks.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            What `arrays` returned.

        Returns
        -------
        Self
            Ready to search.

        Raises
        ------
        ValueError
            If an array is missing, unknown, of another type or shape, too large or not finite.
        """
        if sorted(arrays) != sorted(_NAMES):
            raise ValueError(f"the arrays of similar tracks are {', '.join(_NAMES)}, not {', '.join(sorted(arrays))}")
        space = cls(**{name: arrays[name] for name in _NAMES})
        columns, axes = space.mean.shape[:1], space.origin.shape[:1]
        tracks = space.vectors.shape[:1]
        shapes = {
            "mean": columns,
            "sound": columns + space.sound.shape[1:2],
            "classes": columns + space.classes.shape[1:2],
            "origin": axes,
            "vectors": tracks + axes,
        }
        for name, shape in shapes.items():
            values, kind = arrays[name], np.float64 if name == "mean" else np.float32
            if values.dtype != kind or values.ndim != _DIMENSIONS[name] or values.shape != shape:
                raise ValueError(f"{name} of similar tracks has a wrong type or shape")
        n_axes = [space.sound.shape[1], space.classes.shape[1]]
        if sum(n_axes) != axes[0] or n_axes[0] < 1 or max(n_axes) > _MOST_AXES:
            raise ValueError("sound, classes and origin of similar tracks do not have the same axes")
        if not 0 < columns[0] <= _MOST_COLUMNS or not 0 < tracks[0] <= _MOST_TRACKS:
            raise ValueError("similar tracks need at least one column and one track, and not more than memory holds")
        for name in _NAMES:
            if not np.isfinite(arrays[name]).all():
                raise ValueError(f"{name} of similar tracks has values that are not finite")
        if np.square(space.vectors).sum(axis=1).max() > 1 + _MARGIN:
            raise ValueError("vectors of similar tracks are longer than 1")
        return space

    def _places(self, X: np.ndarray, track: np.ndarray) -> np.ndarray:
        """Return the mean place of each track's clips, as float64 of shape (tracks, axes)."""
        counts = np.bincount(track)
        axes = np.hstack([self.sound, self.classes]).astype(np.float64)
        sums = np.zeros((len(counts), axes.shape[1]))
        for start in range(0, len(X), _CHUNK):
            rows = (X[start : start + _CHUNK].astype(np.float64) - self.mean) @ axes
            chunk = track[start : start + _CHUNK]
            order = np.argsort(chunk, kind="stable")
            present, first = np.unique(chunk[order], return_index=True)
            sums[present] += np.add.reduceat(rows[order], first)
        return sums / counts[:, np.newaxis]

    def _scale(self, places: np.ndarray) -> np.ndarray:
        """Return the places with each part at its share of unit length."""
        parts = np.split(places, [self.sound.shape[1]], axis=1)
        parts = [part for part in parts if part.shape[1]]
        return np.hstack([_unit(part) / np.sqrt(len(parts)) for part in parts]).astype(np.float32)


_NAMES = tuple(field.name for field in fields(Neighbours))
_DIMENSIONS = {"mean": 1, "sound": 2, "classes": 2, "origin": 1, "vectors": 2}


def _fit_axes(X: np.ndarray, labels: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the means of the features, the axes of the sound and the axes of the classes, for features minus means."""
    from sklearn.decomposition import PCA  # slow to import, and not needed for a search

    most = max(_MOST_CELLS // X.shape[1], 2)
    chosen = slice(None)
    if len(X) > most:
        chosen = np.sort(np.random.default_rng(seed).choice(len(X), most, replace=False))
    sample = X[chosen].astype(np.float64)
    mean = sample.mean(axis=0)
    constant = sample.min(axis=0) == sample.max(axis=0)
    sample -= mean
    scale = np.sqrt(np.square(sample).mean(axis=0))
    scale[constant] = 1.0
    sample /= scale
    n_components = min(_COMPONENTS, len(sample) - 1, sample.shape[1])
    solver = "covariance_eigh" if sample.shape[1] <= _NARROW else "randomized"
    pca = PCA(n_components, svd_solver=solver, random_state=seed, copy=False)
    components = pca.fit_transform(sample)
    variances = pca.explained_variance_
    kept = max(int(np.count_nonzero(variances > _LEAST * variances[0])), 1)
    components, axes = components[:, :kept], pca.components_[:kept].T
    axes[constant] = 0.0
    discriminants = _discriminants(components, np.unique(labels[chosen], return_inverse=True)[1])
    scale = scale[:, np.newaxis]
    return mean, axes[:, :_MOST_AXES] / scale, axes @ discriminants / scale


def _discriminants(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the axes that separate the classes best, in standard deviations within a class."""
    counts = np.bincount(y)
    if len(counts) < 2:
        return np.empty((X.shape[1], 0))
    means = np.stack([X[y == label].mean(axis=0) for label in range(len(counts))])
    means -= counts / counts.sum() @ means
    weights = PooledLDA().fit(X, y).coef_.T  # the inverse covariance times the means of the classes
    # For orthonormal axes within a class: the eigenvectors of the means' products under the inverse covariance, where
    # large classes count more.
    shares = np.sqrt(counts / counts.sum())
    within = shares[:, np.newaxis] * (means @ weights) * shares
    variances, vectors = np.linalg.eigh((within + within.T) / 2)
    order = np.argsort(variances)[::-1][:_MOST_AXES]
    order = order[variances[order] > _LEAST * max(variances[-1], 0.0)]
    return weights @ (shares[:, np.newaxis] * vectors[:, order] / np.sqrt(variances[order]))


def _unit(rows: np.ndarray) -> np.ndarray:
    """Return rows of length 1; a row of zeros stays."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1.0)
