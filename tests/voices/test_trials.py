"""Lists of trials: both forms, drawn the same everywhere, of what was held out."""

import gzip
import json
from itertools import pairwise

import pytest

from asr.errors import UserError
from asr.voices.held_out import speakers_of_manifest
from asr.voices.trials import Trial, make_trials, read_speakers, read_trials, speakers_by_folder


def test_both_forms_are_read(tmp_path):
    (tmp_path / "list").write_text("1 a/1.wav a/2.wav\n0 a/1.wav b/1.wav\n\nanna x.wav target\nanna y.wav nontarget\n")
    assert read_trials(tmp_path / "list") == [
        Trial("a/1.wav", "a/2.wav", True),
        Trial("a/1.wav", "b/1.wav", False),
        Trial("anna", "x.wav", True),
        Trial("anna", "y.wav", False),
    ]


@pytest.mark.parametrize("line", ["2 a b", "a b", "1 a b c", "a b same"])
def test_a_line_that_is_no_trial_is_named(tmp_path, line):
    (tmp_path / "list").write_text(f"1 a b\n{line}\n")
    with pytest.raises(UserError, match="list, line 2"):
        read_trials(tmp_path / "list")


def test_speakers_are_folders_only_where_every_trial_agrees():
    agreed = [Trial("a/1", "a/2", True), Trial("a/1", "b/1", False)]
    assert speakers_by_folder(agreed) == {"a/1": "a", "a/2": "a", "b/1": "b"}
    assert speakers_by_folder([*agreed, Trial("a/1", "a/3", False)]) is None
    assert speakers_by_folder([Trial("1", "2", True)]) is None


def test_a_table_of_speakers_does_not_contradict_itself(tmp_path):
    (tmp_path / "table").write_text("a x\nb y\na z\n")
    with pytest.raises(UserError, match="line 3: a has another speaker"):
        read_speakers(tmp_path / "table")


SPEAKERS = {f"s{s}/{r}.wav": f"s{s}" for s in range(6) for r in range(8)}


def test_drawn_trials_are_right_balanced_and_the_same_in_any_order():
    trials = make_trials(SPEAKERS, seed=3, most_of_a_speaker=10)
    assert all((SPEAKERS[t.enrolled] == SPEAKERS[t.test]) == t.target for t in trials)
    assert sum(t.target for t in trials) == 60 == sum(not t.target for t in trials)
    assert len({frozenset((t.enrolled, t.test)) for t in trials}) == len(trials)
    assert all(a.enrolled <= b.enrolled for a, b in pairwise(trials))
    assert trials == make_trials(dict(reversed(SPEAKERS.items())), seed=3, most_of_a_speaker=10)
    assert trials != make_trials(SPEAKERS, seed=4, most_of_a_speaker=10)
    every = make_trials(SPEAKERS)
    assert sum(t.target for t in every) == 6 * 28  # all pairs


def test_without_pairs_of_both_kinds_there_is_no_list():
    for speakers in ({"a": "x", "b": "x"}, {"a": "x", "b": "y"}):
        with pytest.raises(UserError, match="make no trials"):
            make_trials(speakers)


def cut(name, speaker="s", start=0.0, channels=(0,), **custom):
    recording = {"sources": [{"type": "file", "channels": list(channels), "source": f"/data/{name}"}], "duration": 2.0}
    supervision = {"id": name, "speaker": speaker}
    return {"id": name, "start": start, "duration": 2.0 - start, "recording": recording, "supervisions": [supervision],
            "custom": custom}  # fmt: skip


def test_whole_files_of_known_speakers_are_taken_from_a_manifest(tmp_path):
    lines = [cut("a.wav"), cut("part.wav", start=0.5), cut("nobody.wav", speaker="nobody.wav")]
    lines += [cut("left.wav", channels=(0, 1)), cut("both.wav", channels=(0, 1), averaged_channels=2)]
    with gzip.open(tmp_path / "test.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    speakers, others = speakers_of_manifest(tmp_path / "test.jsonl.gz")
    assert (speakers, others) == ({"/data/a.wav": "s", "/data/both.wav": "s"}, 3)
