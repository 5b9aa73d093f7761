"""Who made the music of a data set and under which licence: a page that travels with the audio."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from songwise.datasets.track import Track
from songwise.files import write_text

_UNKNOWN = "No licence stated"
_NO_LICENCE = "No licence is known of this audio: it must not be shared on."


def write_attribution(tracks: list[Track], dataset: Mapping, states: Mapping[str, Mapping], path: Path) -> None:
    """Write what must be said of the music that is there, in Markdown.

    Parameters
    ----------
    tracks : the track sheet; its licenses and attributions.
    dataset : the data set file's content; its title, homepage, license and citation.
    states : for each track_id what became of it (a shard's record): status, and title and url where a site told them.
    path : the page to write.
    """
    there = _arrived(tracks, states)
    lines = [f"# {_plain(dataset.get('title', dataset['name']))}", ""]
    lines += [
        f"- {what}: {_plain(dataset[key])}"
        for key, what in (("homepage", "described at"), ("license", "licence"), ("citation", "to be cited as"))
        if key in dataset
    ]
    lines += [f"- {len(there)} of {len(tracks)} tracks are here", ""]
    if dataset["source"]["type"] == "synthetic":
        lines += ["Invented by songwise on this machine: it is nobody's, and needs no licence.", ""]
    else:
        lines += _by_licence(there, dataset.get("license", ""), states)
    write_text(path, "\n".join(lines))


def unlicensed(tracks: list[Track], dataset: Mapping, states: Mapping[str, Mapping]) -> list[Track]:
    """Of the tracks that are there, those of which neither the sheet nor the data set's file states a licence."""
    if dataset["source"]["type"] == "synthetic" or dataset.get("license"):
        return []
    return [track for track in _arrived(tracks, states) if not track.license]


def _arrived(tracks: list[Track], states: Mapping[str, Mapping]) -> list[Track]:
    return [track for track in tracks if states[track.track_id]["status"] == "ok"]


def _by_licence(tracks: list[Track], whole: str, states: Mapping[str, Mapping]) -> list[str]:
    found = defaultdict(list)
    for track in tracks:
        found[track.license or whole].append(track)
    lines = []
    for licence in sorted(found, key=lambda licence: (not licence, licence)):
        lines += [f"## {_plain(licence) if licence else _UNKNOWN}", ""]
        lines += [] if licence else [_NO_LICENCE, ""]
        lines += [f"- {_credit(track, states[track.track_id])}" for track in found[licence]]
        lines += [""]
    return lines


def _credit(track: Track, state: Mapping) -> str:
    said = track.attribution or " ".join(state[key] for key in ("title", "url") if key in state)
    return f"{_plain(track.track_id)}: {_plain(said or track.url or 'nothing is known of its author')}"


def _plain(text: str) -> str:
    """Text that Markdown shows as it is, on one line: titles come from strangers."""
    shown = "".join(" " if unicodedata.category(mark) in ("Cc", "Cf", "Zl", "Zp") else mark for mark in text)
    escaped = re.sub(r"([\\`*\[\]<>&|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))", r"\\\1", " ".join(shown.split()))
    return re.sub(r"^(\d*)([-#+.)=])", r"\1\\\2", escaped)  # what begins a heading or a list
