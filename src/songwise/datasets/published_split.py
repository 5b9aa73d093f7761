"""A published split: one text file per role that lists its audio files, matched to tracks by file name."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from songwise.datasets.track import Track
from songwise.errors import InputError, raise_all
from songwise.text import format_names

_SUFFIX = re.compile(r"\.(wav|au|aiff?|flac|og[ga]|opus|mp[34]|m4a|aac|webm)$", re.IGNORECASE)
_MOST_MISSING = 0.05  # share of the listed files: corrupt files are dropped; more means other names or other data


def read_lists(lists: Mapping[str, Path]) -> dict[str, str]:
    """Read the role of every listed file.

    Parameters
    ----------
    lists : mapping of str to Path
        Text file per role, with one path per line (`metadata.prepared_lists`).

    Returns
    -------
    dict of str to str
        Role per file name, without folders and suffix.

    Raises
    ------
    InputError
        If a list is empty or cannot be read, or if a file is in two lists.
    """
    roles: dict[str, str] = {}
    for role, path in lists.items():
        names = {file_stem(line) for line in _read_lines(path) if line}
        if not names:
            raise InputError(f"{path}: is empty; it must have one file name per line")
        raise_all(path, [f"'{name}' is also in the list of role {roles[name]}" for name in sorted(names & set(roles))])
        roles |= dict.fromkeys(sorted(names), role)
    return roles


def assign_roles(tracks: list[Track], roles: Mapping[str, str], where: str, say: Callable[[str], None]) -> list[Track]:
    """Give each listed track its role, and leave out the other tracks.

    Parameters
    ----------
    tracks : list of Track
        All tracks of the data set.
    roles : mapping of str to str
        Role per file name (`read_lists`). A track matches by its track_id, its path or its url.
    where : str
        The track sheet, for messages.
    say : callable
        Gets one line on tracks that are left out, and one on listed files without a track.

    Returns
    -------
    list of Track
        The listed tracks with their roles, in the order of `tracks`.

    Raises
    ------
    InputError
        If a name matches several tracks, or if more than 5 % of the names match no track.
    """
    named = defaultdict(list)
    for index, track in enumerate(tracks):
        for name in {file_stem(track.track_id), file_stem(track.path), file_stem(track.url)} - {""}:
            named[name].append(index)
    matches = {name: named[name] for name in roles if name in named}
    ambiguous = {name: [tracks[index].track_id for index in found] for name, found in matches.items() if len(found) > 1}
    raise_all(
        where,
        [f"source.lists: '{name}' matches several tracks: {format_names(ids)}" for name, ids in ambiguous.items()],
    )
    _report_missing([name for name in roles if name not in matches], len(roles), where, say)
    role_of = {matches[name][0]: role for name, role in roles.items() if name in matches}
    left_out = [track.track_id for index, track in enumerate(tracks) if index not in role_of]
    if left_out:
        counts = f"{len(left_out)} of {len(tracks)} tracks are not in any list and are left out"
        say(f"{where}: {counts}: {format_names(left_out)}")
    return [replace(tracks[index], role=role) for index, role in sorted(role_of.items())]


def file_stem(path: str) -> str:
    """Return the name of an audio file without folders and suffix. Other dots in the name are kept.

    Parameters
    ----------
    path : str
        A path or a url, with slashes or backslashes.

    Returns
    -------
    str
        The bare name.
    """
    return _SUFFIX.sub("", re.split(r"[/\\]", path)[-1])


def _read_lines(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not text in UTF-8 ({error})") from error


def _report_missing(missing: list[str], n_listed: int, where: str, say: Callable[[str], None]) -> None:
    if not missing:
        return
    summary = f"{len(missing)} of the {n_listed} listed files are not among the tracks: {format_names(missing)}"
    if len(missing) > _MOST_MISSING * n_listed:
        raise InputError(f"{where}: source.lists: {summary}; check that the lists belong to this data set")
    say(f"{where}: {summary}")
