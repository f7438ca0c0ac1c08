"""Training utterances several times in an epoch: only they, under ids of their own, the first as it is."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from asr.corpus.batches import SpeechDataset, evaluation_batches, training_batches
from asr.corpus.copies import with_copies
from asr.corpus.readers import folder
from asr.errors import UserError
from asr.model.augment import Augmentation, Noise
from asr.training.at_once import Pass
from tests.corpus.recordings import RATE, corpus, pair, tone


@pytest.fixture
def loaded(tmp_path):
    for speaker in "abcdef":
        for number in range(4):
            pair(tmp_path / speaker, f"{number}", "la", tone(0.1 * (number + 2)))
    return corpus(folder.read(tmp_path), dev_fraction=0.2, test_fraction=0.2)


def batches_of(multiplied):
    dataset = SpeechDataset(multiplied.audio, lambda texts: (torch.zeros(len(texts)),))
    return training_batches(multiplied.splits["train"], dataset, 2.0, None, 0, seed=1)


def test_an_epoch_has_every_utterance_so_often_and_held_out_speech_once(loaded):
    multiplied = with_copies(loaded, 3)
    ids = [cut.id for cut in loaded.splits["train"]]
    batches = batches_of(multiplied)
    for epoch in range(2):
        batches.start_at_epoch(epoch)
        seen = [name for batch in batches for name in batch.ids]
        assert sorted(seen) == sorted([*ids, *(f"{name} (copy {number})" for name in ids for number in (2, 3))])
    for split in ("dev", "test"):
        assert [*multiplied.splits[split]] == [*loaded.splits[split]]
        dataset = SpeechDataset(multiplied.audio, lambda texts: ())
        batch = next(iter(evaluation_batches(multiplied.splits[split], dataset, 9.0, 0)))
        assert batch.augmented is None
    held_out = {cut.id for split in ("dev", "test") for cut in multiplied.splits[split]}
    assert not held_out & {cut.id.partition(" (")[0] for cut in multiplied.splits["train"]}


def test_the_first_is_as_it_is_and_the_others_differ(loaded):
    torch.manual_seed(0)
    augment, heard = Augmentation({"noise": Noise(RATE, 10, 10, 1.0)}), {}
    for batch in batches_of(with_copies(loaded, 3)):
        waveform, _ = augment.waveform(batch.waveform, batch.lengths, batch.to(torch.device("cpu")).augmented)
        heard |= zip(batch.ids, waveform.unbind(), strict=True)
        assert batch.first(1).augmented.tolist() == batch.augmented[:1].tolist()
    for cut in loaded.splits["train"]:
        first, second, third = (heard[cut.id + copy] for copy in ("", " (copy 2)", " (copy 3)"))
        size = cut.num_samples
        assert torch.equal(first[:size], torch.from_numpy(loaded.audio[cut.id] / 32768).float())
        assert not torch.equal(first[:size], second[:size]) and not torch.equal(second[:size], third[:size])


def test_a_training_that_goes_on_draws_what_it_would_have_drawn(loaded):
    whole, gone_on = (batches_of(with_copies(loaded, 3)) for _ in range(2))
    drawn = []
    for epoch in range(3):
        whole.start_at_epoch(epoch)
        drawn.append([batch.ids for batch in whole])
    gone_on.start_at_epoch(2)
    assert [batch.ids for batch in gone_on] == drawn[2] != drawn[1]


def test_samples_are_shared_and_seconds_add_up(loaded):
    multiplied = with_copies(loaded, 2)
    for cut in loaded.splits["train"]:
        assert multiplied.audio[f"{cut.id} (copy 2)"] is loaded.audio[cut.id]
    seconds = [sum(cut.duration for cut in each.splits["train"]) for each in (loaded, multiplied)]
    assert seconds[1] == pytest.approx(2 * seconds[0])
    assert len(loaded.splits["train"]) * 2 == len(multiplied.splits["train"])


def test_one_copy_is_the_corpus_itself(loaded):
    assert with_copies(loaded, 1) is loaded


def test_a_streamed_corpus_has_none(loaded):
    streamed = replace(loaded, splits=loaded.splits | {"train": iter(())})
    with pytest.raises(UserError, match=r"data\.copies: .* shards has none; raise budget\.epochs"):
        with_copies(streamed, 2)


def test_an_id_of_that_name_is_refused(tmp_path):
    for name in ("x", "x (copy 2)"):
        pair(tmp_path, name, "la")
    found = corpus(folder.read(tmp_path), dev_fraction=0, test_fraction=0)
    with pytest.raises(UserError, match=r"data\.copies: x \(copy 2\) is the id of an utterance already"):
        with_copies(found, 2)


class Same(nn.Module):
    def forward(self, waveform, lengths):
        return waveform, lengths


@pytest.mark.parametrize(("copies", "changed"), [(1, 0), (3, 2)])
def test_what_is_fitted_at_once_sees_every_copy(loaded, copies, changed):
    """changed: for every training utterance, how many of its copies are not as they are."""
    batches = batches_of(with_copies(loaded, copies))
    augment = Augmentation({"noise": Noise(RATE, 10, 10, 1.0)})
    network = SimpleNamespace(features=Same(), encoder=Same())
    module = SimpleNamespace(augment=augment, model=network, unreadable={}, eval=lambda: None)
    seen, count = Pass(module, batches, RATE), len(loaded.splits["train"])
    rows = [row[:size] for x, sizes, _ in seen for row, size in zip(x, sizes.tolist(), strict=True)]
    assert len(rows) == copies * count
    as_they_are = {cut.num_samples: loaded.audio[cut.id] / 32768 for cut in loaded.splits["train"]}
    other = [not torch.equal(row, torch.from_numpy(as_they_are[len(row)]).float()) for row in rows]
    assert sum(other) == count * changed
    assert seen.audio_seconds == pytest.approx(copies * sum(cut.duration for cut in loaded.splits["train"]))
