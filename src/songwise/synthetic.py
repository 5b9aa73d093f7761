"""Invented music: demo data that needs no network and is the same to the bit on every machine.

A recipe is a small catalogue of invented songs. Every label (a band, or a genre) is a distribution over
tempo, mode, chords, instruments and mix; an artist, an album and a song each add an offset of their own.
So two clips of one song are closer than two songs of one label, as in real music, and a model tested on
songs it has heard looks better than it is.

From the dice to the last sample all arithmetic is on integers: no CPU, maths library or numpy version can
change a bit. Only the lookup tables start as floats, of `math`, and are rounded to integers far from any tie.

Numpy is imported only where samples are made: every start of Snakemake reads the track sheet, which needs
none.
"""

from __future__ import annotations

import hashlib
import io
import math
import wave
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

SAMPLE_RATE = 22050

_ROW = 1024  # samples for which a note keeps one row of its wavetable, 46 ms
_ROWS = 64
_CYCLE = 512  # entries of one period
# Phase steps per sample of the MIDI notes: 2**24 is one period, and the shift leaves an entry of it.
_SHIFT = 15
_PHASE_STEPS = [round(2**24 * 440 * 2 ** ((note - 69) / 12) / SAMPLE_RATE) for note in range(128)]

_SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
}

# Kick, snare and hat in sixteenths; the number of steps is the metre.
_GROOVES = {
    "backbeat": ("x.....x.x.......", "....x.......x...", "x.x.x.x.x.x.x.x."),
    "floor": ("x...x...x...x...", "....x.......x...", "..x...x...x...x."),
    "driving": ("x..x..x.x..x..x.", "....x.......x..x", "xxxxxxxxxxxxxxxx"),
    "halftime": ("x.........x.....", "........x.......", "x...x...x...x..."),
    "waltz": ("x...........", "....x...x...", "x...x...x..."),
    "pulse": ("x.......x.......", "................", "....x.......x..."),
}

# Chord rhythms: the step of each hit in a bar of 16, and how many steps it sounds.
_COMPING = {
    "pad": ((0, 16),),
    "strum": ((0, 4), (4, 2), (6, 4), (10, 2), (12, 4)),
    "stabs": ((2, 1), (6, 1), (10, 1), (14, 1)),
    "chug": tuple((step, 2) for step in range(0, 16, 2)),
    "halves": ((0, 8), (8, 8)),
}


@dataclass(frozen=True)
class _Instrument:
    """A wavetable voice; times in samples, `shape` is what its kind of synthesis needs."""

    kind: str  # pluck, fm or additive
    shape: tuple[int, ...]
    attack: int
    decay: int


_INSTRUMENTS = {
    "nylon": _Instrument("pluck", (3, 4), 40, 12000),
    "steel": _Instrument("pluck", (1, 2), 20, 20000),
    "banjo": _Instrument("pluck", (0, 6), 10, 5000),
    "electric_piano": _Instrument("fm", (1, 1, 220, 970), 60, 16000),
    "bell": _Instrument("fm", (1, 7, 260, 950), 20, 24000),
    "brass": _Instrument("fm", (1, 1, 520, 1000), 900, 90000),
    "glass": _Instrument("fm", (2, 5, 330, 985), 300, 30000),
    "organ": _Instrument("additive", (9, 9, 7, 6, 0, 5, 0, 4), 200, 200000),
    "strings": _Instrument("additive", (9, 5, 3, 2, 2, 2, 1, 1, 1, 1), 2600, 200000),
    "flute": _Instrument("additive", (9, 3, 1), 1200, 120000),
    "reed": _Instrument("additive", (9, 0, 6, 0, 4, 0, 3, 0, 2, 0, 2, 0, 1), 500, 90000),
    "saw": _Instrument("additive", (12, 6, 4, 3, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1), 60, 60000),
}

_KNOBS = ("treble", "body", "drive", "room", "bright", "length", "busy", "drums", "lead", "bass", "register")


# Level of a role, of 1024, drawn for each loop: without it all clips of a song would be nearly the same.
_TOUCH = (150, 1900)


@dataclass(frozen=True)
class _Style:
    """What a label tends to do: weights of its choices, and the centres of its knobs (of 1000, else 500)."""

    bpm: tuple[int, int]
    modes: Mapping[str, int]
    progressions: str
    grooves: Mapping[str, int]
    comping: Mapping[str, int]
    bass: Mapping[str, int]
    chords: Mapping[str, int]
    lead: Mapping[str, int]
    knobs: Mapping[str, int]


@dataclass(frozen=True)
class _Recipe:
    """Styles by label, artists by label, and how far artist, album and song may stray from the label."""

    styles: Mapping[str, _Style]
    artists: Mapping[str, Sequence[str]]
    songs_per_album: int
    tenths: tuple[int, int]  # of a second
    stray: Mapping[str, int]
    chosen_by: str  # who chooses instruments and groove: each song, or the artist once and for all
    planted: Mapping[str, str]  # artist: the fault of its extra track


_BANDS = {
    "copper_foxes": _Style(
        bpm=(100, 150),
        modes={"mixolydian": 3, "major": 2, "minor": 1},
        progressions="1454 1744 1564 1145",
        grooves={"backbeat": 4, "driving": 2, "floor": 1},
        comping={"strum": 3, "chug": 2, "halves": 1},
        bass={"steel": 3, "saw": 1},
        chords={"steel": 3, "organ": 2, "saw": 1},
        lead={"steel": 2, "reed": 1, "brass": 1, "bell": 1},
        knobs={"treble": 600, "drive": 620, "drums": 620, "room": 350},
    ),
    "night_ferry": _Style(
        bpm=(70, 112),
        modes={"minor": 3, "dorian": 3},
        progressions="1645 1763 6415 1543",
        grooves={"halftime": 3, "pulse": 2, "backbeat": 1},
        comping={"pad": 3, "halves": 2, "stabs": 1},
        bass={"electric_piano": 2, "nylon": 2},
        chords={"electric_piano": 3, "strings": 2, "nylon": 1},
        lead={"brass": 2, "flute": 2, "bell": 1, "glass": 1},
        knobs={"treble": 380, "body": 620, "room": 660, "drums": 400},
    ),
    "paper_lanterns": _Style(
        bpm=(84, 128),
        modes={"major": 4, "mixolydian": 1},
        progressions="1564 1645 1451 6415",
        grooves={"waltz": 3, "pulse": 2, "backbeat": 2},
        comping={"strum": 2, "halves": 2, "pad": 1},
        bass={"nylon": 3, "flute": 1},
        chords={"nylon": 3, "banjo": 2, "organ": 1},
        lead={"flute": 3, "bell": 2, "nylon": 1, "reed": 1},
        knobs={"drive": 340, "drums": 360, "lead": 620, "register": 640},
    ),
    "salt_cedar": _Style(
        bpm=(88, 140),
        modes={"dorian": 2, "major": 2, "minor": 1},
        progressions="1454 1545 1716 1414",
        grooves={"waltz": 2, "backbeat": 3, "halftime": 1},
        comping={"strum": 4, "chug": 1, "halves": 1},
        bass={"nylon": 2, "steel": 2},
        chords={"banjo": 3, "steel": 2, "nylon": 2},
        lead={"reed": 3, "banjo": 1, "flute": 1, "steel": 1},
        knobs={"bright": 620, "body": 400, "drums": 420, "room": 420},
    ),
    "tin_cathedral": _Style(
        bpm=(76, 124),
        modes={"minor": 3, "phrygian": 2, "dorian": 1},
        progressions="1626 1763 1617 6415",
        grooves={"halftime": 2, "driving": 2, "floor": 1},
        comping={"pad": 3, "chug": 1, "halves": 2},
        bass={"saw": 2, "brass": 2},
        chords={"organ": 3, "strings": 3, "glass": 1},
        lead={"bell": 2, "brass": 2, "strings": 1},
        knobs={"room": 700, "body": 600, "drive": 560, "register": 420},
    ),
    "velvet_static": _Style(
        bpm=(104, 136),
        modes={"minor": 3, "major": 1, "mixolydian": 1},
        progressions="6415 1645 1763 4156",
        grooves={"floor": 4, "driving": 1, "pulse": 1},
        comping={"stabs": 3, "chug": 2, "pad": 1},
        bass={"saw": 3, "electric_piano": 1},
        chords={"saw": 2, "glass": 2, "electric_piano": 2},
        lead={"glass": 2, "saw": 2, "bell": 1},
        knobs={"treble": 640, "body": 600, "drums": 640, "length": 380},
    ),
}

_GENRES = {
    "electric/ambient": _Style(
        bpm=(66, 116),
        modes={"major": 1, "dorian": 1, "minor": 2},
        progressions="1645 1414 1563 6415",
        grooves={"pulse": 3, "halftime": 2, "floor": 2},
        comping={"pad": 3, "halves": 2, "stabs": 1},
        bass={"electric_piano": 2, "saw": 2, "strings": 1},
        chords={"strings": 2, "glass": 2, "electric_piano": 2, "organ": 1},
        lead={"bell": 2, "glass": 2, "flute": 2},
        knobs={"room": 640, "drums": 400, "length": 600},
    ),
    "acoustic/waltz": _Style(
        bpm=(84, 140),
        modes={"major": 3, "dorian": 1, "mixolydian": 1},
        progressions="1451 1564 1545 1645",
        grooves={"waltz": 5, "pulse": 1},
        comping={"strum": 3, "halves": 2},
        bass={"nylon": 2, "steel": 1, "reed": 1},
        chords={"nylon": 2, "steel": 2, "banjo": 2, "organ": 1},
        lead={"flute": 2, "reed": 2, "banjo": 1, "brass": 1},
        knobs={"drums": 400, "drive": 420},
    ),
    "electric/garage": _Style(
        bpm=(104, 160),
        modes={"mixolydian": 2, "minor": 2, "major": 1},
        progressions="1454 1744 1645 1145",
        grooves={"backbeat": 3, "driving": 2, "halftime": 1},
        comping={"chug": 2, "strum": 2, "stabs": 1},
        bass={"steel": 2, "saw": 2},
        chords={"steel": 2, "saw": 2, "organ": 1},
        lead={"steel": 2, "reed": 1, "saw": 1, "brass": 1},
        knobs={"drive": 600, "drums": 580},
    ),
}

# Iterating gives the names of the recipes.
RECIPES: Mapping[str, _Recipe] = {
    "bands": _Recipe(
        styles=_BANDS,
        artists={band: (band,) for band in _BANDS},
        songs_per_album=5,
        tenths=(500, 700),
        stray={"artist": 0, "album": 40, "song": 240},
        chosen_by="song",
        planted={"night_ferry": "twin", "salt_cedar": "truncated", "velvet_static": "silent"},
    ),
    "genres": _Recipe(
        styles=_GENRES,
        artists={
            "electric/ambient": ("glacier_post", "low_orbit", "mira_vale", "tidal_room"),
            "acoustic/waltz": ("ada_thornby", "hazel_and_rook", "mill_pond_trio", "old_harrow"),
            "electric/garage": ("broken_meters", "june_riot", "the_spare_keys", "wolf_canteen"),
        },
        songs_per_album=4,
        tenths=(250, 350),
        stray={"artist": 350, "album": 150, "song": 160},
        chosen_by="artist",
        planted={},
    ),
}

_FIRST_WORDS = (
    "amber autumn blue borrowed broken cold distant early electric empty falling gentle glass golden"
    " hidden hollow last little lonely midnight open quiet restless silver slow sudden tender velvet wild"
    " winter"
)
_LAST_WORDS = (
    "avenue bridge candle city cloud dancer echo engine fever fields garden harbour heart island lantern"
    " letter machine mirror moon morning ocean orchard parade postcard river road shadow signal sky station"
    " summer thunder tower train window"
)


class _Dice:
    """Random integers from SHA-256 of a key: a stream that no library version can change."""

    def __init__(self, *key: object) -> None:
        self._key = "\n".join(map(str, key))
        self._thrown = 0

    def below(self, stop: int) -> int:
        self._thrown += 1
        digest = hashlib.sha256(f"{self._key}\n{self._thrown}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % stop

    def between(self, low: int, high: int) -> int:
        """Both ends included."""
        return low + self.below(high - low + 1)

    def stray(self, width: int) -> int:
        """Triangular on -width to width, so that most draws are near zero."""
        return self.between(-width, 0) + self.between(0, width)

    def pick(self, options: Sequence):
        return options[self.below(len(options))]

    def weighted(self, weights: Mapping[str, int]) -> str:
        return self.pick([name for name, weight in weights.items() for _ in range(weight)])

    def shuffled(self, items: Sequence) -> list:
        left = list(items)
        return [left.pop(self.below(len(left))) for _ in items]


@dataclass(frozen=True)
class _Track:
    """A row of the catalogue; `music` is the track whose music it holds, itself unless it is a twin."""

    track_id: str
    label: str
    artist: str
    album: str
    tenths: int
    music: str
    fault: str  # twin, silent, truncated, or nothing


def track_rows(recipe: str, *, seed: int) -> list[dict[str, str]]:
    """Track sheet of a recipe, in order of track id, without rendering anything.

    Each row has track_id, label, song, artist, album and seconds, all as text. Names do not depend on the
    seed, so a data set can be described once; music and lengths do. Raises ValueError for an unknown recipe.
    """
    return [
        {
            "track_id": track.track_id,
            "label": track.label,
            "song": track.track_id,
            "artist": track.artist,
            "album": track.album,
            "seconds": f"{track.tenths // 10}.{track.tenths % 10}",
        }
        for track in _catalogue(recipe, seed).values()
    ]


def render(recipe: str, track_id: str, *, seed: int) -> np.ndarray:
    """Samples of a track, int16, shape (samples,), 22,050 Hz mono.

    A planted silent track is all zeros; a planted truncated one is whole here: only its file is damaged.
    Raises ValueError for an unknown recipe and KeyError for a track id that is not in it.
    """
    import numpy as np

    track = _find(recipe, track_id, seed)
    samples = track.tenths * SAMPLE_RATE // 10
    if track.fault == "silent":
        return np.zeros(samples, dtype=np.int16)
    return _perform(_compose(recipe, _find(recipe, track.music, seed), seed), samples)


def write_track(recipe: str, track_id: str, path: Path, *, seed: int) -> None:
    """Write a track to `path` as 16-bit mono WAV, whatever its suffix.

    The file of a planted truncated track stops after a third of the samples that its header promises.
    Raises as `render` does.
    """
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(SAMPLE_RATE)
        writer.writeframes(render(recipe, track_id, seed=seed).tobytes())
    content = file.getvalue()
    if _find(recipe, track_id, seed).fault == "truncated":
        content = content[: len(content) // 6 * 2]
    path.write_bytes(content)


def _find(recipe: str, track_id: str, seed: int) -> _Track:
    try:
        return _catalogue(recipe, seed)[track_id]
    except KeyError:
        raise KeyError(f"recipe {recipe!r} has no track {track_id!r}") from None


@cache
def _catalogue(recipe: str, seed: int) -> dict[str, _Track]:
    if recipe not in RECIPES:
        raise ValueError(f"unknown recipe {recipe!r}: choose one of {', '.join(sorted(RECIPES))}")
    plan = RECIPES[recipe]
    # One deck for the whole recipe, so that no two songs or albums share a title.
    deck = [f"{first}_{last}" for first in _FIRST_WORDS.split() for last in _LAST_WORDS.split()]
    titles = iter(_Dice("titles", recipe).shuffled(deck))
    tracks = []
    for label, artists in plan.artists.items():
        for artist in artists:
            own = []
            for album in (next(titles), next(titles)):
                for _ in range(plan.songs_per_album):
                    track_id = f"{artist}-{next(titles)}"
                    tenths = _Dice(seed, recipe, track_id, "length").between(*plan.tenths)
                    own.append(_Track(track_id, label, artist, album, tenths, track_id, ""))
            tracks += own
            if artist in plan.planted:
                tracks.append(_planted(plan.planted[artist], own, f"{artist}-{next(titles)}"))
    return {track.track_id: track for track in sorted(tracks, key=lambda track: track.track_id)}


def _planted(fault: str, own: Sequence[_Track], track_id: str) -> _Track:
    """An extra track with a fault, beside an artist's own good ones."""
    like = own[3]  # any of them would do
    music = like.track_id if fault == "twin" else track_id
    return _Track(track_id, like.label, like.artist, like.album, like.tenths, music, fault)


@dataclass(frozen=True)
class _Song:
    """All that a song decides before a sample is made; knobs are 0 to 1000."""

    key: tuple[object, ...]  # of its dice
    tonic: int
    step: int  # samples in a sixteenth
    scale: tuple[int, ...]
    progressions: tuple[str, str]  # of part A and part B
    groove: str
    comping: tuple[str, str]  # of part A and part B
    instruments: Mapping[str, tuple[str, str]]  # of part A and part B
    knobs: Mapping[str, int]

    @property
    def bar(self) -> int:
        """Steps in a bar."""
        return len(_GROOVES[self.groove][0])

    @property
    def loop(self) -> int:
        """Samples in four bars, the unit of the form."""
        return 4 * self.bar * self.step


def _compose(recipe: str, track: _Track, seed: int) -> _Song:
    plan = RECIPES[recipe]
    style = plan.styles[track.label]
    levels = {
        "artist": (seed, recipe, track.artist),
        "album": (seed, recipe, track.artist, track.album),
        "song": (seed, recipe, track.track_id),
    }
    knobs = {}
    for knob in _KNOBS:
        strays = [_Dice(*key, knob).stray(plan.stray[level]) for level, key in levels.items()]
        knobs[knob] = min(max(style.knobs.get(knob, 500) + sum(strays), 0), 1000)
    chosen = _Dice(*levels[plan.chosen_by], "choices")
    dice = _Dice(*levels["song"], "song")
    return _Song(
        key=levels["song"],
        tonic=dice.below(12),
        step=SAMPLE_RATE * 15 // dice.between(*style.bpm),
        scale=_SCALES[dice.weighted(style.modes)],
        progressions=tuple(dice.shuffled(style.progressions.split())[:2]),
        groove=chosen.weighted(style.grooves),
        comping=(chosen.weighted(style.comping), chosen.weighted(style.comping)),
        instruments={
            role: (chosen.weighted(getattr(style, role)), chosen.weighted(getattr(style, role)))
            for role in ("bass", "chords", "lead")
        },
        knobs=knobs,
    )


def _perform(song: _Song, samples: int) -> np.ndarray:
    """Play the form of a song, mix it and put it in a room; int16, shape (samples,)."""
    import numpy as np

    loop = song.loop
    dice = _Dice(*song.key, "form")
    layers = {}
    mix = np.zeros(-(-samples // loop) * loop, dtype=np.int32)
    for start, (part, playing) in zip(range(0, samples, loop), _form(dice, samples // loop + 1), strict=True):
        for role in playing:
            if (part, role) not in layers:
                layers[part, role] = _layer(song, part, role)
            mix[start : start + loop] += layers[part, role] * dice.between(*_TOUCH) >> 10
    return _master(song, mix[:samples])


def _form(dice: _Dice, loops: int) -> list[tuple[int, tuple[str, ...]]]:
    """Part and roles of each four-bar loop: a thin intro, then verses (part 0) and choruses (part 1)."""
    everyone = ("chords", "bass", "drums", "lead")
    intro = dice.pick([("chords", "bass"), ("chords", "drums"), ("chords", "lead")])
    verse = dice.pick([("chords", "bass", "drums"), everyone, ("chords", "bass", "lead")])
    bridge = dice.pick([("chords", "bass"), ("chords", "drums", "bass"), ("chords", "lead", "drums")])
    turns = [(0, intro)] if dice.below(2) else []
    turns += [(0, verse), (0, everyone), (1, everyone), (1, everyone), (0, verse), (1, everyone), (1, bridge)]
    return [turns[i % len(turns)] for i in range(loops)]


def _layer(song: _Song, part: int, role: str) -> np.ndarray:
    """One role's four bars as a seamless loop at its level in the mix; int32, shape (song.loop,)."""
    import numpy as np

    buffer = np.zeros(song.loop, dtype=np.int64)
    dice = _Dice(*song.key, "notes", part, role)
    if role == "drums":
        kit = _kit(song)
        for step, drum, level in _drum_hits(song, dice):
            _add(buffer, step * song.step, kit[drum] * level >> 10)
    else:
        instrument = _INSTRUMENTS[song.instruments[role][part]]
        table = _wavetable(instrument, song, dice)
        notes = {"bass": _bass_line, "chords": _chord_hits, "lead": _melody}[role](song, part, dice)
        held = song.step * (400 + song.knobs["length"] * 6 // 10) // 1000
        sounds = {}
        for step, steps, pitches in notes:
            if (steps, pitches) not in sounds:
                sounds[steps, pitches] = _sound(instrument, table, pitches, held * steps)
            _add(buffer, step * song.step, sounds[steps, pitches])
    level = 600 if role == "chords" else 200 + 8 * song.knobs[role] // 10
    loudness = int(np.abs(buffer).sum()) // song.loop + 1
    return (buffer * (2 * level) // loudness).astype(np.int32)


def _add(loop: np.ndarray, start: int, sound: np.ndarray) -> None:
    """Add a sound to a loop in place; what rings past the end is heard at the beginning."""
    head = loop[start : start + len(sound)]
    head += sound[: len(head)]
    loop[: len(sound) - len(head)] += sound[len(head) :]


def _pitch(song: _Song, degree: int, octave: int) -> int:
    """MIDI note of a scale degree counted from the tonic, which may be negative or above an octave."""
    return 12 * octave + song.tonic + 12 * (degree // 7) + song.scale[degree % 7]


def _roots(song: _Song, part: int) -> list[int]:
    """Scale degree of the chord of each bar."""
    return [int(figure) - 1 for figure in song.progressions[part]]


def _bass_line(song: _Song, part: int, dice: _Dice) -> list[tuple[int, int, tuple[int, ...]]]:
    """Notes as (step, steps, pitches): the root, with fifths and octaves now and then."""
    length = (8, 4, 2)[min(song.knobs["busy"] * 3 // 1001 + dice.below(2), 2)]
    notes = []
    for bar, root in enumerate(_roots(song, part)):
        for step in range(0, song.bar, length):
            degree = root if step == 0 else root + dice.pick((0, 0, 0, 4, 7))
            pitch = _pitch(song, degree, 3)
            notes.append((bar * song.bar + step, length, (pitch - 12 * (pitch > 50),)))
    return notes


def _chord_hits(song: _Song, part: int, dice: _Dice) -> list[tuple[int, int, tuple[int, ...]]]:
    """Notes as (step, steps, pitches): triads, each tone folded into one octave for smooth voice leading."""
    floor = 48 + song.knobs["register"] // 100
    notes = []
    for bar, root in enumerate(_roots(song, part)):
        tones = [_pitch(song, root + third, 4) for third in (0, 2, 4)]
        pitches = tuple(sorted(floor + (tone - floor) % 12 for tone in tones))
        for step, steps in _COMPING[song.comping[part]]:
            if step < song.bar:
                notes.append((bar * song.bar + step, min(steps, song.bar - step), pitches))
    return notes


def _melody(song: _Song, part: int, dice: _Dice) -> list[tuple[int, int, tuple[int, ...]]]:
    """Notes as (step, steps, pitches): a walk on the scale in one rhythm, a chord tone on each downbeat."""
    lengths = (2, 2, 4, 4, 6) if song.knobs["busy"] > 500 else (4, 4, 8, 6)
    rhythm, step = [], 0
    while step < song.bar:
        steps = min(dice.pick(lengths), song.bar - step)
        rhythm.append((step, steps))
        step += steps
    octave = 5 + (song.knobs["register"] > 550)
    notes, degree = [], 0
    for bar, root in enumerate(_roots(song, part)):
        for step, steps in rhythm:
            degree += dice.between(-2, 2)
            if step == 0:
                tones = (root + third for third in (-7, -5, -3, 0, 2, 4))
                degree = min((abs(tone - degree), tone) for tone in tones)[1]
            degree = min(max(degree, -5), 9)
            notes.append((bar * song.bar + step, steps, (_pitch(song, degree, octave),)))
    return notes


def _drum_hits(song: _Song, dice: _Dice) -> list[tuple[int, str, int]]:
    """Hits as (step, drum, level of 1024): the groove, with soft extra hats and a fill in the last bar."""
    hits = []
    for bar in range(4):
        for drum, pattern in zip(("kick", "snare", "hat"), _GROOVES[song.groove], strict=True):
            for step, mark in enumerate(pattern):
                extra = drum == "hat" and dice.below(2500) < song.knobs["busy"]
                fill = drum == "snare" and bar == 3 and step > song.bar - 5 and dice.below(2)
                if mark == "x" or extra or fill:
                    level = dice.between(850, 1024) if mark == "x" else dice.between(350, 600)
                    hits.append((bar * song.bar + step, drum, level))
    return hits


def _sound(instrument: _Instrument, table: np.ndarray, pitches: Sequence[int], held: int) -> np.ndarray:
    """A note or chord held for so many samples and released; int64, shape (held + release,)."""
    import numpy as np

    release = 2000
    t = np.arange(held + release, dtype=np.int64)
    row = np.minimum(t // _ROW, _ROWS - 1) * _CYCLE
    wave_sum = np.zeros(len(t), dtype=np.int64)
    for pitch in pitches:
        wave_sum += table[row + (t * _PHASE_STEPS[pitch] >> _SHIFT & _CYCLE - 1)]
    envelope = _fade(t, instrument.decay)
    attack = min(instrument.attack, held)
    envelope[:attack] = envelope[:attack] * t[:attack] // attack
    envelope[held:] = envelope[held:] * (release - t[:release]) // release
    return wave_sum * envelope >> 15


@cache
def _sine() -> np.ndarray:
    """One period, peak 32767; int64, shape (_CYCLE,)."""
    import numpy as np

    return np.array([round(32767 * math.sin(2 * math.pi * i / _CYCLE)) for i in range(_CYCLE)], dtype=np.int64)


@cache
def _decay() -> np.ndarray:
    """Fall from 32767 by a factor of e every 256 entries; int64, shape (2048,)."""
    import numpy as np

    return np.array([round(32767 * math.exp(-i / 256)) for i in range(2048)], dtype=np.int64)


@cache
def _soft_clip() -> np.ndarray:
    """What drive makes of the levels -4096 to 4095; int32, shape (8192,)."""
    import numpy as np

    return np.array([round(32767 * math.tanh(i / 1024)) for i in range(-4096, 4096)], dtype=np.int32)


def _fade(t: np.ndarray, decay: int) -> np.ndarray:
    """Exponential fall from 32767 with a time constant of `decay` samples; int64, the shape of `t`."""
    import numpy as np

    return _decay()[np.minimum(t * 256 // decay, len(_decay()) - 1)]


def _wavetable(instrument: _Instrument, song: _Song, dice: _Dice) -> np.ndarray:
    """An instrument's periods from onset to rest; int64, flattened (_ROWS, _CYCLE), peak 2**14."""
    import numpy as np

    make = {"pluck": _pluck, "fm": _fm, "additive": _additive}[instrument.kind]
    bright = min(max(song.knobs["bright"] + dice.stray(200), 0), 1000)
    table = make(instrument.shape, bright, dice)
    table = table - table.sum(axis=1, keepdims=True) // _CYCLE
    return (table * 2**14 // np.abs(table).max()).ravel()


def _pluck(shape: Sequence[int], bright: int, dice: _Dice) -> np.ndarray:
    """Karplus and Strong's string, a whole period at a time: noise that is averaged with its neighbour."""
    import numpy as np

    softness, damping = shape
    ring = _noise(dice, _CYCLE // 4)
    before = np.arange(-1, len(ring) - 1)
    rows = []
    for _ in range(softness + (1000 - bright) // 150):
        ring = (ring + ring[before]) // 2
    for _ in range(_ROWS):
        rows.append(ring)
        for _ in range(damping):
            ring = (ring + ring[before]) // 2
    corners = np.stack(rows)
    following = np.roll(corners, -1, axis=1)
    between = [(corners * (4 - quarter) + following * quarter) // 4 for quarter in range(4)]
    return np.stack(between, axis=2).reshape(_ROWS, _CYCLE)


def _fm(shape: Sequence[int], bright: int, dice: _Dice) -> np.ndarray:
    """Two-operator frequency modulation, its index falling from row to row."""
    import numpy as np

    carrier, modulator, index, fall = shape
    depth = index * (400 + bright * 12 // 10) // 1000
    phase = np.arange(_CYCLE, dtype=np.int64)
    rows = []
    for _ in range(_ROWS):
        swing = depth * _sine()[phase * modulator % _CYCLE] // 2**17
        rows.append(_sine()[(phase * carrier + swing) % _CYCLE])
        depth = depth * fall // 1000
    return np.stack(rows)


def _additive(shape: Sequence[int], bright: int, dice: _Dice) -> np.ndarray:
    """Harmonics with the weights of `shape`, tilted by brightness and a little by chance."""
    import numpy as np

    phase = np.arange(_CYCLE, dtype=np.int64)
    period = np.zeros(_CYCLE, dtype=np.int64)
    for harmonic, weight in enumerate(shape, start=1):
        tilt = 1000 + (bright - 500) * min(harmonic - 1, 8) // 6
        amplitude = weight * max(tilt, 100) * dice.between(700, 1300) // 1000
        period += amplitude * _sine()[(phase * harmonic + dice.below(_CYCLE)) % _CYCLE]
    return np.tile(period, (_ROWS, 1))


def _noise(dice: _Dice, samples: int) -> np.ndarray:
    """White noise of 16 bits; int64, shape (samples,)."""
    import numpy as np

    stream = hashlib.shake_256(str(dice.below(2**62)).encode()).digest(2 * samples)
    return np.frombuffer(stream, dtype="<i2").astype(np.int64)


def _kit(song: _Song) -> dict[str, np.ndarray]:
    """One hit of each drum; int64, peaks near 2**14."""
    import numpy as np

    dice = _Dice(*song.key, "kit")
    bright = song.knobs["bright"]
    t = np.arange(9000, dtype=np.int64)
    base, sweep = dice.between(32000, 52000), dice.between(60000, 220000)
    phase = np.cumsum(base + (sweep * _fade(t, 700) >> 15))
    kick = _sine()[phase >> _SHIFT & _CYCLE - 1] * _fade(t, dice.between(1500, 3200)) >> 16
    noise = _noise(dice, len(t))
    shell = _sine()[t * dice.between(120000, 200000) >> _SHIFT & _CYCLE - 1]
    snare = (shell + noise * (400 + bright) // 700) * _fade(t, dice.between(700, 2400)) >> 17
    sizzle = noise - np.roll(noise, 1)
    hat = sizzle * _fade(t, dice.between(150, 500) + bright) >> 18
    return {"kick": kick, "snare": snare, "hat": hat}


def _master(song: _Song, mix: np.ndarray) -> np.ndarray:
    """Room, tone, drive and level of a mix of int32; int16, same shape, peak at -3 dBFS or a little below."""
    import numpy as np

    dice = _Dice(*song.key, "master")
    knobs = song.knobs
    # Mostly in place: a fresh array as long as a song costs more than the arithmetic.
    sound = mix.copy()
    for _ in range(2):
        echo = _comb(mix, dice.between(500, 900) + knobs["room"] * 3, 500 + knobs["room"] // 3)
        echo *= knobs["room"] * 6 // 10
        echo >>= 11
        sound += echo
    sound = _shelf(sound, 1, 350 + knobs["treble"] * 2)
    sound = _shelf(sound, 12, 1900 - knobs["body"] * 14 // 10)
    loudness = int(np.abs(sound).sum(dtype=np.int64)) // len(sound) + 1
    sound *= (120 + knobs["drive"]) * 1024 // loudness
    sound >>= 10
    sound += len(_soft_clip()) // 2
    sound = _soft_clip().take(sound, mode="clip")
    peak = int(np.abs(sound).max())
    sound *= dice.between(16000, 23100)
    sound //= peak
    fade = min(SAMPLE_RATE, len(sound))
    sound[-fade:] = sound[-fade:] * np.arange(fade, 0, -1, dtype=np.int64) // fade
    return sound.astype(np.int16)


def _comb(sound: np.ndarray, delay: int, gain: int) -> np.ndarray:
    """Echo that feeds back `gain` of 1024; a block is as long as the delay, so none feeds itself."""
    echo = sound.copy()
    for start in range(delay, len(echo), delay):
        block = echo[start : start + delay]
        block += echo[start - delay : start - delay + len(block)] * gain >> 10
    return echo


def _shelf(sound: np.ndarray, reach: int, gain: int) -> np.ndarray:
    """Scale by `gain` of 1024 what a three-tap average, `reach` apart, takes away; int32, same shape."""
    import numpy as np

    padded = np.pad(sound, reach, mode="edge")
    smooth = padded[: -2 * reach] + padded[2 * reach :]
    smooth += 2 * sound
    smooth >>= 2
    detail = sound - smooth
    detail *= gain
    detail >>= 10
    detail += smooth
    return detail
