"""asr pool: which split the folds of a cross-validation hold out, and that they are of one."""

import json

import pytest
import yaml

from asr.commands.pool import folds_of, how_divided
from asr.errors import UserError

NOTE = "test is part 1 of 6 by speaker: 4 speakers; of the others 18 train, 2 dev (by hash of the speaker)"


def run_of(folder, **data):
    folder.mkdir()
    (folder / "config.yaml").write_text(yaml.safe_dump({"data": data}))
    (folder / "metrics.json").write_text(json.dumps({"train": {"splits": NOTE}}))
    return folder


def test_outer_folds_are_known_by_their_configuration(tmp_path):
    runs = [run_of(tmp_path / str(fold), test_folds=6, test_fold=fold, split_by=None, folds=None) for fold in (1, 2)]
    found = folds_of(runs)
    assert (found.key, str(found)) == ("test_folds", "2 of 6 parts")
    assert how_divided(runs[0]) == NOTE


def test_inner_folds_hold_out_dev(tmp_path):
    found = folds_of([run_of(tmp_path / "1", folds=2, fold=1, split_by="sentence")])
    assert (found.key, str(found)) == ("folds", "1 of 2 parts by sentence")


def test_runs_without_folds_are_pooled_as_they_are(tmp_path):
    assert folds_of([run_of(tmp_path / "1"), tmp_path / "none"]).count is None
    assert how_divided(tmp_path / "none") is None


def test_runs_of_different_divisions_are_refused(tmp_path):
    runs = [run_of(tmp_path / "1", test_folds=6), run_of(tmp_path / "2", test_folds=6, split_by="random")]
    with pytest.raises(UserError, match=r"data.test_folds=6 data.split_by=null and .* data.split_by=random"):
        folds_of(runs)
