from asr.tasks.transcribe.scoring.confusions import align_characters, count_confusions


def test_errors_of_characters_as_json():
    found = count_confusions(align_characters(["see", "a b", ""], ["se", "a c", "x"])).as_dict()
    assert found == {
        "substitutions": [{"reference": "b", "hypothesis": "c", "count": 1}],
        "deletions": [{"reference": "e", "count": 1}],
        "insertions": [{"hypothesis": "x", "count": 1}],
    }
