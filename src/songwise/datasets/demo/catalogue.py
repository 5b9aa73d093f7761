"""The tracks of each recipe: their ids, labels, artists, albums and lengths, without any music.

Every start of Snakemake imports this module, so it imports neither numpy nor the modules that make the music.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from songwise.datasets.demo.dice import Dice


@dataclass(frozen=True)
class Recipe:
    """Which artists exist, and how many songs each has.

    Attributes
    ----------
    artists : mapping of str to sequence of str
        Artists per label.
    songs_per_album : int
        Number of songs per album. Every artist has two albums.
    tenths : tuple of int
        Shortest and longest track, in tenths of a second.
    faults : mapping of str to str
        Fault of an artist's extra track: twin, silent or truncated. Other artists have no extra track.
    """

    artists: Mapping[str, Sequence[str]]
    songs_per_album: int
    tenths: tuple[int, int]
    faults: Mapping[str, str]


@dataclass(frozen=True)
class DemoTrack:
    """An entry of the catalogue.

    Attributes
    ----------
    track_id : str
        Id, unique in its recipe. It is also the song's name.
    label, artist, album : str
        The track's band or genre, its artist and its album.
    tenths : int
        Length in tenths of a second.
    music_id : str
        Id of the track whose music this one has: another for a twin, its own for all others.
    fault : str
        twin, silent or truncated. Empty for a good track.
    """

    track_id: str
    label: str
    artist: str
    album: str
    tenths: int
    music_id: str
    fault: str


RECIPES: Mapping[str, Recipe] = {
    "bands": Recipe(
        artists={
            "copper_foxes": ("copper_foxes",),
            "night_ferry": ("night_ferry",),
            "paper_lanterns": ("paper_lanterns",),
            "salt_cedar": ("salt_cedar",),
            "tin_cathedral": ("tin_cathedral",),
            "velvet_static": ("velvet_static",),
        },
        songs_per_album=5,
        tenths=(500, 700),
        faults={"night_ferry": "twin", "salt_cedar": "truncated", "velvet_static": "silent"},
    ),
    "genres": Recipe(
        artists={
            "electric/ambient": ("glacier_post", "low_orbit", "mira_vale", "tidal_room"),
            "acoustic/waltz": ("ada_thornby", "hazel_and_rook", "mill_pond_trio", "old_harrow"),
            "electric/garage": ("broken_meters", "june_riot", "the_spare_keys", "wolf_canteen"),
        },
        songs_per_album=4,
        tenths=(250, 350),
        faults={},
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


def track_rows(recipe: str, *, seed: int) -> list[dict[str, str]]:
    """Return the track sheet of a recipe, without making any music.

    Track ids do not depend on the seed, so one description fits every seed. The music and the lengths do depend on it.

    Parameters
    ----------
    recipe : str
        Name of a recipe in `RECIPES`.
    seed : int
        Seed of the music.

    Returns
    -------
    list of dict of str to str
        One row per track in order of track id: track_id, label, song, artist, album and seconds.

    Raises
    ------
    ValueError
        If the recipe does not exist.
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
        for track in _list_tracks(recipe, seed).values()
    ]


def find_track(recipe: str, track_id: str, *, seed: int) -> DemoTrack:
    """Return the entry of one track.

    Parameters
    ----------
    recipe : str
        Name of a recipe in `RECIPES`.
    track_id : str
        Id of a track.
    seed : int
        Seed of the music, on which the track's length depends.

    Returns
    -------
    DemoTrack
        The track's entry.

    Raises
    ------
    ValueError
        If the recipe does not exist.
    KeyError
        If the recipe has no such track.
    """
    tracks = _list_tracks(recipe, seed)
    if track_id not in tracks:
        raise KeyError(f"recipe {recipe!r} has no track {track_id!r}")
    return tracks[track_id]


@cache
def _list_tracks(recipe_name: str, seed: int) -> dict[str, DemoTrack]:
    """Return all tracks of a recipe by id, in order of id."""
    if recipe_name not in RECIPES:
        raise ValueError(f"unknown recipe {recipe_name!r}: choose one of {', '.join(sorted(RECIPES))}")
    recipe = RECIPES[recipe_name]
    # The whole recipe draws from one list of titles, so that no two songs or albums have the same title.
    all_titles = [f"{first}_{last}" for first in _FIRST_WORDS.split() for last in _LAST_WORDS.split()]
    titles = iter(Dice("titles", recipe_name).shuffle(all_titles))
    tracks = []
    for label, artists in recipe.artists.items():
        for artist in artists:
            good_tracks = []
            for album in (next(titles), next(titles)):
                for _ in range(recipe.songs_per_album):
                    track_id = f"{artist}-{next(titles)}"
                    tenths = Dice(seed, recipe_name, track_id, "length").between(*recipe.tenths)
                    good_tracks.append(DemoTrack(track_id, label, artist, album, tenths, track_id, fault=""))
            tracks += good_tracks
            if artist in recipe.faults:
                tracks.append(_faulty_track(recipe.faults[artist], good_tracks, f"{artist}-{next(titles)}"))
    return {track.track_id: track for track in sorted(tracks, key=lambda track: track.track_id)}


def _faulty_track(fault: str, good_tracks: Sequence[DemoTrack], track_id: str) -> DemoTrack:
    """Return an extra track with a fault, on an album of the same artist."""
    original = good_tracks[3]  # an arbitrary choice
    music_id = original.track_id if fault == "twin" else track_id
    return DemoTrack(track_id, original.label, original.artist, original.album, original.tenths, music_id, fault)
