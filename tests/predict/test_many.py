"""Many files are classified in parallel, and a file that kills its process costs nobody else's answer."""

import shutil

import pytest
from helpers.champions import tone_champion
from helpers.deadly import answer_or_die
from helpers.sound import tone, write_wav

from songwise.errors import InputError
from songwise.predict import many
from songwise.predict.many import answer_files


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("model")
    return tone_champion(place / "results/tones/champion", place / "audio")


def test_a_file_that_kills_its_process_is_a_row_with_a_reason(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(many, "_answer", answer_or_die)
    files = [write_wav(tmp_path / f"{number}.wav", tone(2, 200 + 200 * number)) for number in range(8)]
    files.insert(3, write_wav(tmp_path / "deadly.wav", tone(2, 400)))
    answers = list(answer_files(folder, files, cores=2, max_seconds=None))
    assert [answer.file for answer in answers] == list(map(str, files))
    assert [answer.status for answer in answers] == ["ok"] * 3 + ["failed"] + ["ok"] * 5
    assert answers[3].reason.startswith("crashed")


def test_a_model_that_cannot_be_used_is_one_message_before_any_process_starts(folder, tmp_path):
    broken = shutil.copytree(folder, tmp_path / "broken")
    (broken / "novelty.npz").unlink()
    with pytest.raises(InputError, match=r"novelty\.npz: is missing"):
        next(answer_files(broken, [tmp_path / "a.wav"] * 9, cores=2, max_seconds=None))
