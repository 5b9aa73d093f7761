"""Versions of one song have equal titles, and spellings of one artist have equal names."""

import pytest

from songwise.library.titles import normal_name, normal_title, title_of_file


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Help!", "HELP (Live at the BBC)"),
        ("Help!", "help - Remastered 2011"),
        ("Help!", "Help [2009 Remaster]"),
        ("Help!", "Help (feat. Somebody)"),
        ("Help!", "Help ft. Somebody Else"),
        ("Help!", "Help \u2013 Radio Edit"),
        ("Beyoncé", "BEYONCE\u0301 (Remix)"),
        ("Don\u2019t You & I", "Dont You and I"),
        ("\uff21\uff22\uff23", "abc"),
    ],
)
def test_versions_of_a_song_have_one_title(one, other):
    assert normal_title(one) == normal_title(other) != ""


def test_different_titles_stay_different():
    titles = ["Live and Let Die", "Die", "Part 1", "Part 2", "(I Can't) Go", "Go", "1999", "???", "!!!", "がき", "かき"]
    assert len({normal_title(title) for title in titles}) == len(titles)
    assert normal_title("Track 01") == normal_title("Untitled") == normal_name("Various Artists") == ""
    assert normal_name("The Beatles") == normal_name("Beatles, The") == normal_name("BEATLES") != ""
    assert title_of_file("01 - Oasis - Live Forever") == ("oasis", "live forever")
    assert title_of_file("1-03 Wonder (Live)") == title_of_file("Wonder - Live") == ("", "wonder")
    assert title_of_file("blues.00001")[1] != title_of_file("blues.00002")[1]
