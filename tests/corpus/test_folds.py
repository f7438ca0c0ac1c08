"""Cross-validation's parts: every utterance is dev once, no speaker is in two parts; a share is a part of a larger."""

from collections import Counter

import pytest

from asr.commands.train import corpus_to_train_on
from asr.configuration.compose import load_values
from asr.corpus.folds import with_fold_as_dev, with_share_of_train
from asr.errors import UserError
from asr.screen import console
from asr.training.plan import task_of


@pytest.fixture(scope="module")
def corpus(tones, tmp_path_factory):
    values = load_values("train", [f"data.source={tones}"])
    rejected = tmp_path_factory.mktemp("read") / "rejected.jsonl"
    return corpus_to_train_on(values["data"], task_of(values), console(), rejected)


def ids(cuts):
    return {cut.id for cut in cuts}


def speakers(cuts):
    return {cut.supervisions[0].speaker for cut in cuts}


def test_every_utterance_of_train_and_dev_is_dev_once(corpus):
    whole = ids(corpus.splits["train"]) | ids(corpus.splits["dev"])
    parts = [with_fold_as_dev(corpus, 3, fold) for fold in (1, 2, 3)]
    heard = Counter(name for part in parts for name in ids(part.splits["dev"]))
    assert heard == Counter(whole)
    for part in parts:
        assert ids(part.splits["train"]) | ids(part.splits["dev"]) == whole
        assert not speakers(part.splits["train"]) & speakers(part.splits["dev"])
        assert ids(part.splits["test"]) == ids(corpus.splits["test"])


def test_parts_are_the_same_every_time(corpus):
    once, again = (with_fold_as_dev(corpus, 2, 1) for _ in range(2))
    assert [cut.id for cut in once.splits["train"]] == [cut.id for cut in again.splits["train"]]


@pytest.mark.parametrize(("folds", "fold", "message"), [(3, 4, "from 1 to"), (1, 1, "2 or more"), (9, 1, "speakers")])
def test_parts_that_cannot_be(corpus, folds, fold, message):
    with pytest.raises(UserError, match=message):
        with_fold_as_dev(corpus, folds, fold)


def test_a_share_is_a_part_of_a_larger(corpus):
    whole, half, fifth = (ids(with_share_of_train(corpus, share).splits["train"]) for share in (1.0, 0.5, 0.2))
    assert fifth < half < whole
    assert 0.3 < len(half) / len(whole) < 0.7
    with pytest.raises(UserError, match="none of"):
        with_share_of_train(corpus, 1e-9)
