"""The score of a song: its tempo, key, form, notes and drum hits. No sound."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from songwise.datasets.demo.catalogue import DemoTrack
from songwise.datasets.demo.dice import Dice
from songwise.datasets.demo.styles import COMPING, GROOVES, KNOBS, SCALES, STYLE_SETS

BARS_PER_LOOP = 4


@dataclass(frozen=True)
class Song:
    """All choices of a song that precede its notes. A pair has a value for the verse and one for the chorus.

    Attributes
    ----------
    dice_key : tuple of object
        Key of all random draws of the song.
    tonic : int
        Pitch class of the tonic, 0 to 11 for C to B.
    bpm : int
        Tempo in quarter notes per minute.
    scale : tuple of int
        Semitones above the tonic per scale degree.
    progressions : tuple of str
        Chord progressions, a pair. Each has four digits: the scale degree of the chord in each bar.
    groove : str
        Drum pattern.
    comping : tuple of str
        Chord rhythms, a pair.
    instruments : mapping of str to tuple of str
        Instruments per role (bass, chords, lead), a pair each.
    knobs : mapping of str to int
        Values of the knobs (`styles.KNOBS`), 0 to 1000.
    """

    dice_key: tuple[object, ...]
    tonic: int
    bpm: int
    scale: tuple[int, ...]
    progressions: tuple[str, str]
    groove: str
    comping: tuple[str, str]
    instruments: Mapping[str, tuple[str, str]]
    knobs: Mapping[str, int]

    @property
    def steps_per_bar(self) -> int:
        """Number of sixteenths in a bar."""
        return len(GROOVES[self.groove][0])

    @property
    def steps_per_loop(self) -> int:
        """Number of sixteenths in four bars, the unit of the form."""
        return BARS_PER_LOOP * self.steps_per_bar


class Note(NamedTuple):
    """A note or a chord.

    Attributes
    ----------
    start : int
        First step, in sixteenths from the start of the loop.
    steps : int
        Length in sixteenths.
    pitches : tuple of int
        MIDI note numbers.
    """

    start: int
    steps: int
    pitches: tuple[int, ...]


class DrumHit(NamedTuple):
    """A hit of one drum.

    Attributes
    ----------
    start : int
        Step, in sixteenths from the start of the loop.
    drum : str
        kick, snare or hat.
    level : int
        Level, 1024 is full.
    """

    start: int
    drum: str
    level: int


def compose_song(recipe: str, track: DemoTrack, *, seed: int) -> Song:
    """Choose the tempo, key, instruments and knobs of a song.

    Parameters
    ----------
    recipe : str
        Name of a recipe.
    track : DemoTrack
        The song's track.
    seed : int
        Seed of the music.

    Returns
    -------
    Song
        The choices.
    """
    style_set = STYLE_SETS[recipe]
    style = style_set.styles[track.label]
    keys = {
        "artist": (seed, recipe, track.artist),
        "album": (seed, recipe, track.artist, track.album),
        "song": (seed, recipe, track.track_id),
    }
    knobs = {}
    for knob in KNOBS:
        deviation = sum(Dice(*key, knob).deviate(style_set.deviations[level]) for level, key in keys.items())
        knobs[knob] = min(max(style.knobs.get(knob, 500) + deviation, 0), 1000)
    # The order of the draws is part of the music: Python evaluates the arguments from first to last.
    choices = Dice(*keys[style_set.instruments_per], "choices")
    dice = Dice(*keys["song"], "song")
    return Song(
        dice_key=keys["song"],
        tonic=dice.below(12),
        bpm=dice.between(*style.bpm),
        scale=SCALES[dice.choose_weighted(style.modes)],
        progressions=tuple(dice.shuffle(style.progressions.split())[:2]),
        groove=choices.choose_weighted(style.grooves),
        comping=(choices.choose_weighted(style.comping), choices.choose_weighted(style.comping)),
        instruments={
            role: (choices.choose_weighted(weights), choices.choose_weighted(weights))
            for role, weights in (("bass", style.bass), ("chords", style.chords), ("lead", style.lead))
        },
        knobs=knobs,
    )


def arrange_form(dice: Dice, loops: int) -> list[tuple[int, tuple[str, ...]]]:
    """Choose the part and the roles of each four-bar loop: a thin intro, then verses and choruses.

    Parameters
    ----------
    dice : Dice
        Source of the choices.
    loops : int
        Number of loops.

    Returns
    -------
    list of tuple
        Per loop: its part (0 is the verse, 1 the chorus) and the roles that play.
    """
    all_roles = ("chords", "bass", "drums", "lead")
    intro = dice.choose([("chords", "bass"), ("chords", "drums"), ("chords", "lead")])
    verse = dice.choose([("chords", "bass", "drums"), all_roles, ("chords", "bass", "lead")])
    bridge = dice.choose([("chords", "bass"), ("chords", "drums", "bass"), ("chords", "lead", "drums")])
    form = [(0, intro)] if dice.below(2) else []
    form += [(0, verse), (0, all_roles), (1, all_roles), (1, all_roles), (0, verse), (1, all_roles), (1, bridge)]
    return [form[loop % len(form)] for loop in range(loops)]


def write_notes(song: Song, part: int, role: str, dice: Dice) -> list[Note]:
    """Write the notes of one role for one loop.

    Parameters
    ----------
    song : Song
        The song.
    part : int
        0 for the verse, 1 for the chorus.
    role : str
        bass, chords or lead.
    dice : Dice
        Source of the choices.

    Returns
    -------
    list of Note
        The notes in order of time.
    """
    return {"bass": _bass_line, "chords": _chords, "lead": _melody}[role](song, part, dice)


def write_drum_hits(song: Song, dice: Dice) -> list[DrumHit]:
    """Write the drum hits of one loop: the groove, with soft extra hats and a fill in the last bar.

    Parameters
    ----------
    song : Song
        The song.
    dice : Dice
        Source of the choices.

    Returns
    -------
    list of DrumHit
        The hits in order of bar and drum.
    """
    hits = []
    for bar in range(BARS_PER_LOOP):
        for drum, pattern in zip(("kick", "snare", "hat"), GROOVES[song.groove], strict=True):
            for step, mark in enumerate(pattern):
                extra = drum == "hat" and dice.below(2500) < song.knobs["busy"]
                fill = drum == "snare" and bar == BARS_PER_LOOP - 1 and step > len(pattern) - 5 and dice.below(2)
                if mark == "x" or extra or fill:
                    level = dice.between(850, 1024) if mark == "x" else dice.between(350, 600)
                    hits.append(DrumHit(bar * song.steps_per_bar + step, drum, level))
    return hits


def _pitch(song: Song, degree: int, octave: int) -> int:
    """Return the MIDI note of a scale degree, counted from the tonic. It may be negative or above an octave."""
    return 12 * octave + song.tonic + 12 * (degree // 7) + song.scale[degree % 7]


def _roots(song: Song, part: int) -> list[int]:
    """Return the scale degree of the chord in each bar, 0 for the tonic."""
    return [int(digit) - 1 for digit in song.progressions[part]]


def _bass_line(song: Song, part: int, dice: Dice) -> list[Note]:
    """Return the roots of the chords, with a few fifths and octaves."""
    length = (8, 4, 2)[min(song.knobs["busy"] * 3 // 1001 + dice.below(2), 2)]
    notes = []
    for bar, root in enumerate(_roots(song, part)):
        for step in range(0, song.steps_per_bar, length):
            degree = root if step == 0 else root + dice.choose((0, 0, 0, 4, 7))
            pitch = _pitch(song, degree, octave=3)
            notes.append(Note(bar * song.steps_per_bar + step, length, (pitch - 12 * (pitch > 50),)))
    return notes


def _chords(song: Song, part: int, dice: Dice) -> list[Note]:
    """Return triads. Each tone is folded into one octave for smooth voice leading."""
    lowest = 48 + song.knobs["register"] // 100
    notes = []
    for bar, root in enumerate(_roots(song, part)):
        tones = [_pitch(song, root + third, octave=4) for third in (0, 2, 4)]
        pitches = tuple(sorted(lowest + (tone - lowest) % 12 for tone in tones))
        for step, steps in COMPING[song.comping[part]]:
            if step < song.steps_per_bar:
                notes.append(Note(bar * song.steps_per_bar + step, min(steps, song.steps_per_bar - step), pitches))
    return notes


def _melody(song: Song, part: int, dice: Dice) -> list[Note]:
    """Return a random walk on the scale: the same rhythm in every bar, and a chord tone on each downbeat."""
    rhythm = _melody_rhythm(song, dice)
    octave = 5 + (song.knobs["register"] > 550)
    notes, degree = [], 0
    for bar, root in enumerate(_roots(song, part)):
        for step, steps in rhythm:
            degree += dice.between(-2, 2)
            if step == 0:
                chord_tones = (root + third for third in (-7, -5, -3, 0, 2, 4))
                degree = min((abs(tone - degree), tone) for tone in chord_tones)[1]
            degree = min(max(degree, -5), 9)
            notes.append(Note(bar * song.steps_per_bar + step, steps, (_pitch(song, degree, octave),)))
    return notes


def _melody_rhythm(song: Song, dice: Dice) -> list[tuple[int, int]]:
    """Return the first step and the length of each note in a bar."""
    lengths = (2, 2, 4, 4, 6) if song.knobs["busy"] > 500 else (4, 4, 8, 6)
    rhythm, step = [], 0
    while step < song.steps_per_bar:
        steps = min(dice.choose(lengths), song.steps_per_bar - step)
        rhythm.append((step, steps))
        step += steps
    return rhythm
