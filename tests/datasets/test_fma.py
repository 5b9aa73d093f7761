"""FMA's metadata becomes a track sheet with the official split, genres and licences."""

import zipfile
from pathlib import Path

import pytest
from helpers.fma import BY, COLUMNS, metadata, track

from songwise.datasets.dataset import load_dataset
from songwise.datasets.fma import write_sheet
from songwise.datasets.metadata import prepared_sheet
from songwise.datasets.sheet import read_tracks
from songwise.errors import InputError
from songwise.files import read_rows
from songwise.splits.protocols import choose


def sheet(tmp_path, lines=None, archive=None, **fma):
    path = tmp_path / "sheet.csv"
    say = (lambda line: None) if lines is None else lines.append
    write_sheet(archive or metadata(tmp_path), {"subset": "small", "label": "top"} | fma, path, say=say)
    return {row["track_id"]: row for row in read_rows(path)}


def test_a_track_has_fmas_number_artist_album_licence_and_official_role(tmp_path):
    rows = sheet(tmp_path)
    assert rows["2"] == {
        "track_id": "2",
        "label": "Rock",
        "artist": "The Same [1]",
        "album": "Songs [7]",
        "path": "fma_small/000/000002.mp3",
        "license": BY,
        "attribution": "Title 2 by The Same",
        "role": "train",
    }
    assert {rows["10"]["role"], rows["148"]["role"]} == {"valid", "test"}
    assert rows["10"]["artist"] == "The Same [2]", "two artists may share a name"
    assert rows["98565"]["path"] == "fma_small/098/098565.mp3" and rows["98565"]["album"] == ""
    assert rows["148"]["attribution"] == "Two lines by Sunn"


def test_small_is_part_of_medium_and_medium_of_large_each_in_its_own_folder(tmp_path):
    lines = []
    assert list(sheet(tmp_path)) == ["2", "10", "148", "98565"]
    assert list(sheet(tmp_path, subset="medium")) == ["2", "10", "148", "98565", "3000"]
    large = sheet(tmp_path, lines, subset="large")
    assert list(large) == ["2", "10", "148", "98565", "3000", "155320"]
    assert large["2"]["path"] == "fma_large/000/000002.mp3"
    assert lines == ["FMA large: 1 of its tracks have no single top genre and are left out"]


def test_a_sub_genre_is_the_deepest_genre_of_the_track_below_its_top_genre(tmp_path):
    rows = sheet(tmp_path, subset="medium", label="sub")
    labels = {name: row["label"] for name, row in rows.items()}
    assert labels == {
        "2": "Rock/Punk",
        "10": "Rock/Hardcore",
        "148": "Rock/Krautrock",  # as deep as Metal, but more frequent
        "98565": "Old-Time & Historic",
        "3000": "Rock",  # Experimental is not below Rock
    }


def test_genres_are_chosen_by_their_titles_and_a_slash_in_a_title_does_not_make_a_level(tmp_path):
    rows = sheet(tmp_path, subset="large", genres=["Old-Time / Historic", "Experimental"])
    assert {row["label"] for row in rows.values()} == {"Old-Time & Historic", "Experimental"}
    with pytest.raises(InputError, match=r"no top genre 'Rok'; did you mean 'Rock'\?"):
        sheet(tmp_path, genres=["Rok", "Experimental"])
    with pytest.raises(InputError, match="no top genre 'Punk'"):
        sheet(tmp_path, genres=["Punk", "Experimental"])


def without(name):
    return [column for column in COLUMNS if column != name]


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"columns": without(("set", "subset"))}, r"tracks.csv: has no column set.subset"),
        ({"index": "id"}, "does not begin with track_id"),
        ({"tracks": [track("../../etc")]}, r"'../../etc' is not a track number"),
        ({"tracks": [track(2, split="training2")]}, "track 2 is in the unknown split 'training2'"),
        ({"tracks": [track(2, subset="full")]}, "has no tracks of subset small"),
        ({"genres": [(12, "many", 0, "Rock", 12)]}, "genre '12': genre_id, #tracks and parent must be numbers"),
    ],
)
def test_invalid_tables_are_refused_with_a_message(tmp_path, broken, message):
    with pytest.raises(InputError, match=message):
        sheet(tmp_path, archive=metadata(tmp_path, **broken))
    assert not (tmp_path / "sheet.csv").exists()


def test_a_row_that_is_shorter_than_the_header_is_refused(tmp_path):
    whole = metadata(tmp_path)
    with zipfile.ZipFile(whole) as archive:
        text, tree = (archive.read(f"fma_metadata/{name}.csv").decode() for name in ("tracks", "genres"))
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("fma_metadata/tracks.csv", text + "5,too,few\n")
        archive.writestr("fma_metadata/genres.csv", tree)
    with pytest.raises(InputError, match="track '5' has 3 cells instead of 13"):
        sheet(tmp_path, archive=whole)


def test_a_damaged_archive_is_refused_with_a_message(tmp_path):
    path = metadata(tmp_path)
    content = path.read_bytes()
    for cut in (b"", b"no archive", content[: len(content) // 2], content.replace(b"tracks.csv", b"others.csv")):
        path.write_bytes(cut)
        with pytest.raises(InputError, match=r"fma_metadata.zip: "):
            sheet(tmp_path, archive=path)
    broken = bytearray(content)
    place = content.index(b"fma_metadata/tracks.csv") + 200
    broken[place : place + 50] = bytes(50)
    path.write_bytes(broken)
    with pytest.raises(InputError, match=r"fma_metadata.zip: "):
        sheet(tmp_path, archive=path)


def test_a_table_of_more_than_a_gigabyte_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("fma_metadata/genres.csv", "")
    content = path.read_bytes()
    size = (5 << 30 >> 2).to_bytes(4, "little")  # 1.25 GiB in the central directory
    place = content.index(b"PK\x01\x02") + 24
    path.write_bytes(content[:place] + size + content[place + 4 :])
    with pytest.raises(InputError, match=r"genres.csv is larger than 1024 MiB"):
        sheet(tmp_path, archive=path)


@pytest.mark.parametrize("name", ["fma-small", "fma-medium", "fma-medium-12", "fma-large"])
def test_the_fma_data_sets_use_the_official_split_and_quarantine_known_faults(root, tmp_path, name):
    dataset, path = load_dataset(name, root)
    fma = dataset["source"]["fma"]
    (tmp_path / "workflow").symlink_to(root / "workflow")
    roles = ("training", "validation", "test")
    tops = ["Rock", "Experimental"]
    tracks = [
        track(10 * place + number, own="[]", top=top, split=split, artist=f"{top}{split}{number}")
        for place, (top, split) in enumerate((top, split) for top in tops for split in roles)
        for number in range(2)
    ]
    tracks += [track(98565, artist=99), track(98566, subset="medium", artist=98)]
    genres = [(i, 1, 0, title, i) for i, title in enumerate([*fma.get("genres", []), *tops], start=1)]
    write_sheet(metadata(tmp_path, tracks, genres=genres), fma, prepared_sheet(dataset, tmp_path))
    found = read_tracks(dataset, path, tmp_path)
    faults = {one.track_id: one.fault for one in found if one.fault}
    assert faults == {"98565": "excerpt of 1.6 s"} | ({} if name == "fma-small" else {"98566": "excerpt of 6.2 s"})
    settings = {"protocol": None, "audit": "auto"}
    assert choose(settings, dataset["split"], found, path)[0] == "train-valid-test"
    assert {Path(one.path).parts[0] for one in found} == {f"fma_{fma['subset']}"}
