"""A finished run is used on new files, by the commands that a user would type."""

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.project import copy_finished, copy_project, jobs, ordinary_environment, snakemake
from helpers.sound import encode, write_wav
from helpers.tables import rows

pytestmark = pytest.mark.workflow

MODELS = ("--cores", "2", "--config", "models=[knn@mfcccov,lda_shrinkage@mfcccov,lda_shrinkage@jlaoo26]")
RESULTS = Path("results/demo")


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A copy of the project in which the demo set has run. Tests must not change it."""
    folder = copy_project(tmp_path_factory.mktemp("use") / "my music")
    done = snakemake(folder, *MODELS)
    assert done.returncode == 0, done.stdout[-4000:]
    (folder / "run.log").write_text(done.stdout)
    return folder


def songwise(folder: Path, *words: object, given: str | None = None) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "songwise", *map(str, words)]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, input=given, env=ordinary_environment(), check=False
    )


def answers(done: subprocess.CompletedProcess) -> list[dict]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def good_tracks(folder: Path) -> list[dict]:
    return [row for row in rows(folder / RESULTS / "tracks.csv") if row["status"] == "ok"]


def audio_of(folder: Path, track: dict) -> Path:
    return folder / "data/raw/demo/audio" / f"{track['track_id']}.wav"


def test_files_of_the_training_set_get_the_probabilities_of_the_trained_model(project, monkeypatch):
    import songwise as package
    from songwise.features.matrix import read_features
    from songwise.models.bundle import load_bundle
    from songwise.predict.model import SongModel

    monkeypatch.chdir(project)
    model = package.load(RESULTS)
    assert isinstance(model, SongModel)
    pipeline, card = load_bundle(RESULTS / "models" / model.card["model"] / "bundle")
    preset = card["preset"]["name"]
    features = read_features(sorted(project.glob(f"data/features/demo/{preset}/*/*.parquet")))
    splits = {row["clip_id"] for row in rows(RESULTS / "splits.csv")}
    for track in good_tracks(project)[::9]:
        clips = [clip for clip in features.index if clip.rpartition("@")[0] == track["track_id"] and clip in splits]
        clips.sort(key=lambda clip: int(clip.rpartition("@")[2]))
        expected = pipeline.predict_proba(features.loc[clips].to_numpy(dtype=np.float64))
        heard = model.hear(audio_of(project, track))
        np.testing.assert_allclose(model.raw_probabilities(heard), expected, atol=1e-6)
        assert [round(1000 * start) for start in heard.starts] == [int(clip.rpartition("@")[2]) for clip in clips]


def test_classify_reads_files_folders_and_lists_and_a_bad_file_stops_nothing(project, tmp_path):
    track = good_tracks(project)[0]
    shutil.copy(audio_of(project, track), tmp_path / "a good one.wav")
    encode(tmp_path / "a good one.wav", tmp_path / "b.ogg")
    (tmp_path / "c.mp3").write_bytes(b"no music" * 100)
    write_wav(tmp_path / "d.wav", np.zeros(22_050 * 12))
    write_wav(tmp_path / "e.wav", np.random.default_rng(0).normal(size=22_050) / 10)
    by_folder = songwise(project, "classify", "--json", tmp_path)
    found = answers(by_folder)
    assert [answer["status"] for answer in found] == ["ok", "ok", *["quarantined"] * 3]
    assert found[0]["label"] == found[1]["label"] == track["label"]
    assert [answer["reason"].partition(":")[0] for answer in found[2:]] == ["undecodable", "silent", "too short"]
    assert "Traceback" not in by_folder.stderr and "names the right band for" in by_folder.stderr
    by_list = songwise(project, "classify", "-", "--json", given=f"{tmp_path / 'b.ogg'}\n{tmp_path / 'gone.wav'}\n")
    assert [answer["status"] for answer in answers(by_list)] == ["ok", "failed"]
    assert answers(by_list)[1]["reason"] == "unreadable: No such file or directory"
    table = csv.DictReader(io.StringIO(songwise(project, "classify", "--csv", tmp_path).stdout))
    assert [row["label"] for row in table] == [answer["label"] for answer in found]


def test_many_files_are_classified_in_parallel_and_in_order(project, tmp_path):
    tracks = good_tracks(project)[:10]
    for number, track in enumerate(tracks):
        shutil.copy(audio_of(project, track), tmp_path / f"{number}.wav")
    parallel = answers(songwise(project, "classify", "--json", "--cores", 2, tmp_path))
    assert parallel == answers(songwise(project, "classify", "--json", "--cores", 1, tmp_path))
    assert [Path(answer["file"]).stem for answer in parallel] == [str(number) for number in range(10)]


def test_most_songs_of_the_training_set_are_known_and_a_whistle_is_not(project, tmp_path):
    write_wav(tmp_path / "whistle.wav", 0.3 * np.sin(0.3 * np.arange(22_050 * 30)))
    files = [tmp_path / "whistle.wav", *(audio_of(project, track) for track in good_tracks(project)[:12])]
    whistle, *songs = answers(songwise(project, "classify", "--json", *files))
    assert whistle["known"] is False and whistle["novelty"] > 0.95 and whistle["label"]
    assert sum(song["known"] for song in songs) >= 10
    text = songwise(project, "classify", tmp_path / "whistle.wav").stdout
    assert "unlike the training music; nearest: " in text


def test_another_model_of_the_leaderboard_is_made_ready_once(project, tmp_path):
    copy = copy_finished(project, tmp_path / "project")
    track = audio_of(copy, good_tracks(copy)[0])
    champion = json.loads((copy / RESULTS / "champion/card.json").read_text())["model"]
    other = next(run for run in ("knn@mfcccov", "lda_shrinkage@jlaoo26") if run != champion)
    first = songwise(copy, "classify", "--model", other, "--json", track)
    again = songwise(copy, "classify", "--model", other, "--json", track)
    assert answers(first) == answers(again) and other in first.stderr
    assert "is made ready" in first.stderr and "is made ready" not in again.stderr
    wrong = songwise(copy, "classify", "--model", "knn@mfccov", track)
    assert wrong.returncode == 1 and "did you mean 'knn@mfcccov'?" in wrong.stderr
    ambiguous = songwise(copy, "classify", "--model", "lda_shrinkage", track)
    assert ambiguous.returncode == 1 and "ran on several presets" in ambiguous.stderr
    # A run that follows leaves the model alone, and nothing is done again.
    assert jobs(snakemake(copy, "-n", *MODELS).stdout) == {}


def test_similar_leaves_out_the_song_itself_and_on_request_its_artist(project, tmp_path):
    track = good_tracks(project)[0]
    found = answers(songwise(project, "similar", audio_of(project, track), "-n", 60, "--json"))
    songs = {row["song"] for row in good_tracks(project)}
    assert {row["song"] for row in found} == songs - {track["song"]}
    assert [row["distance"] for row in found] == sorted(row["distance"] for row in found)
    playlist = tmp_path / "mix.m3u8"
    command = ["similar", audio_of(project, track), "-n", 5, "--artist-filter", "--json", "--playlist", playlist]
    others = answers(songwise(project, *command))
    assert len(others) == 5 and track["artist"] not in {row["artist"] for row in others}
    lines = playlist.read_text().splitlines()
    assert lines[0] == "#EXTM3U" and len([line for line in lines if line.endswith(".wav")]) == 5
    (tmp_path / "new.wav").write_bytes(audio_of(project, track).read_bytes() + b"\0\0")
    unknown = songwise(project, "similar", tmp_path / "new.wav", "--artist-filter")
    assert unknown.returncode == 1 and "its artist is not known" in unknown.stderr


def test_the_card_says_what_the_leaderboard_says(project):
    card = json.loads((project / RESULTS / "champion/card.json").read_text())
    row = next(
        row
        for row in rows(project / RESULTS / "leaderboard.csv")
        if f"{row['model']}@{row['features']}" == card["model"]
    )
    assert card["song_accuracy"] == float(row["song_accuracy"]) and card["n_songs"] == 60
    assert row["tied"] == "true" and card["random_clips_song_accuracy"] > card["song_accuracy"]
    assert 0.1 < card["guessing"] < 0.25 and card["file_facts"] is not None
    page = (project / RESULTS / "champion/README.md").read_text()
    assert f"{100 * card['song_accuracy']:.0f} %" in page and card["model"] in page
    assert "songwise classify song.mp3" in (project / "run.log").read_text()
    assert "The champion, for new files" in (project / RESULTS / "report.html").read_text()


def test_novelty_and_similarity_are_reported(project):
    novelty = rows(project / RESULTS / "novelty.csv")
    assert len(novelty) == 7 and novelty[-1]["label"] == "all"
    assert float(novelty[-1]["auroc_low"]) < float(novelty[-1]["auroc"]) < float(novelty[-1]["auroc_high"])
    similar = rows(project / RESULTS / "similar.csv")
    assert {row["filter"] for row in similar} >= {"song"}
    assert all(float(row["precision"]) > float(row["chance"]) for row in similar if row["filter"] == "song")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("classify", "a.mp3", "--dataset", "dmo"), "did you mean 'demo'?"),
        (("classify", "config"), "contains no audio files"),
        (("similar", "gone.mp3"), "gone.mp3: unreadable"),
        (("classify", "a.mp3", "--model", "config"), "contains no model"),
        (("classify", "a.mp3", "--model", "models:/nothing@champion"), "MLflow cannot find it"),
        (("serve", "--port", "99999"), "--port must be"),
    ],
)
def test_a_mistake_is_answered_in_a_sentence(project, words, message):
    done = songwise(project, *words)
    assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr


def damage(folder: Path, name: str, change) -> None:
    path = folder / name
    path.write_bytes(change(path.read_bytes()))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("card.json", lambda content: content.replace(b'"format": 1', b'"format": 2'), "another version of songwise"),
        ("card.json", lambda content: content[:100], "is not JSON"),
        ("card.json", lambda content: content.replace(b'"bundle/', b'"../bundle/'), "card.json: files"),
        ("bundle/model.skops", lambda content: content[:1000], "is truncated or was changed"),
        ("bundle/bundle.json", lambda content: content.replace(b"mean", b"max"), "is truncated or was changed"),
        ("novelty.npz", lambda content: content + b"x", "is truncated or was changed"),
    ],
)
def test_a_damaged_model_is_refused_in_a_sentence(project, tmp_path, name, change, message):
    folder = shutil.copytree(project / RESULTS / "champion", tmp_path / "champion")
    damage(folder, name, change)
    done = songwise(project, "classify", "a.mp3", "--model", folder)
    assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr


def test_outside_of_a_project_the_command_says_where_to_run_it(tmp_path):
    done = songwise(tmp_path, "classify", "a.mp3")
    assert done.returncode == 1 and "Run snakemake in the project's folder first" in done.stderr


def test_the_champion_of_the_configuration_must_be_a_model_of_the_run(project):
    done = snakemake(project, "-n", *MODELS, "champion=knn@mfccov")
    assert done.returncode != 0 and "did you mean 'knn@mfcccov'?" in done.stdout


def test_another_setting_makes_the_champion_again_and_trains_nothing(project):
    counts = jobs(snakemake(project, "-n", *MODELS, "champion=knn@mfcccov").stdout)
    assert counts == {"crown_champion": 1, "log_runs": 1, "render_report": 1}
