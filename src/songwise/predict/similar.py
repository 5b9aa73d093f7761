"""The tracks of a data set that are nearest to a file: for the terminal, as JSON, and as a playlist."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from songwise.errors import InputError
from songwise.files import file_digest
from songwise.predict.audio_files import find_audio
from songwise.predict.model import SongModel
from songwise.predict.playlist import write_dataset_playlist
from songwise.text import clean_text


class UnknownArtistError(Exception):
    """The artist of a file is needed to leave out the artist's other tracks, and is not known."""


def find_similar(
    model: SongModel, path: Path, n: int, *, artist: str | None = None, is_filtered: bool = False
) -> list[dict]:
    """Return the tracks that are nearest to a file.

    If the file is itself a track of the data set, its own song is left out.

    Parameters
    ----------
    model : SongModel
        Of the data set.
    path : Path
        An audio file.
    n : int
        How many tracks at most.
    artist : str, optional
        Artist of the file. By default that of the data set's track with the same bytes.
    is_filtered : bool, default=False
        Leave out tracks of this artist.

    Returns
    -------
    list of dict
        As from `SongModel.similar`.

    Raises
    ------
    InputError
        If the file is not usable music, or if its artist is needed and not known.
    """
    vector = model.embed(path)
    try:
        left_out = songs_left_out(model.tracks, path, artist=artist, is_filtered=is_filtered)
    except UnknownArtistError:
        raise InputError(f"{path}: its artist is not known, because it has no tags; name it with --artist") from None
    return model.similar(vector, n, without_songs=left_out)


def songs_left_out(
    tracks: Sequence[Mapping[str, str]], path: Path, *, artist: str | None = None, is_filtered: bool = False
) -> set[str]:
    """Return the songs that are not counted among the neighbours of a file.

    Parameters
    ----------
    tracks : sequence of mapping
        Tracks of the data set.
    path : Path
        The file. Tracks with the same bytes are its own, and their songs are left out.
    artist : str, optional
        Artist of the file. By default that of its own tracks.
    is_filtered : bool, default=False
        Leave out tracks of this artist.

    Returns
    -------
    set of str
        Songs (column song).

    Raises
    ------
    UnknownArtistError
        If the artist is needed and not known.
    """
    checksum = file_digest(path)
    own = [track for track in tracks if track["sha256"] == checksum]
    left_out = {track["song"] for track in own}
    if is_filtered:
        names = {name.casefold() for name in [artist, *(track["artist"] for track in own)] if name}
        if not names:
            raise UnknownArtistError
        left_out |= {track["song"] for track in tracks if track["artist"].casefold() in names}
    return left_out


def print_similar(tracks: Sequence[Mapping], *, as_json: bool) -> None:
    """Print one track per line.

    Parameters
    ----------
    tracks : sequence of mapping
        From `find_similar`.
    as_json : bool
        As JSON objects instead of text.
    """
    for track in tracks:
        if as_json:
            print(json.dumps(dict(track), ensure_ascii=False))
        else:
            artist = f"{clean_text(track['artist'])} - " if track["artist"] else ""
            title = clean_text(track["title"] or track["track_id"])
            print(f"{track['distance']:.3f}  {artist}{title}  ({clean_text(track['label'])})")


def write_similar(playlist: Path, tracks: Sequence[Mapping], dataset: str, *, say: Callable[[str], None]) -> None:
    """Write the tracks whose audio is on this machine as a playlist.

    Parameters
    ----------
    playlist : Path
        The file to write.
    tracks : sequence of mapping
        From `find_similar`.
    dataset : str
        Name of the data set.
    say : callable
        Receives a line about what was written.

    Raises
    ------
    InputError
        If none of the tracks is on this machine, or the file cannot be written.
    """
    files = find_audio(tracks, dataset, root=Path())
    rows = [dict(track) | {"path": path} for track, path in zip(tracks, files, strict=True) if path]
    written = write_dataset_playlist(playlist, rows, dataset)
    say(f"{playlist} has {written} of {len(tracks)} tracks")
