"""The files that a command names."""

import pytest

from songwise.errors import InputError
from songwise.predict.inputs import list_files


@pytest.fixture
def music(tmp_path):
    for name in ("b.mp3", "a.FLAC", "deep/c.ogg", "notes.txt", ".hidden.mp3", ".git/d.mp3"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return tmp_path


def names(paths, folder):
    return [path.relative_to(folder).as_posix() for path in paths]


def test_a_folder_means_its_audio_files_and_those_of_its_subfolders(music):
    assert names(list_files([str(music)]), music) == ["a.FLAC", "b.mp3", "deep/c.ogg"]


def test_a_file_is_taken_whatever_its_name_and_each_file_once(music):
    words = [str(music / "notes.txt"), str(music / "b.mp3"), str(music)]
    assert names(list_files(words), music) == ["notes.txt", "b.mp3", "a.FLAC", "deep/c.ogg"]


def test_a_list_on_standard_input_may_have_files_folders_and_empty_lines(music):
    lines = [f"{music / 'b.mp3'}\n", "\n", f"{music / 'deep'}\r\n"]
    assert names(list_files(["-"], lines), music) == ["b.mp3", "deep/c.ogg"]


def test_a_file_that_is_missing_is_left_to_the_answer(tmp_path):
    assert list_files([str(tmp_path / "gone.mp3")]) == [tmp_path / "gone.mp3"]


def test_a_folder_without_audio_and_an_empty_list_are_refused(tmp_path):
    with pytest.raises(InputError, match="contains no audio files"):
        list_files([str(tmp_path)])
    with pytest.raises(InputError, match="nothing to listen to"):
        list_files(["-"], [])
