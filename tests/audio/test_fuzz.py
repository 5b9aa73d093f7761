"""Files of all formats, damaged at random: each is decoded or rejected with a reason, and all features are finite."""

import fuzz


def test_a_thousand_damaged_files_end_as_rows_and_finite_features(tmp_path):
    result = fuzz.campaign(tmp_path, count=1000, seed=0)
    assert sum(result["outcomes"].values()) == 1000
    # If all files were rejected, or none, the damage would test nothing.
    assert 200 < result["outcomes"]["ok"] < 800 and result["clips"] > 400
    assert result["megabytes"] < 1000
