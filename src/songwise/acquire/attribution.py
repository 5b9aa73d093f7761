"""A page with the authors and licences of a data set's music, kept beside the audio."""

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from songwise.datasets.track import Track
from songwise.files import write_text
from songwise.text import clean_text

_UNKNOWN = "No licence stated"
_NO_LICENCE = "The licence of this audio is not known: it must not be shared."


def write_attribution(tracks: list[Track], dataset: Mapping, states: Mapping[str, Mapping], path: Path) -> None:
    """Write the credits of the music that is on this machine, in Markdown.

    Parameters
    ----------
    tracks : list of Track
        The track sheet, with licences and attributions.
    dataset : mapping
        Content of the data set file: title, homepage, license and citation are used.
    states : mapping of str to mapping
        The record of each track_id (shards/K.json): status and, for a video, title and url.
    path : Path
        The page to write.
    """
    arrived = _arrived(tracks, states)
    lines = [f"# {_escape(dataset.get('title', dataset['name']))}", ""]
    lines += [
        f"- {term}: {_escape(dataset[key])}"
        for key, term in (("homepage", "homepage"), ("license", "licence"), ("citation", "citation"))
        if key in dataset
    ]
    lines += [f"- {len(arrived)} of {len(tracks)} tracks are here", ""]
    if dataset["source"]["type"] == "synthetic":
        lines += ["songwise generated this music on this machine. It has no author and needs no licence.", ""]
    else:
        lines += _by_licence(arrived, dataset.get("license", ""), states)
    write_text(path, "\n".join(lines))


def unlicensed(tracks: list[Track], dataset: Mapping, states: Mapping[str, Mapping]) -> list[Track]:
    """Return the tracks on this machine without a licence in the sheet or in the data set file.

    Parameters
    ----------
    tracks : list of Track
        The track sheet.
    dataset : mapping
        Content of the data set file.
    states : mapping of str to mapping
        The record of each track_id (shards/K.json).

    Returns
    -------
    list of Track
        In the order of `tracks`.
    """
    if dataset["source"]["type"] == "synthetic" or dataset.get("license"):
        return []
    return [track for track in _arrived(tracks, states) if not track.license]


def _arrived(tracks: list[Track], states: Mapping[str, Mapping]) -> list[Track]:
    return [track for track in tracks if states[track.track_id]["status"] == "ok"]


def _by_licence(tracks: list[Track], default: str, states: Mapping[str, Mapping]) -> list[str]:
    groups = defaultdict(list)
    for track in tracks:
        groups[track.license or default].append(track)
    lines = []
    for licence in sorted(groups, key=lambda licence: (not licence, licence)):
        lines += [f"## {_escape(licence) if licence else _UNKNOWN}", ""]
        lines += [] if licence else [_NO_LICENCE, ""]
        lines += [f"- {_credit(track, states[track.track_id])}" for track in groups[licence]]
        lines += [""]
    return lines


def _credit(track: Track, state: Mapping) -> str:
    credit = track.attribution or " ".join(state[key] for key in ("title", "url") if key in state)
    return f"{_escape(track.track_id)}: {_escape(credit or track.url or 'the author is not known')}"


def _escape(text: str) -> str:
    """Return text from strangers such that Markdown shows it as it is, on one line."""
    escaped = re.sub(r"([\\`*\[\]<>&|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))", r"\\\1", clean_text(text))
    return re.sub(r"^(\d*)([-#+.)=])", r"\1\\\2", escaped)  # the start of a heading or a list
