"""README.md and docs/results.md show the figures of the default runs, and no others where they are generated."""

import re
import shutil

import pytest
from fill_results import PAGES, Measured, fill
from helpers.tables import rows
from measured_facts import DATASETS, MEASURED, copy_facts

from songwise.errors import InputError
from songwise.files import write_rows

_BLOCK = re.compile(r"<!-- begin results: ([\w-]+) -->")


@pytest.fixture
def project(root, tmp_path):
    """The pages and what they are made of."""
    shutil.copytree(root / "docs", tmp_path / "docs", ignore=shutil.ignore_patterns("pictures"))
    shutil.copy(root / "README.md", tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", PAGES)
def test_pages_have_the_figures_of_the_measured_runs(root, page):
    assert fill(root, page) == (root / page).read_text(encoding="utf-8"), "run docs/tools/fill_results.py"


def test_the_readme_has_no_figure_that_is_typed_in(root):
    text = re.sub(r"<!-- begin results.*?<!-- end results", "", (root / "README.md").read_text(), flags=re.DOTALL)
    assert set(re.findall(r"\d+(?:\.\d+)? ?%", text)) == {"95 %"}  # of the intervals
    assert not re.findall(r"\b0\.\d\d\b", text)


def test_every_template_is_used_once(root):
    used = [name for page in PAGES for name in _BLOCK.findall((root / page).read_text(encoding="utf-8"))]
    assert sorted(used) == sorted(path.stem for path in (root / "docs/tools/results").glob("*.md"))


def test_another_figure_changes_the_pages(project):
    for dataset in DATASETS:
        path = project / MEASURED / dataset / "leaderboard.csv"
        changed = [row | {"song_accuracy": "0.4321"} for row in rows(path)]
        write_rows(path, list(changed[0]), changed)
    for page in ("README.md", "docs/results.md", "docs/pretrained.md"):
        assert " 43 %" in fill(project, page).replace("**", "")


def test_other_tables_follow_from_their_files(project):
    changes = {
        "shortcuts.json": ('"heard": 0.6147', '"heard": 0.4321', "docs/evaluation.md"),
        "novelty.csv": ("0.7619", "0.4321", "docs/evaluation.md"),
        "similar.csv": ("0.7957", "0.4321", "docs/use.md"),
    }
    for name, (old, new, page) in changes.items():
        path = project / MEASURED / "open-music" / name
        text = path.read_text()
        assert text.count(old) == 1
        path.write_text(text.replace(old, new))
        assert "43 %" in fill(project, page)
        path.write_text(text)


def test_the_table_has_every_model_in_per_cent_of_songs_and_clips(root):
    measured = Measured(root / MEASURED / "open-music")
    lines = measured.table().splitlines()
    assert len(lines) == 2 + measured.summary.n_models
    best = rows(root / MEASURED / "open-music/leaderboard.csv")[0]
    assert f"| **{100 * float(best['song_accuracy']):.0f} %** [" in lines[2]
    assert f"| {100 * float(best['clip_accuracy']):.0f} % [" in lines[2]
    assert all(re.search(r"\| -?\d+ \[-?\d+, \d+\] \|$", line) for line in lines[2:])


def test_a_block_without_a_template_is_named(project):
    page = project / "README.md"
    page.write_text(page.read_text() + "\n<!-- begin results: typo -->\n<!-- end results: typo -->\n")
    with pytest.raises(InputError, match=r"README\.md: the block typo has no template"):
        fill(project, "README.md")


def test_figures_of_a_run_that_also_ranks_models_of_earlier_runs_are_refused(project, root):
    """Their leaderboard is not what the documented command gives."""
    results = project / "results/demo"
    shutil.copytree(root / MEASURED / "demo", results)
    board = rows(results / "leaderboard.csv")
    board[-1]["this_run"] = "false"
    write_rows(results / "leaderboard.csv", list(board[0]), board)
    with pytest.raises(InputError, match="also has models of other runs"):
        copy_facts(project, "demo")


def test_figures_that_were_copied_again_are_the_same(project, root):
    """A run's files give the facts from which the pages are made."""
    shutil.copytree(root / MEASURED / "demo", project / "results/demo")
    before = {path.name: path.read_bytes() for path in (project / MEASURED / "demo").rglob("*.*") if path.is_file()}
    copy_facts(project, "demo")
    after = {path.name: path.read_bytes() for path in (project / MEASURED / "demo").rglob("*.*") if path.is_file()}
    assert {name for name in before if before[name] != after[name]} <= {"weights.csv"}


def test_the_pictures_of_the_readme_exist_and_are_small(root):
    shown = re.findall(r"!\[[^\]]*\]\((docs/pictures/[^)]+)\)", (root / "README.md").read_text(encoding="utf-8"))
    assert len(shown) == 4
    assert sum((root / path).stat().st_size for path in shown) < 300_000
