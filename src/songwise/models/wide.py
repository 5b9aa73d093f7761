"""Fits of scikit-learn's estimators to more columns than clips, by products of clips instead of columns.

n clips span at most n dimensions, however many columns they have. scikit-learn's estimators work on every column, or on
every pair of columns. The subclasses here compute the same from the n x n products of the clips. The fitted attributes
are those of scikit-learn up to rounding, and the fitted object is of one of its own classes.
"""

import warnings

import numpy as np
from scipy import linalg
from scipy.optimize import OptimizeResult, minimize
from scipy.special import log_softmax
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_selection import VarianceThreshold
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.extmath import svd_flip
from sklearn.utils.validation import check_random_state

# As LogisticRegression calls L-BFGS.
_LINE_SEARCHES = 50
_SMALLEST_FALL = 64 * np.finfo(np.float64).eps
_SPOT_CHECK = 16  # one column in so many is looked at first


def fit(estimator: BaseEstimator, X: np.ndarray, y: np.ndarray, **options: np.ndarray) -> BaseEstimator:
    """Fit an estimator as its own `fit` does, in less time if there are more columns than clips.

    Parameters
    ----------
    estimator : BaseEstimator
        Unfitted. If there is a faster fit for it, its attributes afterwards equal those of its own fit up to rounding.
    X : ndarray of float64, shape (clips, columns)
        Features.
    y : ndarray of int, shape (clips,)
        Classes.
    **options : ndarray
        Further arguments of `fit`.

    Returns
    -------
    BaseEstimator
        The same object.
    """
    faster = _faster(estimator, X, options)
    if faster is None:
        return estimator.fit(X, y, **options)
    vars(estimator).update(vars(faster.fit(X, y)))
    return estimator


def fit_transform(transformer: BaseEstimator, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Fit a transformer as `fit` above does, and return what it makes of its training set.

    Parameters
    ----------
    transformer : BaseEstimator
        Unfitted; fitted afterwards. A ColumnTransformer passes one choice of columns through.
    X : ndarray of float64, shape (clips, columns)
        Features.
    y : ndarray of int, shape (clips,)
        Classes.

    Returns
    -------
    ndarray of float64, shape (clips, new columns)
        The transformed features.
    """
    if type(transformer) is ColumnTransformer and X.shape[1] > X.shape[0]:
        # One row is enough to fit a choice of columns.
        transformer.fit(X[:1], y[:1])
        ((_, _, columns),) = transformer.transformers
        return X[:, columns]
    faster = _faster(transformer, X, {})
    if faster is None:
        return transformer.fit_transform(X, y)
    transformed = faster.fit_transform(X, y)
    vars(transformer).update(vars(faster))
    return transformed


def _faster(estimator: BaseEstimator, X: np.ndarray, options: dict) -> BaseEstimator | None:
    faster = _FASTER.get(type(estimator))
    if options or faster is None or X.shape[1] <= X.shape[0]:
        return None
    own = faster(**estimator.get_params(deep=False))
    return own if own.pays(*X.shape) else None


class _WideVarianceThreshold(VarianceThreshold):
    """Columns that vary, without a search for missing values, and without a copy if all do."""

    def pays(self, n: int, columns: int) -> bool:
        return self.threshold == 0

    def fit_transform(self, X, y=None):
        """Fit and transform; the arguments are those of scikit-learn's method."""
        self.variances_ = np.minimum(X.var(axis=0), np.ptp(X, axis=0))
        varies = self.variances_ > 0
        if not varies.any():
            return super().fit_transform(X, y)
        self.n_features_in_ = X.shape[1]
        return X if varies.all() else X[:, varies]


class _WidePCA(PCA):
    """Randomised principal components whose power iterations multiply by the clips' products."""

    def pays(self, n: int, columns: int) -> bool:
        is_number = isinstance(self.n_components, int | np.integer) and self.n_components < 0.8 * n
        # What scikit-learn's "auto" resolves to for such a table, and n^2 products instead of two per iteration.
        return self.svd_solver == "auto" and columns > 500 and is_number and n < 3 * self._iterations(n) * self._size()

    def _size(self) -> int:
        return self.n_components + self.n_oversamples

    def _iterations(self, n: int) -> int:
        return 7 if self.n_components < 0.1 * n else 4

    def _fit_truncated(self, X, n_components, xp):
        n = len(X)
        self.mean_ = X.mean(axis=0)
        centred = X - self.mean_
        products = centred @ centred.T
        # sklearn.utils.extmath.randomized_svd of the transposed table, which multiplies by X and X' in turn.
        Q = check_random_state(self.random_state).normal(size=(n, self._size()))
        for _ in range(self._iterations(n)):
            Q, _ = linalg.lu(products @ Q, permute_l=True, check_finite=False)
        Q, _ = linalg.qr(centred.T @ Q, mode="economic", check_finite=False)
        left, S, right = linalg.svd((centred @ Q).T, full_matrices=False, check_finite=False)
        U, Vt = svd_flip(right[:n_components].T, (Q @ left[:, :n_components]).T, u_based_decision=False)
        S = S[:n_components]
        total = np.trace(products) / (n - 1)
        self.n_samples_, self.components_, self.n_components_ = n, Vt, n_components
        self.explained_variance_ = S**2 / (n - 1)
        self.explained_variance_ratio_ = self.explained_variance_ / total
        self.singular_values_ = S.copy()
        self.noise_variance_ = (total - self.explained_variance_.sum()) / (n - n_components)
        return U, S, Vt, X, False, xp


class _WideLDA(LinearDiscriminantAnalysis):
    """LDA with Ledoit and Wolf's shrinkage per class, whose covariance is a diagonal and one product per clip.

    It lacks the attribute `covariance_`, which no prediction needs.
    """

    def pays(self, n: int, columns: int) -> bool:
        return self.solver == "lsqr" and self.shrinkage == "auto" and self.covariance_estimator is None

    def _solve_lstsq(self, X, y, shrinkage, covariance_estimator):
        """Solve by Woodbury's identity; the arguments are those of scikit-learn's method."""
        n, columns = X.shape
        _, encoded = np.unique(y, return_inverse=True)
        means = np.stack([X[encoded == label].mean(axis=0) for label in range(len(self.priors_))])
        diagonal, rows = np.zeros(columns), np.empty_like(X)
        for label, prior in enumerate(self.priors_):
            own = encoded == label
            scaler = StandardScaler().fit(X[own])
            weight, variance = _ledoit_wolf(scaler.transform(X[own]))
            diagonal += prior * weight * variance * scaler.scale_**2
            rows[own] = np.sqrt(prior * (1 - weight) / own.sum()) * (X[own] - means[label])
        if not (diagonal > 0).all():
            return super()._solve_lstsq(X, y, shrinkage, covariance_estimator)
        scaled = rows / diagonal
        inner = scaled @ rows.T
        inner.flat[:: n + 1] += 1
        by_diagonal = means / diagonal
        solved = linalg.solve(inner, rows @ by_diagonal.T, assume_a="pos", check_finite=False)
        self.means_ = means
        self.coef_ = by_diagonal - solved.T @ scaled
        self.intercept_ = -0.5 * (means * self.coef_).sum(axis=1) + np.log(self.priors_)


def _ledoit_wolf(Z: np.ndarray) -> tuple[float, float]:
    """Return the weight of the identity and the mean variance: sklearn.covariance.ledoit_wolf of centred rows."""
    n, columns = Z.shape
    energies = np.square(Z).sum(axis=1)
    variance = energies.sum() / (n * columns)
    squared_norm = np.square(Z @ Z.T).sum() / n**2
    beta = (np.square(energies).sum() / n - squared_norm) / (columns * n)
    delta = (squared_norm - columns * variance**2) / columns
    beta = min(beta, delta)
    return (0.0 if beta == 0 else beta / delta), variance


class _WideLogisticRegression(LogisticRegression):
    """Multinomial logistic regression, fitted to coordinates of the clips in the space that they span.

    L-BFGS starts at zero and uses inner products alone, so it takes the same steps in any orthonormal coordinates. Only
    its stopping rule, the largest partial derivative, depends on them, and is therefore evaluated for the columns.
    """

    def pays(self, n: int, columns: int) -> bool:
        own = LogisticRegression(
            C=self.C,
            tol=self.tol,
            max_iter=self.max_iter,
            class_weight=self.class_weight,
            random_state=self.random_state,
            verbose=self.verbose,
            n_jobs=self.n_jobs,
        )
        return own.get_params() == self.get_params() and columns > 2 * n

    def fit(self, X, y):
        """Fit the model; the arguments are those of scikit-learn's method."""
        self.classes_, encoded = np.unique(y, return_inverse=True)
        coordinates, triangle, base = _coordinates(X)
        if len(self.classes_) < 3 or not len(base):
            return super().fit(X, y)
        basis = X[base]
        loss = _MultinomialLoss(
            coordinates,
            np.eye(len(self.classes_))[encoded],
            np.ones(len(y)) if self.class_weight is None else compute_sample_weight(self.class_weight, y),
            self.C,
        )

        def by_columns(weights: np.ndarray, columns: slice) -> np.ndarray:
            solved = linalg.solve_triangular(triangle, weights.T, lower=True, trans="T", check_finite=False)
            return solved.T @ basis[:, columns]

        def stop_if_flat(intermediate_result: OptimizeResult) -> None:
            gradient = loss.gradient
            if np.abs(gradient[:, -1]).max() > self.tol:
                return
            for columns in (slice(None, None, _SPOT_CHECK), slice(None)):
                if np.abs(by_columns(gradient[:, :-1], columns)).max() > self.tol:
                    return
            raise StopIteration

        found = minimize(
            loss,
            np.zeros(len(self.classes_) * (coordinates.shape[1] + 1)),
            jac=True,
            method="L-BFGS-B",
            callback=stop_if_flat,
            options={"maxiter": self.max_iter, "maxls": _LINE_SEARCHES, "gtol": 0, "ftol": _SMALLEST_FALL},
        )
        if found.nit >= self.max_iter:
            warnings.warn(f"lbfgs has not converged after {found.nit} steps", ConvergenceWarning, stacklevel=2)
        weights = loss.matrix(found.x)
        self.coef_, self.intercept_ = by_columns(weights[:, :-1], slice(None)), weights[:, -1].copy()
        self.n_iter_ = np.array([found.nit], dtype=np.int32)
        self.n_features_in_ = X.shape[1]
        return self


class _MultinomialLoss:
    """The loss that LogisticRegression minimises, and its gradient."""

    def __init__(self, X: np.ndarray, Y: np.ndarray, sample_weight: np.ndarray, C: float):
        self.X, self.Y = X, Y
        self.shares = (sample_weight / sample_weight.sum())[:, np.newaxis]
        self.penalty = 1 / (C * sample_weight.sum())
        self.gradient = None

    def matrix(self, weights: np.ndarray) -> np.ndarray:
        return weights.reshape((self.Y.shape[1], -1), order="F")

    def __call__(self, weights: np.ndarray) -> tuple[float, np.ndarray]:
        weights = self.matrix(weights)
        logs = log_softmax(self.X @ weights[:, :-1].T + weights[:, -1], axis=1)
        errors = self.shares * (np.exp(logs) - self.Y)
        self.gradient = np.empty(weights.shape, order="F")
        self.gradient[:, :-1] = errors.T @ self.X + self.penalty * weights[:, :-1]
        self.gradient[:, -1] = errors.sum(axis=0)
        value = -(self.shares * logs * self.Y).sum() + self.penalty * np.square(weights[:, :-1]).sum() / 2
        return value, self.gradient.ravel(order="F")


def _coordinates(X: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return coordinates of rows in an orthonormal basis of the space that they span.

    Returns
    -------
    coordinates : ndarray of float64, shape (n, rank)
        Their products are those of the rows.
    triangle : ndarray of float64, shape (rank, rank)
        Coordinates of the rows `base`, lower triangular.
    base : ndarray of int, shape (rank,)
        Numbers of rows that span the space.
    """
    triangle, pivots, rank, _ = linalg.lapack.dpstrf(X @ X.T, lower=1)
    order = pivots - 1
    triangle = np.tril(triangle)[:, :rank]
    coordinates = np.empty((len(X), rank))
    coordinates[order] = triangle
    return coordinates, triangle[:rank], order[:rank]


_FASTER = {
    VarianceThreshold: _WideVarianceThreshold,
    PCA: _WidePCA,
    LinearDiscriminantAnalysis: _WideLDA,
    LogisticRegression: _WideLogisticRegression,
}
