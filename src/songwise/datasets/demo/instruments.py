"""The sounds of the demo's instruments and drums.

A wavetable holds the period of an instrument as it changes during a note: `_ROWS` rows of `_PERIOD` samples. A sound
reads row after row at the note's frequency.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from songwise.datasets.demo.dice import Dice

SAMPLE_RATE = 22050

_ROWS = 64
_ROW_SAMPLES = 1024  # samples of a note per row, 46 ms
_PERIOD = 512  # samples of one period in a wavetable
# A phase of 2**24 is one period. The shift turns a phase into a position in the period.
_PHASE_SHIFT = 15
_RELEASE = 2000  # samples in which a released note fades out

# Added to the phase per sample, for each MIDI note.
PHASE_STEPS = [round(2**24 * 440 * 2 ** ((note - 69) / 12) / SAMPLE_RATE) for note in range(128)]
# One period of a sine, peak 32767.
SINE = np.array([round(32767 * math.sin(2 * math.pi * i / _PERIOD)) for i in range(_PERIOD)], dtype=np.int64)
# Exponential decay from 32767, by a factor of e every 256 entries.
DECAY = np.array([round(32767 * math.exp(-i / 256)) for i in range(2048)], dtype=np.int64)


@dataclass(frozen=True)
class Instrument:
    """A wavetable instrument.

    Attributes
    ----------
    synthesis : str
        How its wavetable is made: pluck, fm or additive.
    parameters : tuple of int
        Parameters of the synthesis. pluck: softness and damping. fm: carrier, modulator, index and its decay per row,
        of 1000. additive: weight per harmonic.
    attack : int
        Samples until full level.
    decay : int
        Time constant of the level's decay, in samples.
    """

    synthesis: str
    parameters: tuple[int, ...]
    attack: int
    decay: int


INSTRUMENTS = {
    "nylon": Instrument("pluck", (3, 4), 40, 12000),
    "steel": Instrument("pluck", (1, 2), 20, 20000),
    "banjo": Instrument("pluck", (0, 6), 10, 5000),
    "electric_piano": Instrument("fm", (1, 1, 220, 970), 60, 16000),
    "bell": Instrument("fm", (1, 7, 260, 950), 20, 24000),
    "brass": Instrument("fm", (1, 1, 520, 1000), 900, 90000),
    "glass": Instrument("fm", (2, 5, 330, 985), 300, 30000),
    "organ": Instrument("additive", (9, 9, 7, 6, 0, 5, 0, 4), 200, 200000),
    "strings": Instrument("additive", (9, 5, 3, 2, 2, 2, 1, 1, 1, 1), 2600, 200000),
    "flute": Instrument("additive", (9, 3, 1), 1200, 120000),
    "reed": Instrument("additive", (9, 0, 6, 0, 4, 0, 3, 0, 2, 0, 2, 0, 1), 500, 90000),
    "saw": Instrument("additive", (12, 6, 4, 3, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1), 60, 60000),
}


def make_wavetable(instrument: Instrument, brightness: int, dice: Dice) -> np.ndarray:
    """Make the wavetable of an instrument.

    Parameters
    ----------
    instrument : Instrument
        The instrument.
    brightness : int
        Strength of the overtones, 0 to 1000.
    dice : Dice
        Source of small differences between songs.

    Returns
    -------
    ndarray of int64, shape (rows * period,)
        The rows from onset to rest, one after another, peak 2**14.
    """
    synthesise = {"pluck": _pluck, "fm": _modulate_frequency, "additive": _add_harmonics}[instrument.synthesis]
    brightness = min(max(brightness + dice.deviate(200), 0), 1000)
    table = synthesise(instrument.parameters, brightness, dice)
    table = table - table.sum(axis=1, keepdims=True) // _PERIOD
    return (table * 2**14 // np.abs(table).max()).ravel()


def play_pitches(instrument: Instrument, wavetable: np.ndarray, pitches: Sequence[int], held: int) -> np.ndarray:
    """Play a note or a chord.

    Parameters
    ----------
    instrument : Instrument
        The instrument.
    wavetable : ndarray of int64, shape (rows * period,)
        Its wavetable, from `make_wavetable`.
    pitches : sequence of int
        MIDI note numbers.
    held : int
        Samples until the release.

    Returns
    -------
    ndarray of int64, shape (held + release,)
        The samples.
    """
    t = np.arange(held + _RELEASE, dtype=np.int64)
    row = np.minimum(t // _ROW_SAMPLES, _ROWS - 1) * _PERIOD
    sound = np.zeros(len(t), dtype=np.int64)
    for pitch in pitches:
        sound += wavetable[row + (t * PHASE_STEPS[pitch] >> _PHASE_SHIFT & _PERIOD - 1)]
    envelope = _decay(t, instrument.decay)
    attack = min(instrument.attack, held)
    envelope[:attack] = envelope[:attack] * t[:attack] // attack
    envelope[held:] = envelope[held:] * (_RELEASE - t[:_RELEASE]) // _RELEASE
    return sound * envelope >> 15


def make_drum_kit(brightness: int, dice: Dice) -> dict[str, np.ndarray]:
    """Make one hit of each drum.

    Parameters
    ----------
    brightness : int
        Strength of the overtones, 0 to 1000.
    dice : Dice
        Source of the differences between songs.

    Returns
    -------
    dict of str to ndarray of int64, shape (samples,)
        Samples of kick, snare and hat, peaks near 2**14.
    """
    t = np.arange(9000, dtype=np.int64)
    base, sweep = dice.between(32000, 52000), dice.between(60000, 220000)
    phase = np.cumsum(base + (sweep * _decay(t, 700) >> 15))
    kick = SINE[phase >> _PHASE_SHIFT & _PERIOD - 1] * _decay(t, dice.between(1500, 3200)) >> 16
    noise = _make_noise(dice, len(t))
    shell = SINE[t * dice.between(120000, 200000) >> _PHASE_SHIFT & _PERIOD - 1]
    snare = (shell + noise * (400 + brightness) // 700) * _decay(t, dice.between(700, 2400)) >> 17
    treble_noise = noise - np.roll(noise, 1)
    hat = treble_noise * _decay(t, dice.between(150, 500) + brightness) >> 18
    return {"kick": kick, "snare": snare, "hat": hat}


def _pluck(parameters: Sequence[int], brightness: int, dice: Dice) -> np.ndarray:
    """Return the periods of a plucked string: noise, averaged again and again with its neighbour.

    The algorithm is Karplus-Strong ("Digital synthesis of plucked-string and drum timbres", 1983), applied to a whole
    period at a time. The shape is (_ROWS, _PERIOD).
    """
    softness, damping = parameters
    ring = _make_noise(dice, _PERIOD // 4)
    previous = np.arange(-1, len(ring) - 1)
    rows = []
    for _ in range(softness + (1000 - brightness) // 150):
        ring = (ring + ring[previous]) // 2
    for _ in range(_ROWS):
        rows.append(ring)
        for _ in range(damping):
            ring = (ring + ring[previous]) // 2
    # Linear interpolation to four times as many samples.
    corners = np.stack(rows)
    following = np.roll(corners, -1, axis=1)
    quarters = [(corners * (4 - quarter) + following * quarter) // 4 for quarter in range(4)]
    return np.stack(quarters, axis=2).reshape(_ROWS, _PERIOD)


def _modulate_frequency(parameters: Sequence[int], brightness: int, dice: Dice) -> np.ndarray:
    """Return the periods of frequency modulation with two operators. The index decays from row to row.

    The method is Chowning's ("The synthesis of complex audio spectra by means of frequency modulation", 1973). The
    shape is (_ROWS, _PERIOD).
    """
    carrier, modulator, index, decay = parameters
    depth = index * (400 + brightness * 12 // 10) // 1000
    phase = np.arange(_PERIOD, dtype=np.int64)
    rows = []
    for _ in range(_ROWS):
        modulation = depth * SINE[phase * modulator % _PERIOD] // 2**17
        rows.append(SINE[(phase * carrier + modulation) % _PERIOD])
        depth = depth * decay // 1000
    return np.stack(rows)


def _add_harmonics(parameters: Sequence[int], brightness: int, dice: Dice) -> np.ndarray:
    """Return equal periods of weighted harmonics, tilted by the brightness and a little by chance."""
    phase = np.arange(_PERIOD, dtype=np.int64)
    period = np.zeros(_PERIOD, dtype=np.int64)
    for harmonic, weight in enumerate(parameters, start=1):
        tilt = 1000 + (brightness - 500) * min(harmonic - 1, 8) // 6
        amplitude = weight * max(tilt, 100) * dice.between(700, 1300) // 1000
        period += amplitude * SINE[(phase * harmonic + dice.below(_PERIOD)) % _PERIOD]
    return np.tile(period, (_ROWS, 1))


def _make_noise(dice: Dice, samples: int) -> np.ndarray:
    """Return white noise of 16 bits; int64, shape (samples,)."""
    stream = hashlib.shake_256(str(dice.below(2**62)).encode()).digest(2 * samples)
    return np.frombuffer(stream, dtype="<i2").astype(np.int64)


def _decay(t: np.ndarray, time_constant: int) -> np.ndarray:
    """Return an exponential decay from 32767; int64, the shape of `t`. Times are in samples."""
    return DECAY[np.minimum(t * 256 // time_constant, len(DECAY) - 1)]
