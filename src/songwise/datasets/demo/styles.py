"""The invented bands and genres, as data: what the music of each label tends to be."""

from collections.abc import Mapping
from dataclasses import dataclass

# Every knob is an integer from 0 to 1000.
KNOBS = (
    "treble",  # level of the high frequencies in the mix
    "body",  # level of the low frequencies in the mix, against the middle
    "drive",  # distortion
    "room",  # echo
    "bright",  # strength of the overtones
    "length",  # length of the notes
    "busy",  # notes per bar
    "drums",  # level of the drums
    "lead",  # level of the melody
    "bass",  # level of the bass
    "register",  # pitch of chords and melody
)

# Semitones above the tonic per scale degree.
SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
}

# One bar of kick, snare and hat in sixteenths. The number of steps is the metre.
GROOVES = {
    "backbeat": ("x.....x.x.......", "....x.......x...", "x.x.x.x.x.x.x.x."),
    "floor": ("x...x...x...x...", "....x.......x...", "..x...x...x...x."),
    "driving": ("x..x..x.x..x..x.", "....x.......x..x", "xxxxxxxxxxxxxxxx"),
    "halftime": ("x.........x.....", "........x.......", "x...x...x...x..."),
    "waltz": ("x...........", "....x...x...", "x...x...x..."),
    "pulse": ("x.......x.......", "................", "....x.......x..."),
}

# Chord rhythms: the first step of each chord in a bar of 16, and its length in steps.
COMPING = {
    "pad": ((0, 16),),
    "strum": ((0, 4), (4, 2), (6, 4), (10, 2), (12, 4)),
    "stabs": ((2, 1), (6, 1), (10, 1), (14, 1)),
    "chug": tuple((step, 2) for step in range(0, 16, 2)),
    "halves": ((0, 8), (8, 8)),
}


@dataclass(frozen=True)
class Style:
    """What the songs of a label tend to be.

    Attributes
    ----------
    bpm : tuple of int
        Lowest and highest tempo, in beats per minute.
    modes : mapping of str to int
        Weight per scale in `SCALES`.
    progressions : str
        Chord progressions, separated by spaces. Each has four digits: the scale degree of the chord in each bar.
    grooves : mapping of str to int
        Weight per drum pattern in `GROOVES`.
    comping : mapping of str to int
        Weight per chord rhythm in `COMPING`.
    bass, chords, lead : mapping of str to int
        Weight per instrument that can play this role.
    knobs : mapping of str to int
        Centre of each knob, 0 to 1000. The default is 500.
    """

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
class StyleSet:
    """The styles of a recipe, and how much artists, albums and songs deviate from them.

    Attributes
    ----------
    styles : mapping of str to Style
        Style per label.
    deviations : mapping of str to int
        Largest deviation of a knob per level: artist, album and song.
    instruments_per : str
        "song" if each song has its own instruments and drum pattern, "artist" if all songs of an artist share them.
    """

    styles: Mapping[str, Style]
    deviations: Mapping[str, int]
    instruments_per: str


BANDS = {
    "copper_foxes": Style(
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
    "night_ferry": Style(
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
    "paper_lanterns": Style(
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
    "salt_cedar": Style(
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
    "tin_cathedral": Style(
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
    "velvet_static": Style(
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

GENRES = {
    "electric/ambient": Style(
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
    "acoustic/waltz": Style(
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
    "electric/garage": Style(
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

STYLE_SETS: Mapping[str, StyleSet] = {
    "bands": StyleSet(BANDS, deviations={"artist": 0, "album": 40, "song": 240}, instruments_per="song"),
    "genres": StyleSet(GENRES, deviations={"artist": 350, "album": 150, "song": 160}, instruments_per="artist"),
}
