"""`make help` lists every target, with what its comment says."""

import re
import subprocess


def test_every_target_is_listed_with_its_comment(root):
    makefile = (root / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.*)$", makefile, re.M)[1].split()
    done = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=root, capture_output=True, text=True, check=True
    )
    lines = dict(line.split(None, 2)[1:] for line in done.stdout.splitlines())
    assert sorted(lines) == sorted(targets)
    assert lines["schemas"].startswith("generate workflow/schemas and")
