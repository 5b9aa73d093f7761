"""FMA's metadata, in the layout of fma_metadata.zip, for a handful of tracks."""

import csv
import io
import zipfile

# Rock (12) has Punk (25) with Hardcore (85) below, and Metal (31); 8 is Old-Time / Historic.
GENRES = [
    (12, 32923, 0, "Rock", 12),
    (25, 9261, 12, "Punk", 12),
    (85, 1419, 25, "Hardcore", 12),
    (31, 1498, 12, "Metal", 12),
    (66, 2000, 12, "Krautrock", 12),
    (8, 868, 0, "Old-Time / Historic", 8),
    (38, 10608, 0, "Experimental", 38),
]
COLUMNS = [
    ("album", "id"),
    ("album", "title"),
    ("artist", "bio"),
    ("artist", "id"),
    ("artist", "name"),
    ("set", "split"),
    ("set", "subset"),
    ("track", "duration"),
    ("track", "genre_top"),
    ("track", "genres"),
    ("track", "license"),
    ("track", "title"),
]
BY = "Attribution 3.0"


def track(number, subset="small", top="Rock", own="[12]", split="training", artist=1, **more):
    return {
        "track_id": number,
        ("album", "id"): 7,
        ("album", "title"): "Songs",
        ("artist", "bio"): '<p>Born,\nand "raised"</p>' * 20_000,  # longer than what the csv module takes by default
        ("artist", "id"): artist,
        ("artist", "name"): "The Same",
        ("set", "split"): split,
        ("set", "subset"): subset,
        ("track", "duration"): 200,
        ("track", "genre_top"): top,
        ("track", "genres"): own,
        ("track", "license"): BY,
        ("track", "title"): f"Title {number}",
    } | {tuple(name.split("_", 1)): value for name, value in more.items()}


TRACKS = [
    track(2, own="[12, 25]"),
    track(10, own="[12, 25, 31, 85]", split="validation", artist=2),
    track(148, own="[31, 66]", split="test", track_title="Two\nlines", artist_name="Sunn\x07"),
    track(98565, top="Old-Time / Historic", own="[8]", artist=3, album_title="", album_id=-1),
    track(3000, subset="medium", own="[38, 12]", track_license=""),
    track(4000, subset="large", top="", own="[12, 38]"),
    track(155320, subset="large", top="Experimental", own="[38]"),
]


def metadata(tmp_path, tracks=TRACKS, columns=COLUMNS, genres=GENRES, index="track_id"):
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerows([["", *names] for names in zip(*columns, strict=True)])
    writer.writerow([index, *[""] * len(columns)])
    writer.writerows([row["track_id"], *(row[name] for name in columns)] for row in tracks)
    tree = "".join(",".join(map(str, row)) + "\n" for row in [("genre_id", "#tracks", "parent", "title", "top_level")])
    tree += "".join(",".join(map(str, row)) + "\n" for row in genres)
    path = tmp_path / "fma_metadata.zip"
    contents = {"README.txt": "no table", "tracks.csv": table.getvalue(), "genres.csv": tree}
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in contents.items():
            # Not dated now: the same tables are the same bytes, whenever they are packed.
            member = zipfile.ZipInfo(f"fma_metadata/{name}", (2017, 5, 1, 0, 0, 0))
            archive.writestr(member, text, zipfile.ZIP_DEFLATED)
    return path
