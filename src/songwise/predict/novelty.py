"""Novelty: how unlike the training music a song is.

The score is the geometric mean of two distances between songs, of which each is the mean of its clips. The first is
taken in the space of the discriminants (linear discriminant analysis, `models.pooled_lda`), which knows what tells the
training classes apart. The second is taken between standardised features, as principal components and a remainder, and
needs no classes. The first fails if there are few classes, and the second if most features do not matter.
benchmarks/novelty.py compares this with other methods.

A score has a meaning only beside the scores of known songs that were held out in training. These are stored too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import threadpoolctl
from sklearn.utils.extmath import randomized_svd

from songwise.models.pooled_lda import PooledLDA
from songwise.models.sample import count_within

METHOD = "geometric mean of the distances to the nearest training songs, among discriminants and principal components"
KNOWN_SHARE = 0.95  # of the held-out known songs, which are not refused
_NEIGHBOURS = 5  # among the discriminants; one among the principal components
_COMPONENTS, _ITERATIONS = 64, 3
_CLIPS_PER_SONG, _MOST_CLIPS = 5, 3000  # to which the space is fitted; all clips count for the place of a song
_CHUNK = 256  # songs that are placed, and compared with all others, at a time
_SPARE = 8  # neighbours more than needed, whose distances are then computed without rounding errors
_RANK = 1e-9  # of the largest variance; smaller ones are rounding errors


@dataclass(frozen=True, eq=False)
class Novelty:
    """The places of the training songs, and the scores of held-out songs.

    Attributes
    ----------
    center, weights : ndarray of float64, shape (columns,)
        Mean of the training clips, and one over their standard deviation: 0 for a column that was constant.
    discriminants : ndarray of float64, shape (columns, discriminants)
        Projection of standardised features, in standard deviations within a class.
    components : ndarray of float64, shape (columns, components)
        Principal components of standardised features.
    discriminant_songs : ndarray of float64, shape (songs, discriminants)
        Places of the training songs among the discriminants.
    component_songs : ndarray of float64, shape (songs, components)
        Places of the training songs among the principal components.
    remainders : ndarray of float64, shape (songs,)
        Length of what the principal components leave of each training song.
    held_out : ndarray of float64, shape (held-out songs,)
        Ascending scores of known songs, each from a fit without this song and without its group.
    """

    center: np.ndarray
    weights: np.ndarray
    discriminants: np.ndarray
    components: np.ndarray
    discriminant_songs: np.ndarray
    component_songs: np.ndarray
    remainders: np.ndarray
    held_out: np.ndarray

    @classmethod
    def fit(
        cls, X: np.ndarray, songs: np.ndarray, y: np.ndarray, *, seed: int, held_out: np.ndarray | None = None
    ) -> Self:
        """Fit the spaces, and place the training songs in them.

        Parameters
        ----------
        X : ndarray of float, shape (clips, columns)
            Features of the training clips, finite.
        songs : ndarray, shape (clips,)
            Song of each clip.
        y : ndarray, shape (clips,)
            Class of each clip, at least two.
        seed : int
            Seed of the choice of clips, and of the principal components.
        held_out : ndarray of float, optional
            Scores of known songs (`studies.novelty.study_novelty`), in any order. Without them no song is refused.

        Returns
        -------
        Self
            Ready to score.

        Raises
        ------
        ValueError
            If there are fewer than two classes, or if all columns are constant.
        """
        chosen = _choose_clips(songs, seed)
        sample, labels = X[chosen].astype(np.float64), np.unique(y[chosen], return_inverse=True)[1]
        varying = sample.min(axis=0) != sample.max(axis=0)
        if labels.max() == 0 or not varying.any():
            raise ValueError("novelty needs at least two classes, and a column that is not constant")
        center, weights = sample.mean(axis=0), varying / np.where(varying, sample.std(axis=0), 1.0)
        sample = ((sample - center) * weights)[:, varying]
        with threadpoolctl.threadpool_limits(1):  # the number of threads changes the last digits
            directions = (_discriminants(sample, labels), _principal(sample, seed))
        projections = [np.zeros((len(center), found.shape[1])) for found in directions]
        for projection, found in zip(projections, directions, strict=True):
            projection[varying] = found
        places = _places(X, songs, center, weights, *projections)
        scores = np.sort(np.asarray([] if held_out is None else held_out, np.float64))
        return cls(center, weights, *projections, *places, scores)

    def scores(self, X: np.ndarray, songs: np.ndarray) -> np.ndarray:
        """Return how unlike the training songs some songs are.

        Parameters
        ----------
        X : ndarray of float, shape (clips, columns)
            Features of the songs' clips.
        songs : ndarray, shape (clips,)
            Song of each clip.

        Returns
        -------
        ndarray of float, shape (songs,)
            In the order of the sorted songs; 0 for a copy of a training song.
        """
        places = _places(X, songs, self.center, self.weights, self.discriminants, self.components)
        chunks = [[place[at : at + _CHUNK] for place in places] for at in range(0, len(places[0]), _CHUNK)]
        return np.concatenate([self._scores(*chunk) for chunk in chunks])

    def _scores(self, discriminants: np.ndarray, components: np.ndarray, remainders: np.ndarray) -> np.ndarray:
        near = _nearest(self.discriminant_songs, discriminants, _NEIGHBOURS)
        distances = np.linalg.norm(self.discriminant_songs[near] - discriminants[:, np.newaxis], axis=2)
        among_discriminants = np.sort(distances, axis=1)[:, :_NEIGHBOURS].mean(axis=1)
        near = _nearest(
            np.column_stack([self.component_songs, self.remainders]), np.column_stack([components, remainders]), 1
        )
        distances = np.linalg.norm(self.component_songs[near] - components[:, np.newaxis], axis=2)
        among_components = np.hypot(distances, self.remainders[near] - remainders[:, np.newaxis]).min(axis=1)
        return np.sqrt(among_discriminants * among_components)

    def score(self, X: np.ndarray) -> float:
        """Return how unlike the training songs a song is.

        Parameters
        ----------
        X : ndarray of float, shape (clips, columns)
            Features of the song's clips.

        Returns
        -------
        float
            At least 0; higher is more unlike.
        """
        return float(self.scores(X, np.zeros(len(X), int))[0])

    @property
    def threshold(self) -> float:
        """The score above which a song is refused; infinite without held-out scores."""
        return threshold_of(self.held_out) if len(self.held_out) else np.inf

    def rank(self, score: float) -> float:
        """Return the share of the held-out known songs with a lower score.

        Parameters
        ----------
        score : float
            From `score`.

        Returns
        -------
        float
            From 0 to 1; 0 without held-out scores.
        """
        return float(np.searchsorted(self.held_out, score) / max(len(self.held_out), 1))

    def is_known(self, score: float) -> bool:
        """Return whether a song with this score counts as music like the training music.

        Parameters
        ----------
        score : float
            From `score`.

        Returns
        -------
        bool
            False above the threshold.
        """
        return bool(score <= self.threshold)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return everything that `from_arrays` needs, for a file of arrays.

        Returns
        -------
        dict of str to ndarray of float64
            By the names of the attributes.
        """
        return {name: getattr(self, name) for name in _DIMENSIONS}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Return the novelty that was stored, after checks.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            What `arrays` returned.

        Returns
        -------
        Self
            Ready to score.

        Raises
        ------
        ValueError
            If an array is missing, unknown, of another type or shape, or not finite.
        """
        if sorted(arrays) != sorted(_DIMENSIONS):
            raise ValueError("a novelty has the arrays " + ", ".join(sorted(_DIMENSIONS)) + " and no others")
        found = {name: arrays[name] for name in _DIMENSIONS}
        sizes: dict[str, int] = {}
        for name, values in found.items():
            axes = _DIMENSIONS[name]
            if values.dtype != np.float64 or values.ndim != len(axes):
                raise ValueError(f"{name} of a novelty must be float64 with {len(axes)} dimensions")
            if any(sizes.setdefault(axis, size) != size for axis, size in zip(axes, values.shape, strict=True)):
                raise ValueError(f"{name} of a novelty has a shape that does not fit the other arrays")
            if not np.isfinite(values).all():
                raise ValueError(f"{name} of a novelty has values that are not finite")
        if not all(size for axis, size in sizes.items() if axis != "held_out"):
            raise ValueError("a novelty needs at least one column, one component of each kind and one song")
        if (np.diff(found["held_out"]) < 0).any():
            raise ValueError("held_out of a novelty must be in ascending order")
        return cls(**found)


_DIMENSIONS = {
    "center": ("columns",),
    "weights": ("columns",),
    "discriminants": ("columns", "discriminants"),
    "components": ("columns", "components"),
    "discriminant_songs": ("songs", "discriminants"),
    "component_songs": ("songs", "components"),
    "remainders": ("songs",),
    "held_out": ("held_out",),
}


def threshold_of(scores: np.ndarray) -> float:
    """Return the score above which 5 % of known songs are.

    Parameters
    ----------
    scores : ndarray of float, shape (songs,)
        Scores of held-out known songs, at least one.

    Returns
    -------
    float
        One of the scores; the highest if there are fewer than 20.
    """
    return float(np.sort(scores)[min(int(KNOWN_SHARE * len(scores)), len(scores) - 1)])


def _nearest(points: np.ndarray, queries: np.ndarray, k: int) -> np.ndarray:
    """Return positions of the k nearest points of each query and of some more, shape (queries, k + _SPARE) or fewer.

    The squares are expanded, which is a matrix product and much faster than differences. Its rounding errors can change
    the order of points that are almost equally near; the spare ones contain what they displace.
    """
    wanted = min(k + _SPARE, len(points))
    far = np.square(points).sum(axis=1) - 2 * queries @ points.T
    return np.argpartition(far, wanted - 1, axis=1)[:, :wanted]


def _choose_clips(songs: np.ndarray, seed: int) -> np.ndarray:
    """Return positions of at most _MOST_CLIPS clips: one of each song, then a second of each, and so on."""
    order = np.random.default_rng(seed).permutation(len(songs))
    number = count_within(np.unique(songs[order], return_inverse=True)[1])
    in_turn = np.argsort(number, kind="stable")[: min(_MOST_CLIPS, int((number < _CLIPS_PER_SONG).sum()))]
    return np.sort(order[in_turn])


def _discriminants(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the discriminants, shape (columns, discriminants), in standard deviations within a class."""
    weights = PooledLDA().fit(X, y).coef_.T
    counts = np.bincount(y)
    means = np.stack([X[y == label].mean(axis=0) for label in range(len(counts))])
    # The weights are the inverse covariance times these means, so this is the covariance of X @ weights in a class.
    within = (means - counts / counts.sum() @ means) @ weights
    variances, vectors = np.linalg.eigh((within + within.T) / 2)
    kept = variances > _RANK * variances[-1]
    return weights @ (vectors[:, kept] / np.sqrt(variances[kept]))


def _principal(X: np.ndarray, seed: int) -> np.ndarray:
    """Return the first principal components of centred features, shape (columns, components), of length one."""
    _, strengths, vectors = randomized_svd(X, min(_COMPONENTS, *X.shape), n_iter=_ITERATIONS, random_state=seed)
    return vectors[strengths > _RANK * strengths[0]].T


def _places(
    X: np.ndarray,
    songs: np.ndarray,
    center: np.ndarray,
    weights: np.ndarray,
    discriminants: np.ndarray,
    components: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return where each song is: among the discriminants, among the components, and the length of the remainder."""
    at = np.unique(songs, return_inverse=True)[1]
    order = np.argsort(at, kind="stable")
    starts = np.flatnonzero(np.diff(at[order], prepend=-1))
    places = []
    for clips in np.split(order, starts[_CHUNK::_CHUNK]):
        first = np.flatnonzero(np.diff(at[clips], prepend=-1))
        sums = np.add.reduceat(X[clips], first, axis=0, dtype=np.float64)
        means = (sums / np.bincount(at[clips])[at[clips[first]]][:, np.newaxis] - center) * weights
        among = means @ components
        remainders = np.sqrt(np.maximum(np.square(means).sum(axis=1) - np.square(among).sum(axis=1), 0))
        places.append((means @ discriminants, among, remainders))
    return tuple(map(np.concatenate, zip(*places, strict=True)))
