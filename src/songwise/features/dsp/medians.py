"""Running medians of 31 along either axis of a spectrogram, bit-equal to scipy.ndimage.median_filter(mode="reflect").

Eight neighbouring windows share 24 values. A sorting network finds their middle eight once, then narrows them down as
the windows separate: a median costs some 19 comparisons, where a selection network per window needs 250. Each
comparison is made for many columns at a time, as minimum and maximum of two rows, which compilers vectorise.
"""

import numba
import numpy as np

WINDOW = 31
_HALF = WINDOW // 2
_TOGETHER = 8  # windows per run of the network
_LANES = 128  # columns at a time
_LINE = 16  # numbers in a line of the processor's cache
_NEVER = -1


class _Network:
    """Comparisons on numbered values: the inputs, then two results per comparison (the smaller, the larger)."""

    def __init__(self, inputs: int):
        self.inputs = inputs
        self.steps: list[tuple[int, int]] = []

    def order(self, one: int, other: int) -> tuple[int, int]:
        self.steps.append((one, other))
        return self.inputs + 2 * len(self.steps) - 2, self.inputs + 2 * len(self.steps) - 1

    def merge(self, some: list[int], others: list[int]) -> list[int]:
        """Merge two sorted lists of any lengths by Batcher's odd-even merge."""
        if not some or not others:
            return some + others
        if len(some) == len(others) == 1:
            return list(self.order(some[0], others[0]))
        even = self.merge(some[::2], others[::2])
        odd = self.merge(some[1::2], others[1::2])
        merged = [even[0]]
        for low, high in zip(odd, even[1:], strict=False):
            merged += self.order(low, high)
        return merged + odd[len(even) - 1 :] + even[len(odd) + 1 :]

    def sort(self, values: list[int]) -> list[int]:
        if len(values) < 2:
            return values
        half = len(values) // 2
        return self.merge(self.sort(values[:half]), self.sort(values[half:]))

    def program(self, outputs: list[int]) -> tuple[np.ndarray, np.ndarray, int]:
        """Return the steps as rows (one, other, smaller, larger) of slots, the outputs' slots and the number of slots.

        Results that no step reads go to a spare slot. A slot is used again after its value was read for the last time.
        """
        needed, kept = set(outputs), []
        for number in reversed(range(len(self.steps))):
            results = (self.inputs + 2 * number, self.inputs + 2 * number + 1)
            if needed.intersection(results):
                kept.append((self.steps[number], [result if result in needed else _NEVER for result in results]))
                needed.update(self.steps[number])
        kept.reverse()
        last_read = {value: at for at, (step, _) in enumerate(kept) for value in step}
        slot = {value: value for value in range(self.inputs)}
        free: list[int] = []
        spare, count, rows = self.inputs, self.inputs + 1, []
        for at, (step, results) in enumerate(kept):
            row = [slot[value] for value in step]
            for value in results:
                if value == _NEVER:
                    row.append(spare)
                    continue
                if not free:
                    free.append(count)
                    count += 1
                slot[value] = free.pop()
                row.append(slot[value])
            # The slots of inputs are not used again: the next block writes its inputs there.
            free += [
                slot[value]
                for value in dict.fromkeys(step)
                if value >= self.inputs and last_read[value] == at and value not in outputs
            ]
            rows.append(row)
        return np.array(rows, np.int64), np.array([slot[value] for value in outputs]), count


def _program() -> tuple[np.ndarray, np.ndarray, int]:
    """Return the network for the medians of eight neighbouring windows and for the newest eight rows, sorted.

    Inputs, counted from the first row of the first window: 7 to 14 and 15 to 22 sorted, 23 to 30 unsorted, then the
    rows on either side, 0 to 6 and 31 to 37.
    """
    network = _Network(3 * 8 + 14)
    left, right = list(range(24, 31)), list(range(31, 38))
    newest = network.sort(list(range(16, 24)))
    core = network.merge(network.merge(list(range(8)), list(range(8, 16))), newest)[8:16]
    medians = []
    for four in (left[3:], right[:4]):  # four windows share 28 rows
        middle = network.merge(core, network.sort(four))[4:8]
        before = [row for row in left if row not in four]
        after = [row for row in right if row not in four]
        for two, singles in ((before[-2:], (before[-3], after[0])), (after[:2], (before[-1], after[2]))):
            low, high = network.merge(middle, network.sort(two))[2:4]  # two windows share 30
            for single in singles:
                smaller, _ = network.order(single, high)
                _, median = network.order(smaller, low)
                medians.append(median)
    return network.program(medians + newest)


_STEPS, _RESULTS, _SLOTS = _program()
_ROWS = np.array([*range(7, 31), *range(7), *range(31, 38)])  # of the inputs, after the first window's first


@numba.njit(cache=True)
def _reflected(index, n):
    index %= 2 * n
    return index if index < n else 2 * n - 1 - index


@numba.njit(cache=True)
def _run(work, steps):
    for step in range(len(steps)):
        one, other = steps[step, 0], steps[step, 1]
        smaller, larger = steps[step, 2], steps[step, 3]
        for lane in range(_LANES):
            a = work[one, lane]
            b = work[other, lane]
            work[smaller, lane] = min(a, b)
            work[larger, lane] = max(a, b)


@numba.njit(cache=True)
def _along_first_axis(x, out, steps, results, rows, slots):
    n, columns = x.shape
    work = np.zeros((slots, _LANES), np.float32)
    for first in range(0, columns, _LANES):
        lanes = min(_LANES, columns - first)
        # Two sorted groups of eight rows are carried over. Two rounds without output make the first ones.
        for start in range(-2 * _TOGETHER, n, _TOGETHER):
            for slot in range(16, 38):
                source = x[_reflected(start - _HALF + rows[slot], n), first : first + lanes]
                for lane in range(lanes):
                    work[slot, lane] = source[lane]
            _run(work, steps)
            for row in range(max(start, 0), min(start + _TOGETHER, n)):
                slot = results[row - start]
                target = out[row, first : first + lanes]
                for lane in range(lanes):
                    target[lane] = work[slot, lane]
            for slot in range(16):
                kept = slot + 8 if slot < 8 else results[slot]
                for lane in range(_LANES):
                    work[slot, lane] = work[kept, lane]


@numba.njit(cache=True)
def _along_last_axis(x, out, steps, results, rows, slots):
    frames, bins = x.shape
    tile = np.zeros((bins, _LANES), np.float32)
    medians = np.zeros((bins, _LANES), np.float32)
    for first in range(0, frames, _LANES):
        lanes = min(_LANES, frames - first)
        for start in range(0, bins, _LINE):
            stop = min(start + _LINE, bins)
            for lane in range(lanes):
                frame = x[first + lane]
                for k in range(start, stop):
                    tile[k, lane] = frame[k]
        _along_first_axis(tile, medians, steps, results, rows, slots)
        for start in range(0, bins, _LINE):
            stop = min(start + _LINE, bins)
            for lane in range(lanes):
                frame = out[first + lane]
                for k in range(start, stop):
                    frame[k] = medians[k, lane]


def along_frames(S: np.ndarray) -> np.ndarray:
    """Compute the running median of each bin over 31 frames: median_filter(S, size=(31, 1), mode="reflect").

    Parameters
    ----------
    S : ndarray of float32, shape (frames, bins)
        Magnitude spectrum.

    Returns
    -------
    ndarray of float32, shape (frames, bins)
        The medians.
    """
    medians = np.empty_like(S)
    _along_first_axis(S, medians, _STEPS, _RESULTS, _ROWS, _SLOTS)
    return medians


def along_bins(S: np.ndarray) -> np.ndarray:
    """Compute the running median of each frame over 31 bins: median_filter(S, size=(1, 31), mode="reflect").

    Parameters
    ----------
    S : ndarray of float32, shape (frames, bins)
        Magnitude spectrum.

    Returns
    -------
    ndarray of float32, shape (frames, bins)
        The medians.
    """
    medians = np.empty_like(S)
    _along_last_axis(S, medians, _STEPS, _RESULTS, _ROWS, _SLOTS)
    return medians
