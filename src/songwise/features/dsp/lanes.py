"""Fourier transforms of several frames side by side, one per lane of the processor's vectors.

SciPy's transforms are compiled for every x86 processor, and so use vectors of two numbers. Numba compiles for the
processor at hand, but cannot know that arrays do not overlap, and then leaves such loops scalar. So the inner steps are
written as vector instructions here. Everything else is plain Numba.

Points of a transform are rows (point, part, lane): first the real, then the imaginary parts of all lanes.
"""

from functools import cache

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

_BYTES = 32  # of a vector
_FUSED = ("contract",)  # a product and a sum may be one instruction, which also rounds once


class _Rows:
    """Emits loads and stores of one vector in an array of rows (point, part, lane)."""

    def __init__(self, context, builder, kind, value):
        self._builder = builder
        self._data = context.make_array(kind)(context, builder, value).data
        number = context.get_data_type(kind.dtype)
        self.vector = ir.VectorType(number, _BYTES // (kind.dtype.bitwidth // 8))
        self._align = kind.dtype.bitwidth // 8

    def _pointer(self, row, part):
        index = self._builder.add(self._builder.mul(row, row.type(2)), row.type(part))
        pointer = self._builder.bitcast(self._data, self.vector.as_pointer())
        return self._builder.gep(pointer, [index])

    def load(self, row) -> tuple:
        pointers = (self._pointer(row, part) for part in range(2))
        return tuple(self._builder.load(pointer, align=self._align) for pointer in pointers)

    def store(self, row, value: tuple) -> None:
        for part in range(2):
            self._builder.store(value[part], self._pointer(row, part), align=self._align)

    def spread(self, number):
        """Return a vector of one number in all lanes."""
        number = number if number.type == self.vector.element else self._builder.fptrunc(number, self.vector.element)
        first = self._builder.insert_element(ir.Constant(self.vector, ir.Undefined), number, ir.IntType(32)(0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.vector.count), [0] * self.vector.count)
        return self._builder.shuffle_vector(first, ir.Constant(self.vector, ir.Undefined), zeros)


class _Complex:
    """Emits arithmetic of complex vectors, pairs of real and imaginary part."""

    def __init__(self, builder):
        self._builder = builder

    def add(self, a: tuple, b: tuple) -> tuple:
        return tuple(self._builder.fadd(x, y, flags=_FUSED) for x, y in zip(a, b, strict=True))

    def subtract(self, a: tuple, b: tuple) -> tuple:
        return tuple(self._builder.fsub(x, y, flags=_FUSED) for x, y in zip(a, b, strict=True))

    def multiply(self, a: tuple, b: tuple) -> tuple:
        def product(x, y):
            return self._builder.fmul(x, y, flags=_FUSED)

        real = self._builder.fsub(product(a[0], b[0]), product(a[1], b[1]), flags=_FUSED)
        return real, self._builder.fadd(product(a[0], b[1]), product(a[1], b[0]), flags=_FUSED)

    def turn_back(self, a: tuple) -> tuple:
        """Multiply by -i."""
        return a[1], self._builder.fneg(a[0])


@intrinsic
def _butterfly(typing_context, x, y, read, step, write, gap, w1, w2, w3):
    """Combine four rows of x, `step` apart, to four of y, `gap` apart: a transform of 4 points, then its twiddles."""
    signature = types.void(x, y, read, step, write, gap, w1, w2, w3)

    def emit(context, builder, signature, arguments):
        kinds = signature.args
        source = _Rows(context, builder, kinds[0], arguments[0])
        target = _Rows(context, builder, kinds[1], arguments[1])
        compute = _Complex(builder)
        read, step, write, gap = arguments[2:6]
        rows = [builder.add(read, builder.mul(step, step.type(number))) for number in range(4)]
        a, b, c, d = (source.load(row) for row in rows)
        even, odd = compute.add(a, c), compute.subtract(a, c)
        sides, turned = compute.add(b, d), compute.turn_back(compute.subtract(b, d))
        results = [
            compute.add(even, sides),
            compute.add(odd, turned),
            compute.subtract(even, sides),
            compute.subtract(odd, turned),
        ]
        for number, result in enumerate(results):
            value = result
            if number:
                kind, twiddle = kinds[5 + number], arguments[5 + number]
                parts = context.make_complex(builder, kind, twiddle)
                value = compute.multiply(result, (source.spread(parts.real), source.spread(parts.imag)))
            target.store(builder.add(write, builder.mul(gap, gap.type(number))), value)
        return context.get_dummy_value()

    return signature, emit


def _pair(context, builder, signature, arguments):
    # For two mirrored rows: where they go, how to compute, the turn, the one row and the conjugate of the other.
    source, target = (_Rows(context, builder, signature.args[i], arguments[i]) for i in range(2))
    parts = context.make_complex(builder, signature.args[4], arguments[4])
    one, other = source.load(arguments[2]), source.load(arguments[3])
    turn = source.spread(parts.real), source.spread(parts.imag)
    return target, _Complex(builder), turn, one, (other[0], builder.fneg(other[1]))


@intrinsic
def _untangle(typing_context, x, y, row, mirrored, turn):
    """Split the transform of packed real samples: rows k and n - k of the packed one to those of the real one."""
    signature = types.void(x, y, row, mirrored, turn)

    def emit(context, builder, signature, arguments):
        target, compute, (real, imag), one, other = _pair(context, builder, signature, arguments)
        even, odd = compute.add(one, other), compute.turn_back(compute.subtract(one, other))
        turned = compute.multiply(odd, (real, imag))
        low, high = compute.add(even, turned), compute.subtract(even, turned)
        target.store(arguments[2], low)
        target.store(arguments[3], (high[0], builder.fneg(high[1])))
        return context.get_dummy_value()

    return signature, emit


@intrinsic
def _tangle(typing_context, x, y, row, mirrored, turn):
    """Undo `_untangle`, and conjugate: rows k and n - k of a real transform to those of the packed one."""
    signature = types.void(x, y, row, mirrored, turn)

    def emit(context, builder, signature, arguments):
        target, compute, (real, imag), one, other = _pair(context, builder, signature, arguments)
        even, odd = compute.add(one, other), compute.multiply(compute.subtract(one, other), (real, builder.fneg(imag)))
        turned = compute.turn_back(odd)
        low, high = compute.subtract(even, turned), compute.add(even, turned)
        target.store(arguments[2], (low[0], builder.fneg(low[1])))
        target.store(arguments[3], high)
        return context.get_dummy_value()

    return signature, emit


@numba.njit(cache=True)
def _transform(x, y, n, twiddles):
    # Stockham's transform of n rows with radix 4, and radix 2 at the end if need be. Returns the array with the result,
    # and the other one.
    span, done = n // 4, 1
    while span >= 1:
        for j in range(span):
            at = j * done
            w1, w2, w3 = twiddles[at], twiddles[2 * at], twiddles[3 * at]
            for k in range(done):
                _butterfly(x, y, at + k, span * done, 4 * at + k, done, w1, w2, w3)
        x, y = y, x
        span //= 4
        done *= 4
    if done < n:
        for k in range(done):
            for part in range(2):
                one, other, low, high = x[k, part], x[done + k, part], y[k, part], y[done + k, part]
                for lane in range(len(one)):
                    low[lane] = one[lane] + other[lane]
                    high[lane] = one[lane] - other[lane]
        x, y = y, x
    return x, y


@numba.njit(cache=True)
def _transform_frames(padded, first, hop_length, taper, twiddles, turns, x, y):
    # Twice the transform of the windowed frames from the first one on, in one of the arrays. Pairs of samples are
    # transformed as complex numbers.
    n, lanes = len(x) - 1, x.shape[2]
    last = (len(padded) - 2 * n) // hop_length
    for lane in range(lanes):
        start = min(first + lane, last) * hop_length
        frame = padded[start : start + 2 * n]
        for k in range(n):
            x[k, 0, lane] = frame[2 * k] * taper[2 * k]
            x[k, 1, lane] = frame[2 * k + 1] * taper[2 * k + 1]
    z, spectrum = _transform(x, y, n, twiddles)
    for lane in range(lanes):
        spectrum[0, 0, lane] = 2 * (z[0, 0, lane] + z[0, 1, lane])
        spectrum[n, 0, lane] = 2 * (z[0, 0, lane] - z[0, 1, lane])
        spectrum[0, 1, lane] = spectrum[n, 1, lane] = 0
    for k in range(1, n // 2 + 1):
        _untangle(z, spectrum, k, n - k, turns[k])
    return spectrum


@numba.njit(cache=True)
def _spectra(padded, start, hop_length, taper, twiddles, turns, x, y, out):
    lanes = x.shape[2]
    for first in range(0, len(out), lanes):
        spectrum = _transform_frames(padded, start + first, hop_length, taper, twiddles, turns, x, y)
        for lane in range(min(lanes, len(out) - first)):
            target = out[first + lane]
            for k in range(len(target)):
                target[k] = complex(spectrum[k, 0, lane], spectrum[k, 1, lane])


@numba.njit(cache=True)
def _add_inverse(spectra, hop_length, taper, twiddles, turns, x, y, out):
    # The inverse transform is the conjugate of the transform of conjugate numbers.
    n, lanes = len(x) - 1, x.shape[2]
    for first in range(0, len(spectra), lanes):
        for lane in range(lanes):
            spectrum = spectra[min(first + lane, len(spectra) - 1)]
            for k in range(n + 1):
                x[k, 0, lane] = spectrum[k].real
                x[k, 1, lane] = spectrum[k].imag
            y[0, 0, lane] = x[0, 0, lane] + x[n, 0, lane]
            y[0, 1, lane] = x[n, 0, lane] - x[0, 0, lane]
        for k in range(1, n // 2 + 1):
            _tangle(x, y, k, n - k, turns[k])
        z, _ = _transform(y, x, n, twiddles)
        for lane in range(min(lanes, len(spectra) - first)):
            start = (first + lane) * hop_length
            frame = out[start : start + 2 * n]
            for k in range(n):
                frame[2 * k] += z[k, 0, lane] * taper[2 * k]
                frame[2 * k + 1] -= z[k, 1, lane] * taper[2 * k + 1]


@cache
def _tables(n_fft: int) -> tuple[np.ndarray, np.ndarray]:
    # Twiddles of the packed transform, and the turns between it and the real one: roots of unity.
    of_packed, of_real = (np.exp(-2j * np.pi * np.arange(n) / n) for n in (n_fft // 2, n_fft))
    return of_packed, of_real


def _buffers(n_fft: int, dtype: np.dtype) -> np.ndarray:
    return np.empty((2, n_fft // 2 + 1, 2, _BYTES // dtype.itemsize), dtype)


def supports(n_fft: int) -> bool:
    """Return whether frames of this length can be transformed here: powers of two."""
    return n_fft >= 16 and n_fft & (n_fft - 1) == 0


def transform(padded: np.ndarray, start: int, hop_length: int, taper: np.ndarray, out: np.ndarray) -> None:
    """Transform successive frames: numpy.fft.rfft of each, times a window.

    Parameters
    ----------
    padded : ndarray of float32, shape (n,)
        Samples, of which the first frame begins with the first one.
    start : int
        Number of the first frame to transform.
    hop_length : int
        Samples between the starts of two frames.
    taper : ndarray of float32 or float64, shape (n_fft,)
        The window. Its type is the precision of the transform.
    out : ndarray of complex64, shape (frames, 1 + n_fft // 2)
        Where the spectra are written.
    """
    n_fft = len(taper)
    _spectra(padded, start, hop_length, taper / 2, *_tables(n_fft), *_buffers(n_fft, taper.dtype), out)


def add_inverse(spectra: np.ndarray, hop_length: int, taper: np.ndarray, out: np.ndarray) -> None:
    """Add up successive frames: numpy.fft.irfft of each spectrum, times a window.

    Parameters
    ----------
    spectra : ndarray of complex64, shape (frames, 1 + n_fft // 2)
        The spectra.
    hop_length : int
        Samples between the starts of two frames.
    taper : ndarray of float32 or float64, shape (n_fft,)
        The window. Its type is the precision of the transform.
    out : ndarray of float32, shape (n_fft + (frames - 1) * hop_length,)
        Samples to which the frames are added.
    """
    n_fft = len(taper)
    _add_inverse(spectra, hop_length, taper / n_fft, *_tables(n_fft), *_buffers(n_fft, taper.dtype), out)
