"""The page of authors and licences: complete, the same each time, and safe from any title."""

import re

import pytest
from helpers.project import copy_project, snakemake
from helpers.sound import tone, write_wav
from helpers.tracks import load_tracks

from songwise.acquire.attribution import write_attribution
from songwise.datasets.track import Track

BY = "CC BY 4.0"
OWN = {"name": "mine", "source": {"type": "http"}}


def page(tmp_path, tracks, dataset=OWN, **states):
    states = {track.track_id: {"status": "ok"} | states.get(track.track_id, {}) for track in tracks}
    path = tmp_path / "ATTRIBUTION.md"
    write_attribution(tracks, dataset, states, path)
    return path.read_text(encoding="utf-8")


def test_every_good_track_is_listed_under_its_licence(tmp_path):
    tracks = [
        Track("a", "x", license=BY, attribution="A by Ann"),
        Track("b", "x", license="CC0", attribution="B by Bo"),
        Track("gone", "x", license=BY, attribution="G by Gus"),
        Track("c", "y", license=BY, attribution="C by Cy"),
    ]
    terms = {"title": "My music", "homepage": "https://example.org", "citation": "Me: Music. 2020"}
    text = page(tmp_path, tracks, OWN | terms, gone={"status": "failed"})
    assert text == (
        "# My music\n\n- homepage: https://example.org\n- citation: Me: Music. 2020\n"
        "- 3 of 4 tracks are here\n\n"
        "## CC BY 4.0\n\n- a: A by Ann\n- c: C by Cy\n\n## CC0\n\n- b: B by Bo\n"
    )


def test_a_track_without_a_licence_has_that_of_the_data_set(tmp_path):
    text = page(tmp_path, [Track("a", "x"), Track("b", "x", license=BY)], OWN | {"license": "CC BY-NC 4.0"})
    assert re.findall("^## (.*)$", text, re.MULTILINE) == [BY, "CC BY-NC 4.0"]


def test_audio_without_a_licence_must_not_be_shared_and_a_video_has_its_title_and_address(tmp_path):
    state = {"title": "Song (official)", "url": "https://example.org/watch?v=-x_y"}
    text = page(tmp_path, [Track("a", "x"), Track("b", "x", license=BY)], a=state)
    licence, nothing = text.split("## No licence stated")
    assert f"## {BY}" in licence
    assert "must not be shared" in nothing and "- a: Song (official) https://example.org/watch?v=-x_y" in nothing


def test_generated_music_needs_no_licence(root, tmp_path):
    dataset, tracks = load_tracks("demo", root)
    text = page(tmp_path, tracks, dataset)
    assert "needs no licence" in text and "##" not in text


def test_titles_from_strangers_stay_plain_text_on_one_line(tmp_path):
    hostile = (
        "# <script>alert(1)</script>\n## CC0\n![x](http://evil) [y](z) `c` *e* _f_ a_b |\\ \x1b[3m\u202e\u2028&lt;"
    )
    tracks = [Track("1. t", "x", license=hostile, attribution=hostile)]
    text = page(tmp_path, tracks, OWN | {"title": hostile})
    plain = re.sub(r"\\[^\w\s]", "", text)  # escaped characters are shown as they are
    assert not re.search(r"[<>`*\[\]|&]", plain) and "a_b" in plain and " _" not in plain
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e\u2028]", text)
    assert len(re.findall(r"^#+ ", text, re.MULTILINE)) == 2 and "\n- 1\\. t: \\# " in text


def test_the_open_music_that_ships_names_all_its_authors(root, tmp_path):
    dataset, tracks = load_tracks("open-music", root)
    text = page(tmp_path, tracks, dataset)
    assert text.count("\n- ") == 1 + len(tracks) and "No licence" not in text and "is not known" not in text


@pytest.mark.workflow
def test_a_run_writes_the_page_beside_the_audio_and_again_when_a_licence_is_corrected(tmp_path):
    project = copy_project(tmp_path)
    for number, name in enumerate("abcd"):
        write_wav(project / f"{name}.wav", tone(1, 200 + 50 * number))
    sheet = project / "mine.tracks.csv"
    sheet.write_text(
        "track_id,label,path,license,attribution\na,x,a.wav,CC0,by Ann\nb,y,b.wav,,by Bo\nc,x,c.wav,,\nd,y,d.wav,,\n"
    )
    source = "source: {type: manifest, tracks: mine.tracks.csv}"
    (project / "mine.yaml").write_text(f"name: mine\n{source}\nshards: 1\nsplit: {{folds: 2}}\n")
    words = ["--cores", "1", "data/raw/mine/ATTRIBUTION.md", "--config", "dataset=mine.yaml", "audit=[]", "min_songs=2"]
    for licence in ("CC0", "CC BY 4.0"):
        sheet.write_text(sheet.read_text().replace("CC0", licence))
        run = snakemake(project, *words)
        assert run.returncode == 0, run.stdout
        written = (project / "data/raw/mine/ATTRIBUTION.md").read_text()
        assert f"## {licence}\n\n- a: by Ann" in written and "## No licence stated" in written
    asked_for_all = snakemake(project, "-n", *words[3:]).stdout
    assert "write_attribution" not in asked_for_all and "inspect_tracks" in asked_for_all
