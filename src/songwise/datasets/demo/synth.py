"""The samples of a track, and its WAV file: notes become sound, are mixed, and pass through effects.

Some files are damaged on purpose, as `catalogue` lists them.
"""

import io
import math
import wave
from pathlib import Path

import numpy as np

from songwise.datasets.demo.catalogue import find_track
from songwise.datasets.demo.dice import Dice
from songwise.datasets.demo.instruments import INSTRUMENTS, SAMPLE_RATE, make_drum_kit, make_wavetable, play_pitches
from songwise.datasets.demo.score import Song, arrange_form, compose_song, write_drum_hits, write_notes

# Distortion of the levels -4096 to 4095.
SOFT_CLIP = np.array([round(32767 * math.tanh(i / 1024)) for i in range(-4096, 4096)], dtype=np.int32)

# Lowest and highest level of a role, 1024 is unchanged. It is drawn for each loop: otherwise all clips of a song
# would be nearly the same.
_LEVELS = (150, 1900)


def render(recipe: str, track_id: str, *, seed: int) -> np.ndarray:
    """Make the samples of a track.

    A silent track is all zeros. A truncated track is complete here: only its file is damaged.

    Parameters
    ----------
    recipe : str
        Name of a recipe.
    track_id : str
        Id of a track of the recipe.
    seed : int
        Seed of the music.

    Returns
    -------
    ndarray of int16, shape (samples,)
        Mono samples at 22,050 Hz.

    Raises
    ------
    ValueError
        If the recipe does not exist.
    KeyError
        If the recipe has no such track.
    """
    track = find_track(recipe, track_id, seed=seed)
    samples = track.tenths * SAMPLE_RATE // 10
    if track.fault == "silent":
        return np.zeros(samples, dtype=np.int16)
    music = find_track(recipe, track.music_id, seed=seed)
    song = compose_song(recipe, music, seed=seed)
    return _master(song, _play(song, samples))


def write_track(recipe: str, track_id: str, path: Path, *, seed: int) -> None:
    """Write a track as a WAV file, 16 bits, mono, 22,050 Hz.

    The file of a truncated track ends after a third of the samples that its header declares.

    Parameters
    ----------
    recipe : str
        Name of a recipe.
    track_id : str
        Id of a track of the recipe.
    path : Path
        The file to write. Its suffix does not matter.
    seed : int
        Seed of the music.

    Raises
    ------
    ValueError
        If the recipe does not exist.
    KeyError
        If the recipe has no such track.
    """
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(SAMPLE_RATE)
        writer.writeframes(render(recipe, track_id, seed=seed).tobytes())
    content = file.getvalue()
    if find_track(recipe, track_id, seed=seed).fault == "truncated":
        content = content[: len(content) // 6 * 2]
    path.write_bytes(content)


def _play(song: Song, samples: int) -> np.ndarray:
    """Play all roles of a song, loop by loop, and mix them; int32, shape (samples,)."""
    loop = song.steps_per_loop * _step_samples(song)
    dice = Dice(*song.dice_key, "form")
    layers = {}
    mix = np.zeros(-(-samples // loop) * loop, dtype=np.int32)
    form = arrange_form(dice, samples // loop + 1)
    for start, (part, roles) in zip(range(0, samples, loop), form, strict=True):
        for role in roles:
            if (part, role) not in layers:
                layers[part, role] = _play_loop(song, part, role)
            mix[start : start + loop] += layers[part, role] * dice.between(*_LEVELS) >> 10
    return mix[:samples]


def _step_samples(song: Song) -> int:
    """Return the samples of a sixteenth."""
    return SAMPLE_RATE * 15 // song.bpm


def _play_loop(song: Song, part: int, role: str) -> np.ndarray:
    """Play four bars of one role as a seamless loop, at its level in the mix; int32, shape (loop samples,)."""
    step = _step_samples(song)
    loop = np.zeros(song.steps_per_loop * step, dtype=np.int64)
    dice = Dice(*song.dice_key, "notes", part, role)
    if role == "drums":
        kit = make_drum_kit(song.knobs["bright"], Dice(*song.dice_key, "kit"))
        for hit in write_drum_hits(song, dice):
            _add_sound(loop, hit.start * step, kit[hit.drum] * hit.level >> 10)
    else:
        instrument = INSTRUMENTS[song.instruments[role][part]]
        wavetable = make_wavetable(instrument, song.knobs["bright"], dice)
        held = step * (400 + song.knobs["length"] * 6 // 10) // 1000
        sounds = {}
        for start, steps, pitches in write_notes(song, part, role, dice):
            if (steps, pitches) not in sounds:
                sounds[steps, pitches] = play_pitches(instrument, wavetable, pitches, held * steps)
            _add_sound(loop, start * step, sounds[steps, pitches])
    level = 600 if role == "chords" else 200 + 8 * song.knobs[role] // 10
    loudness = int(np.abs(loop).sum()) // len(loop) + 1
    return (loop * (2 * level) // loudness).astype(np.int32)


def _add_sound(loop: np.ndarray, start: int, sound: np.ndarray) -> None:
    """Add a sound to a loop in place. The part after the loop's end is added at its beginning."""
    head = loop[start : start + len(sound)]
    head += sound[: len(head)]
    loop[: len(sound) - len(head)] += sound[len(head) :]


def _master(song: Song, mix: np.ndarray) -> np.ndarray:
    """Add room, tone, distortion and a fade-out to a mix of int32; int16, same shape, peak -6 to -3 dBFS."""
    dice = Dice(*song.dice_key, "master")
    knobs = song.knobs
    # Mostly in place: allocating arrays as long as a song takes longer than the arithmetic.
    sound = mix.copy()
    for _ in range(2):
        echo = _make_echo(mix, dice.between(500, 900) + knobs["room"] * 3, 500 + knobs["room"] // 3)
        echo *= knobs["room"] * 6 // 10
        echo >>= 11
        sound += echo
    sound = _scale_treble(sound, 1, 350 + knobs["treble"] * 2)
    sound = _scale_treble(sound, 12, 1900 - knobs["body"] * 14 // 10)
    loudness = int(np.abs(sound).sum(dtype=np.int64)) // len(sound) + 1
    sound *= (120 + knobs["drive"]) * 1024 // loudness
    sound >>= 10
    sound += len(SOFT_CLIP) // 2
    sound = SOFT_CLIP.take(sound, mode="clip")
    peak = int(np.abs(sound).max())
    sound *= dice.between(16000, 23100)
    sound //= peak
    fade = min(SAMPLE_RATE, len(sound))
    sound[-fade:] = sound[-fade:] * np.arange(fade, 0, -1, dtype=np.int64) // fade
    return sound.astype(np.int16)


def _make_echo(sound: np.ndarray, delay: int, gain: int) -> np.ndarray:
    """Return the sound with an echo that feeds back. The gain is of 1024."""
    echo = sound.copy()
    # A block is as long as the delay, so no block depends on itself.
    for start in range(delay, len(echo), delay):
        block = echo[start : start + delay]
        block += echo[start - delay : start - delay + len(block)] * gain >> 10
    return echo


def _scale_treble(sound: np.ndarray, reach: int, gain: int) -> np.ndarray:
    """Scale the frequencies that an average of three samples, `reach` apart, removes. The gain is of 1024."""
    padded = np.pad(sound, reach, mode="edge")
    smooth = padded[: -2 * reach] + padded[2 * reach :]
    smooth += 2 * sound
    smooth >>= 2
    detail = sound - smooth
    detail *= gain
    detail >>= 10
    detail += smooth
    return detail
