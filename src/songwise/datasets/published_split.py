"""A published split: for each role a text file with one path a line, matched to tracks by the files' names."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from songwise.errors import InputError, raise_all

_SUFFIX = re.compile(r"\.(wav|au|aiff?|flac|og[ga]|opus|mp[34]|m4a|aac|webm)$", re.IGNORECASE)
_MISSING = 0.05  # of the listed files: data sets lose some to corruption, while more means other names or other data
_SHOWN = 3


def read_lists(lists: Mapping[str, Path]) -> dict[str, str]:
    """The role of every listed file, by its name without folders and suffix.

    Parameters
    ----------
    lists : role to text file (`prepare.prepared_lists`).

    Raises
    ------
    InputError : a list cannot be read or is empty, or a file stands in two of them.
    """
    roles: dict[str, str] = {}
    for role, path in lists.items():
        try:
            lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from error
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: is not text in UTF-8 ({error})") from error
        names = {file_stem(line) for line in lines if line}
        if not names:
            raise InputError(f"{path}: lists no files")
        raise_all(
            path, [f"'{one}' stands in the list of role {roles[one]} as well" for one in sorted(names & set(roles))]
        )
        roles |= dict.fromkeys(sorted(names), role)
    return roles


def assign_roles(tracks: list, roles: Mapping[str, str], where: str, say: Callable[[str], None]) -> list:
    """The listed ones of `tracks` (`sheet.Track`), each with its role.

    Parameters
    ----------
    roles : from `read_lists`; a track goes by its track_id or by the name of its file.
    where : the track sheet, for messages.
    say : is given a line on tracks that no list has, which are left out, and on listed files without a track.

    Raises
    ------
    InputError : a listed name fits several tracks, or more than 5 % of the names fit none.
    """
    named = defaultdict(list)
    for index, track in enumerate(tracks):
        for name in {file_stem(track.track_id), file_stem(track.path), file_stem(track.url)} - {""}:
            named[name].append(index)
    raise_all(
        where,
        [
            f"source.lists: '{name}' fits several tracks: {', '.join(tracks[i].track_id for i in named[name][:_SHOWN])}"
            for name in roles
            if len(named[name]) > 1
        ],
    )
    missing = [name for name in roles if not named[name]]
    if missing:
        told = f"{len(missing)} of the {len(roles)} listed files are not among the tracks: {_first(missing)}"
        if len(missing) > _MISSING * len(roles):
            raise InputError(f"{where}: source.lists: {told}; are these the lists of this data?")
        say(f"{where}: {told}")
    found = {named[name][0]: role for name, role in roles.items() if named[name]}
    left_out = [track.track_id for index, track in enumerate(tracks) if index not in found]
    if left_out:
        say(f"{where}: {len(left_out)} of {len(tracks)} tracks stand in no list and are left out: {_first(left_out)}")
    return [replace(tracks[index], role=role) for index, role in sorted(found.items())]


def file_stem(path: str) -> str:
    """The name of an audio file without folders and suffix; a dot within the name stays."""
    return _SUFFIX.sub("", re.split(r"[/\\]", path)[-1])


def _first(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (" ..." if len(names) > _SHOWN else "")
