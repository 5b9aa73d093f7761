"""Models can train on an existing feature table, and a mistake in the table is reported before any work."""

import re
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml
from helpers.commands import run_commands
from helpers.project import ROOT, copy_project, snakemake
from helpers.tracks import load_tracks

from songwise.datasets.feature_table import read_feature_table
from songwise.errors import InputError
from songwise.features.from_table import write_shard
from songwise.features.matrix import read_features
from songwise.features.presets import PRESET
from songwise.files import read_rows, write_rows
from songwise.models.cross_validation import cross_validate
from songwise.plan.plan import load_plan
from songwise.splits.table import SPLIT_COLUMNS

GTZAN = ROOT.parent / "shared" / "gtzan"
HEADER = "filename,length,rms_mean,tempo,label"
SONG = r"^(\w+\.\d+)"


def row(genre: str, song: int, clip: int, *numbers: float) -> str:
    numbers = numbers or (0.1 * song + 0.01 * clip + (genre == "rock"), 120.5)
    return f"{genre}.{song:05d}.{clip}.wav,66149,{','.join(map(repr, numbers))},{genre}"


TWIN = [
    row("rock", 9, clip, 0.1 * 5 + 0.01 * (2 - clip) + 1, 120.5) for clip in range(3)
]  # the numbers of rock.00005 in another order
GOOD = [row(genre, song, clip) for genre in ("blues", "rock") for song in range(6) for clip in range(3)]


@pytest.fixture
def data_set(tmp_path):
    """Return a function that writes a table and its data set file, and returns the path of the data set file."""

    def write(rows: list[str] = GOOD, header: str = HEADER, split: dict | None = None, **source) -> str:
        (tmp_path / "table.csv").write_text("\n".join([header, *rows]) + "\n")
        source = {"type": "table", "table": "table.csv", "song": SONG, "drop": ["length"]} | source
        content = {"name": "mine", "source": source, "split": {"folds": 3, "repeats": 1} | (split or {})}
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump(content))
        return str(tmp_path / "mine.yaml")

    return write


def test_the_expression_finds_the_song_in_the_file_name(data_set):
    _, tracks = load_tracks(data_set(), ROOT)
    assert len(tracks) == 12
    assert (tracks[0].track_id, tracks[0].song, tracks[0].label) == ("blues.00000", "blues.00000", "blues")


def test_a_song_may_have_several_tracks(data_set):
    _, tracks = load_tracks(data_set(track=r"^(.*)\.wav"), ROOT)
    assert len(tracks) == 36 and len({track.song for track in tracks}) == 12


def test_every_model_runs_once_on_the_columns_of_the_table(data_set):
    plan = load_plan({"dataset": data_set(), "models": ["majority", "knn", "lda_shrinkage"]}, ROOT)
    assert [str(run) for run in plan.runs] == ["majority@table", "knn@table", "lda_shrinkage@table"]
    assert list(plan.presets) == ["table"] and plan.settings["show_tracks"] == "none"
    for change in ({"keep_clips": True}, {"show_tracks": ["blues.00000"]}):
        with pytest.raises(InputError, match="is a table of features, without audio"):
            load_plan({"dataset": data_set(), "models": "knn"} | change, ROOT)


@pytest.mark.parametrize(
    ("rows", "keys", "message"),
    [
        ([*GOOD, row("rock", 7, 0, float("nan"), 1.0)], {}, "column 'rms_mean', row 38: 'nan' is not finite"),
        ([*GOOD, row("rock", 7, 0, 1.0, float("inf"))], {}, "column 'tempo', row 38: 'inf' is not finite"),
        ([*GOOD, "rock.00007.0.wav,66149,,1,rock"], {}, "column 'rms_mean', row 38: is empty"),
        (
            [line.replace("120.5", "fast") for line in GOOD],
            {},
            "column 'tempo', row 2: 'fast' is not a number (and 35 more rows); fix it, or add the column to",
        ),
        ([*GOOD, GOOD[0]], {}, "filename 'blues.00000.0.wav' is used in more than one row"),
        ([*GOOD, "hidden track,1,1,1,rock"], {}, f"row 38: 'hidden track' does not match source.song '{SONG}'"),
        ([*GOOD, row("rock", 7, 0).removesuffix("rock")], {}, "row 38: label '' is invalid; a label must not be empty"),
        ([*GOOD, "rock.00000.9.wav,1,1,1,blues"], {}, "song 'rock.00000' has more than one label: blues, rock"),
        ([*GOOD, "rock.00007.0.wav,1,1"], {}, "row 38: has fewer cells than the header"),
        ([*GOOD, "rock.00007.0.wav,1,1,1,rock,1"], {}, "row 38: has more cells than the header"),
        ([], {}, "has no rows"),
        (GOOD, {"label": "genre"}, "column 'genre' (source.label) is missing (known: filename, label, length"),
        (GOOD, {"clip": "file_name"}, "column 'file_name' (source.clip) is missing; did you mean 'filename'?"),
        (GOOD, {"drop": ["lenght"]}, "column 'lenght' (source.drop) is missing; did you mean 'length'?"),
        (GOOD, {"drop": ["length", "rms_mean", "tempo"]}, "has no feature column"),
        (GOOD, {"song": "("}, "source.song is not a valid regular expression"),
        (GOOD, {"track": r"\.(\d)\.wav"}, "source.track finds '0' in two songs, blues.00000 and blues.00001"),
        (GOOD, {"table": "tabel.csv"}, "source.table: there is no file"),
    ],
)
def test_a_mistake_in_a_table_is_reported_with_row_and_column(data_set, rows, keys, message):
    with pytest.raises(InputError, match=re.escape(message)):
        load_tracks(data_set(rows, **keys), ROOT)


def write_tables(path: str, folder) -> dict:
    dataset, tracks = load_tracks(path, ROOT)
    table = read_feature_table(folder / "table.csv", dataset["source"], path)
    outputs = {name: folder / f"{name[:-4]}.csv" for name in ("tracks_csv", "clips_csv")}
    outputs |= {name: folder / f"{name}.parquet" for name in ("fingerprints", "features")}
    write_shard(table, tracks, PRESET, **outputs)
    return outputs


def test_features_equal_the_numbers_in_the_table(data_set, tmp_path):
    outputs = write_tables(data_set(), tmp_path)
    features = read_features([outputs["features"]])
    theirs = pd.read_csv(tmp_path / "table.csv")
    ids = theirs["filename"].str.rsplit(".", n=2).str[0] + "@" + theirs["filename"]
    assert list(features.columns) == ["rms_mean", "tempo"]
    assert np.array_equal(features.loc[ids], theirs[["rms_mean", "tempo"]])
    assert {clip["clip_id"] for clip in read_rows(outputs["clips_csv"])} == set(ids)


def test_a_song_with_two_names_is_found_in_any_order_of_its_rows(data_set, tmp_path):
    outputs = write_tables(data_set([*GOOD, *TWIN]), tmp_path)
    hashes = {track["track_id"]: track["audio_sha256"] for track in read_rows(outputs["tracks_csv"])}
    assert hashes["rock.00009"] == hashes["rock.00005"]
    assert len(set(hashes.values())) == 12


def test_models_train_on_a_table(data_set, tmp_path):
    path = data_set()
    outputs = write_tables(path, tmp_path)
    model = load_plan({"dataset": path, "models": "lda_shrinkage"}, ROOT).models["lda_shrinkage"]
    tracks = {track["track_id"]: track for track in read_rows(outputs["tracks_csv"])}
    split = {"protocol": "by-song", "repeat": 0, "role": "test"}
    splits = [
        split | clip | {"label": track["label"], "group": track["song"], "fold": int(track["song"][-1]) % 3}
        for clip in read_rows(outputs["clips_csv"])
        for track in [tracks[clip["track_id"]]]
    ]
    write_rows(tmp_path / "splits.csv", SPLIT_COLUMNS, splits)
    cross_validate(
        model,
        feature_tables=[outputs["features"]],
        splits_csv=tmp_path / "splits.csv",
        tracks_csv=outputs["tracks_csv"],
        protocol="by-song",
        seed=0,
        folder=tmp_path / "run",
    )
    found = pd.read_csv(tmp_path / "run" / "predictions.csv")
    assert len(found) == 36 and (found["label"] == found["predicted"]).mean() > 0.8
    assert (found.groupby("song")["fold"].nunique() == 1).all()


def test_a_track_sheet_adds_artists_and_folds(data_set, tmp_path):
    songs = [f"{genre}.{song:05d}" for genre in ("blues", "rock") for song in range(6)]
    lines = [f"{song},artist {song[-1]},{int(song[-1]) % 3}" for song in songs]
    (tmp_path / "facts.csv").write_text("\n".join(["song,artist,fold", *lines]))
    path = data_set(tracks="facts.csv")
    _, tracks = load_tracks(path, ROOT)
    assert (tracks[4].artist, tracks[4].fold) == ("artist 4", "1")
    (tmp_path / "facts.csv").write_text("\n".join(["song,artist,fold", *lines[1:]]))
    with pytest.raises(InputError, match=re.escape("has no row for song 'blues.00000', which is in the table")):
        load_tracks(path, ROOT)
    (tmp_path / "facts.csv").write_text("\n".join(["song,artist,fold", *lines, "blues.00000,x,first"]))
    with pytest.raises(InputError, match="row 14: fold 'first' is invalid"):
        load_tracks(path, ROOT)
    (tmp_path / "facts.csv").write_text("\n".join(["song,artist,fold", *lines, "blues.00000,x,0"]))
    with pytest.raises(InputError, match=r"row 14: contradicts an earlier row for song 'blues\.00000'"):
        load_tracks(path, ROOT)


def write_lists(folder, **lists: list[str]) -> dict:
    for role, names in lists.items():
        (folder / f"{role}.txt").write_text("".join(f"{name}\n" for name in names))
    return {role: f"{role}.txt" for role in lists}


def test_the_lists_of_a_published_split_give_roles_and_other_tracks_are_left_out(data_set, tmp_path):
    lists = write_lists(
        tmp_path,
        train=[f"{genre}/{genre}.{song:05d}.wav" for genre in ("blues", "rock") for song in range(4)],
        test=["blues/blues.00004.wav", "rock\\rock.00004.au"],
    )
    dataset, _ = load_tracks(data_set(), ROOT)
    path = data_set(lists=lists)
    _, tracks = load_tracks(path, ROOT)
    roles = {track.track_id: track.role for track in tracks}
    assert len(roles) == 10 and roles["rock.00004"] == "test" and roles["blues.00003"] == "train"
    assert dataset["source"].get("lists") is None


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        (["blues/blues.00000.wav"], ["blues.00000.wav"], "'blues.00000' is also in the list of role"),
        (["blues/blues.00000.wav"], [], "test.txt: is empty"),
        (["pop.00000.wav"], ["blues.00000.wav"], "1 of the 2 listed files are not among the tracks: pop.00000"),
    ],
)
def test_lists_that_do_not_match_the_tracks_are_an_error(data_set, tmp_path, train, test, message):
    with pytest.raises(InputError, match=re.escape(message)):
        load_tracks(data_set(lists=write_lists(tmp_path, train=train, test=test)), ROOT)


@pytest.mark.skipif(not GTZAN.is_dir(), reason="the lists of GTZAN's fault-filtered split are not beside the project")
@pytest.mark.parametrize("kind", ["table", "manifest"])
def test_the_fault_filtered_split_of_gtzan_matches_a_table_and_a_sheet(data_set, tmp_path, kind):
    from songwise.datasets.dataset import load_dataset
    from songwise.datasets.sheet import read_tracks

    genres = ["blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock"]
    names = [f"{genre}.{song:05d}" for genre in genres for song in range(100)]
    lists = {role: f"{role}_filtered.txt" for role in ("train", "valid", "test")}
    for name in lists.values():
        shutil.copy(GTZAN / name, tmp_path / name)
    if kind == "table":
        names.remove("jazz.00054")  # the corrupt track, which Kaggle's tables do not have
        path = data_set([f"{name}.wav,1,0,{number},{name[:-6]}" for number, name in enumerate(names)], lists=lists)
    else:
        path = data_set()
        rows = "".join(f"{name},{name[:-6]},genres/{name[:-6]}/{name}.au\n" for name in names)
        (tmp_path / "sheet.csv").write_text("track_id,label,path\n" + rows)
        content = {"name": "gtzan", "source": {"type": "manifest", "tracks": "sheet.csv", "lists": lists}}
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump(content))
    lines = []
    tracks = read_tracks(*load_dataset(path, ROOT), ROOT, say=lines.append)
    counts = [sum(track.role == role for track in tracks) for role in lists]
    if kind == "manifest":
        assert counts == [443, 197, 290] and len(lines) == 1
    else:
        assert (
            counts == [442, 197, 290] and "1 of the 930 listed files are not among the tracks: jazz.00054" in lines[0]
        )
    assert (
        f"70 of {len(names)} tracks are not in any list and are left out: classical.00042, country.00008" in lines[-1]
    )


@pytest.mark.workflow
def test_a_table_and_a_recipe_run_from_end_to_end_without_audio(data_set, tmp_path):
    folder = copy_project(tmp_path / "project")
    path = data_set([*GOOD, *TWIN])
    published = {"lda_shrinkage@kaggle57": {"value": 0.99, "what": "test accuracy"}}
    recipe = {"name": "theirs", "source": "a paper", "protocol": "random-clips", "published": published}
    config = {"dataset": path, "models": ["majority", "lda_shrinkage"], "recipe": recipe}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(config))
    words = ("--cores", "2", "--configfile", str(tmp_path / "recipe.yaml"))
    done = snakemake(folder, *words)
    assert done.returncode == 0, done.stdout[-4000:]
    assert "The recipe theirs, lda_shrinkage@table, clip accuracy: 99 % published, " in done.stdout
    assert not (folder / "data" / "raw").exists()
    (pair,) = read_rows(folder / "results" / "mine" / "duplicates.csv")
    assert (pair["track_id"], pair["other_track_id"], pair["similarity"]) == ("rock.00005", "rock.00009", "1")
    (recipe_row, floor) = read_rows(folder / "results" / "mine" / "recipe.csv")
    assert float(recipe_row["published_here"]) > 0.8 and recipe_row["features"] == "table"
    assert floor["model"] == "majority" and floor["note"] == "nothing published"
    assert "Published and measured figures" in (folder / "results" / "mine" / "report.html").read_text()
    assert "Nothing to be done" in snakemake(folder, *words).stdout
    one = snakemake(folder, "results/mine/leaderboard.csv", *words, "--config", "models=majority")
    assert one.returncode == 0, one.stdout[-4000:]
    rows = {row["model"]: row["this_run"] for row in read_rows(folder / "results" / "mine" / "leaderboard.csv")}
    assert rows == {"majority": "true", "lda_shrinkage": "false"}
    (refused,) = run_commands(folder, ["classify", "a.mp3"])
    assert refused.returncode == 1 and "trained on a table of features" in refused.stderr
    (tmp_path / "table.csv").write_text((tmp_path / "table.csv").read_text().replace("120.5", "", 1))
    done = snakemake(folder, *words)
    assert done.returncode != 0 and "column 'tempo', row 2: is empty" in done.stdout and "Traceback" not in done.stdout
