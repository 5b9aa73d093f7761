"""Files of all formats, damaged at random: each is decoded or rejected with a reason, and all features are finite."""

import fuzz


def test_two_thousand_damaged_files_end_as_rows_and_finite_features(tmp_path):
    result = fuzz.campaign(tmp_path, count=2000, seed=0)
    assert sum(result["outcomes"].values()) == 2000
    # If all files were rejected, or none, the damage would test nothing.
    assert 400 < result["outcomes"]["ok"] < 1600 and result["clips"] > 800
    assert result["megabytes"] < 1000
