"""`songwise report`: the path for scripts, the page for people."""


def test_the_path_is_printed_and_the_page_opened(project, run, no_browser):
    opened = no_browser()
    assert run("report").out == "results/tones/report.html\n" and not opened.exists()
    done = run("report", "tones", "--open")
    assert (done.code, done.out, done.err) == (0, "results/tones/report.html\n", "")
    assert opened.read_text() == (project / "results/tones/report.html").as_uri()


def test_without_a_desktop_the_path_is_all_there_is(project, run):
    done = run("report", "--open")
    assert done.code == 0 and "no browser can be opened here" in done.err


def test_a_missing_page_says_how_to_make_it(project, run):
    (project / "results/tones/report.html").unlink()
    assert run("report").err == (
        "songwise: results/tones/report.html is missing. Run snakemake --config dataset=tones, which makes it\n"
    )
