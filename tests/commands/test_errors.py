"""`songwise errors`: exactly the planted mistakes, with files that a player can open."""

import json
import shutil
from pathlib import Path

import pytest
from helpers.finished import BEST, HALF, WRONG

COLUMNS = ("song", "label", "predicted", "probability", "wrong", "repeats", "files")


def mistakes(done) -> list[dict]:
    assert done.code == 0, done.err
    return [json.loads(line) for line in done.out.splitlines()]


def test_the_most_confident_mistake_comes_first(project, run):
    found = [[row[name] for name in COLUMNS] for row in mistakes(run("errors", "--json"))]
    files = [[f"data/raw/tones/audio/{song}.wav"] for song in (*WRONG[BEST], HALF)]
    assert found == [
        ["high 02", "high", "low", 0.93, 2, 2, files[0]],
        ["low 03", "low", "high", 0.82, 2, 2, files[1]],
        # 0.76 in the repeat that is wrong, 0.24 in the other.
        [HALF, "low", "high", 0.5, 1, 2, files[2]],
    ]
    assert all(Path(row[-1][0]).is_file() for row in found)


def test_the_table_has_totals_and_titles(project, run):
    lines = run("errors", "-n", "2").out.splitlines()
    assert lines[0] == f"{BEST} gets 3 of 20 songs wrong in at least one of 2 repeats, 2 in all."
    assert lines[1].endswith("which is that of 19 votes.")
    assert lines[3].split() == ["song", "register", "is", "predicted", "prob.", "wrong", "in", "file"]
    assert lines[5].endswith("data/raw/tones/audio/low 03.wav")
    assert lines[5].split()[:9] == ["Low", "03", "low", "high", "82", "%", "2", "of", "2"]
    assert lines[-1] == "and 1 less confident ones: -n 3 prints all"


def test_another_model_of_the_leaderboard_can_be_asked_for(project, run):
    assert {row["song"] for row in mistakes(run("errors", "--model", "knn@mfcccov", "--json"))} == {
        *WRONG["knn@mfcccov"],
        HALF,
    }
    assert len(mistakes(run("errors", "--model", "majority", "--json"))) == 10
    assert run("errors", "--model", "knn").err == (
        "songwise: knn ran on several presets; choose one of knn@mfcccov, knn@jlaoo26\n"
    )
    assert "did you mean 'knn@mfcccov'?" in run("errors", "--model", "knn@mfccov").err


def test_a_playlist_has_the_files(project, run, tmp_path):
    done = run("errors", "-n", "1", "--playlist", tmp_path / "e.m3u8")
    assert done.err == f"songwise: {tmp_path}/e.m3u8 has 3 files of 3 songs\n"
    lines = (tmp_path / "e.m3u8").read_text().splitlines()
    assert lines[1:3] == ["#EXTINF:4,high 02 (high, predicted low)", "project/data/raw/tones/audio/high 02.wav"]
    shutil.rmtree("data/raw/tones/audio")
    done = run("errors", "--playlist", "e.m3u8")
    assert "(not on this machine)" in done.out and not Path("e.m3u8").exists()
    assert (done.code, done.err) == (
        1,
        "songwise: e.m3u8: not written, because the audio of tones is not on this machine\n",
    )


def test_a_file_outside_the_project_is_named_without_detours(project, run, tmp_path):
    music = tmp_path / "music"
    shutil.move("data/raw/tones/audio", music)
    record = Path("data/raw/tones/shards/0.json")
    record.write_text(record.read_text().replace("data/raw/tones/audio", "config/datasets/../../../music"))
    assert mistakes(run("errors", "--json"))[0]["files"] == ["../music/high 02.wav"]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("\n0,high 00", "\n0", "line 2 has no p_low"),
        (",high,high,", ",high,medium,", "it has no column p_medium"),
        ("0.95", "lots", "line 2: p_high 'lots' is not a number"),
    ],
)
def test_a_damaged_table_of_verdicts_is_named(old, new, why, project, run):
    path = Path(f"results/tones/models/{BEST}/by-song/songs.csv")
    path.write_text(path.read_text().replace(old, new, 1))
    for words in (["errors"], ["compare", BEST, "majority"]):
        assert run(*words).err.startswith(f"songwise: {path} is damaged ({why})")
