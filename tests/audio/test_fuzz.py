"""Files damaged at random, all formats: each is decoded or set aside with a reason, and no figure is not a number."""

import fuzz


def test_two_thousand_damaged_files_end_as_rows_and_finite_features(tmp_path):
    found = fuzz.campaign(tmp_path, count=2000, seed=0)
    assert sum(found["said"].values()) == 2000
    # Of damage that leaves nothing, or hurts nothing, there is no word to be had.
    assert 400 < found["said"]["ok"] < 1600 and found["clips"] > 800
    assert found["megabytes"] < 1000
